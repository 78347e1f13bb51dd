/** What a spec says of priority and limits, as the supervisor's START has it. Pure; the spec was found good before. */
import { isProcessResource, processResources, unlimited } from '#core/process-limits.ts';
import type { ProcessLimit, TaskSpec } from '#protocol/gen/drover/v1/task_pb.ts';
import { type SupervisorBody, startFlags } from './supervisor-messages.ts';

/** The fields of a START that are about limits. */
export type LimitFields = Pick<
  SupervisorBody<'start'>,
  'flags' | 'nice' | 'rlimits' | 'cpuMillis' | 'memoryBytes' | 'processes'
>;

/** Makes them. */
export function limitFields(spec: TaskSpec | undefined): LimitFields {
  const { cpuMillis = 0, memoryBytes = 0n, processes = 0 } = spec?.limits ?? {};
  return {
    flags: spec?.nice === undefined ? 0 : startFlags.nice,
    nice: spec?.nice ?? 0,
    rlimits: (spec?.processLimits ?? []).flatMap(rlimit),
    cpuMillis,
    memoryBytes,
    processes,
  };
}

function rlimit({ resource, soft = unlimited, hard = unlimited }: ProcessLimit) {
  return isProcessResource(resource) ? [{ resource: processResources[resource], soft, hard }] : [];
}
