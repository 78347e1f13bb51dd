/** `drover events`: what happened in the cluster, up to now or on and on. */
import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { type CommandLine, UsageError } from '#base/command-line.ts';
import type { CommandContext } from '#cli/command.ts';
import { eventStream } from '#cli/follow/event-stream.ts';
import { eventLine } from '#cli/output/event-line.ts';
import { printJson, printJsonLine } from '#cli/output/json.ts';
import { cut } from '#cli/output/table.ts';
import { parseMoment } from '#cli/parse-moment.ts';
import type { eventsSyntax } from '#cli/syntax/event-syntax.ts';
import { queryTasks } from '#cli/task-query.ts';
import { exitCodes } from '#core/exit-code.ts';
import {
  type ClusterEvent,
  ClusterEventSchema,
  ListEventsResponseSchema,
} from '#protocol/gen/drover/v1/event_pb.ts';

/** How far back it looks where nobody says. */
const sinceDefault = '1h';

/** Prints events, oldest first. */
export async function events(
  context: CommandContext,
  { options, words }: CommandLine<(typeof eventsSyntax)['options']>,
): Promise<number> {
  const { out, clock, abort } = context;
  const { follow = false, output, kind: kinds = [], label: selector = '' } = options;
  if (follow && output === 'json')
    throw new UsageError('drover events: -o json has an end, -f has none: use -o jsonl');
  const since = options.since ?? (follow ? undefined : sinceDefault);
  const at = since === undefined ? undefined : parseMoment(since, '--since', clock.wallMs(), 'last');
  const { refs, nodes } = named(words, options.nodes, context.selection);
  const query = { kinds, selector, refs, nodes, ...(at === undefined ? {} : { since: timestampFromMs(at) }) };
  const stream = eventStream(await context.connect(options.data), {
    query,
    onlyNew: at === undefined,
    follow,
    clock,
    abort,
    onGone: (count) => out.errLine(`drover: ${count} events before this are no longer kept`),
    onLost: () => out.errLine('drover: lost the controller, trying to reach it again'),
    onBack: () => {},
  });
  const all: ClusterEvent[] = [];
  for await (const event of stream) {
    if (output === 'json') all.push(event);
    else if (output === 'jsonl') printJsonLine(out, ClusterEventSchema, event);
    else out.outLine(cut(eventLine(event), out.columns ?? Number.POSITIVE_INFINITY));
    await out.drained();
  }
  if (output === 'json')
    printJson(out, ListEventsResponseSchema, create(ListEventsResponseSchema, { events: all }));
  return exitCodes.success;
}

/** Nodes that the prompt has selected narrow process ids, as everywhere; events of runs have no node to be narrowed by. */
function named(words: readonly string[], nodes: string | undefined, selection: string | undefined) {
  return words.length === 0 ? { refs: [], nodes: nodes ?? '' } : queryTasks(words, nodes, selection);
}
