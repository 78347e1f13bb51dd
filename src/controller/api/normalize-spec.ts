/**
 * A specification without what says nothing: a default that is written out is left out, and what has no order is sorted, so
 * that two ways of asking for one thing are one. Pure.
 */
import { create } from '@bufbuild/protobuf';
import { unlimited } from '#core/process-limits.ts';
import { canonicalSignal } from '#core/signals.ts';
import {
  LeftoverPolicy,
  type ProcessLimit,
  ProcessLimitSchema,
  RestartMode,
  type RestartPolicy,
  RestartPolicySchema,
  StdinMode,
  type TaskSpec,
  type TerminalSpec,
  TerminalSpecSchema,
} from '#protocol/gen/drover/v1/task_pb.ts';
import { limits } from '#protocol/limits.ts';

const umaskDefault = 0o022;
const stopSignalDefault = 'SIGTERM';
const terminalDefault = { rows: 24, columns: 80, term: 'xterm-256color' };

/** @param spec one in which nothing is wrong. It is left as it is. */
export function normalizeSpec(spec: TaskSpec): TaskSpec {
  const { umask, limits: ofTask, restart, terminal, ...others } = spec;
  const stopSignal = canonicalSignal(spec.stopSignal) ?? '';
  return {
    ...others,
    ...(umask === undefined || umask === umaskDefault ? {} : { umask }),
    ...(ofTask && (ofTask.cpuMillis || ofTask.memoryBytes || ofTask.processes) ? { limits: ofTask } : {}),
    ...restartOf(restart),
    ...(terminal && { terminal: normalizeTerminal(terminal) }),
    stopSignal: stopSignal === stopSignalDefault ? '' : stopSignal,
    stopGraceMs: unlessDefault(spec.stopGraceMs, limits.stopGraceDefaultMs),
    processLimits: spec.processLimits.map(normalizeLimit).sort((a, b) => (a.resource < b.resource ? -1 : 1)),
    leftovers: spec.leftovers === LeftoverPolicy.STOP ? LeftoverPolicy.UNSPECIFIED : spec.leftovers,
    stdin: spec.stdin === StdinMode.NONE || terminal ? StdinMode.UNSPECIFIED : spec.stdin,
  };
}

function restartOf(restart: RestartPolicy | undefined): { restart?: RestartPolicy } {
  if (!restart || restart.mode === RestartMode.UNSPECIFIED || restart.mode === RestartMode.NEVER) return {};
  const { mode, max } = restart;
  const backoffMs = unlessDefault(restart.backoffMs, limits.restartBackoffDefaultMs);
  const backoffMaxMs = unlessDefault(restart.backoffMaxMs, limits.restartBackoffMaxDefaultMs);
  return { restart: create(RestartPolicySchema, { mode, max, backoffMs, backoffMaxMs }) };
}

function normalizeTerminal({ rows, columns, term, hangupAfterMs }: TerminalSpec): TerminalSpec {
  return create(TerminalSpecSchema, {
    rows: rows === terminalDefault.rows ? 0 : rows,
    columns: columns === terminalDefault.columns ? 0 : columns,
    term: term === terminalDefault.term ? '' : term,
    hangupAfterMs,
  });
}

function normalizeLimit({ resource, soft, hard }: ProcessLimit): ProcessLimit {
  return create(ProcessLimitSchema, {
    resource,
    ...(soft === undefined || soft === unlimited ? {} : { soft }),
    ...(hard === undefined || hard === unlimited ? {} : { hard }),
  });
}

function unlessDefault(value: bigint, byDefault: number): bigint {
  return value === BigInt(byDefault) ? 0n : value;
}
