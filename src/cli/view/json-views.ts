/** A run for programs: each event on a line, or all of it at the end, or nothing but its id. */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { printJson, printJsonLine } from '#cli/output/json.ts';
import type { Output } from '#cli/output/output.ts';
import { CreateRunResponseSchema, FollowTasksResponseSchema } from '#protocol/gen/drover/v1/api_pb.ts';
import type { Run } from '#protocol/gen/drover/v1/task_pb.ts';
import type { RunView } from './run-view.ts';

type NewsKind = NonNullable<MessageInitShape<typeof FollowTasksResponseSchema>['kind']>;

const silent = {
  wantsOutput: false,
  hasFooter: false,
  task() {},
  log() {},
  flush() {},
  finish() {},
} as const;

/** Each event on a line. */
export function jsonLinesView(out: Output): RunView {
  const print = async (kind: NewsKind) => {
    printJsonLine(out, FollowTasksResponseSchema, create(FollowTasksResponseSchema, { kind }));
    await out.drained();
  };
  return {
    ...silent,
    wantsOutput: true,
    task: (value) => print({ case: 'task', value }),
    log: (value) => print({ case: 'log', value }),
  };
}

/** The run and its tasks at the end. @param getRun asks for the run as it is then. */
export function jsonView(out: Output, getRun: () => Promise<Run>): RunView {
  return {
    ...silent,
    async finish({ tasks }) {
      const whole = create(CreateRunResponseSchema, { run: await getRun(), tasks: [...tasks] });
      printJson(out, CreateRunResponseSchema, whole);
    },
  };
}

/** The id of the run, at once, and nothing that its tasks print. */
export function nameView(out: Output, runId: string): RunView {
  out.outLine(runId);
  return { ...silent, hasFooter: true };
}
