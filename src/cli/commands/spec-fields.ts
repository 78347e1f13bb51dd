/** A specification as lines of a page: only what was asked for, in the words of the command line. Pure. */
import { formatDuration } from '#cli/output/format-duration.ts';
import { showCommand } from '#cli/task-columns.ts';
import { formatSize } from '#core/format-size.ts';
import {
  LeftoverPolicy,
  type ProcessLimit,
  RestartMode,
  type RestartPolicy,
  StdinMode,
  type TaskLimits,
  type TaskSpec,
} from '#protocol/gen/drover/v1/task_pb.ts';
import { limits } from '#protocol/limits.ts';
import type { Field } from './print-fields.ts';

/** Its lines; an empty value is not shown. */
export function specFields(spec: TaskSpec | undefined): Field[] {
  if (!spec) return [];
  return [
    [spec.named ? "the policy's command" : 'command', showCommand(spec)],
    ['shell', spec.shell ? 'yes' : ''],
    ['user', spec.user],
    ['directory', spec.cwd],
    ['environment', showEnvironment(spec.env)],
    ['umask', spec.umask === undefined ? '' : `0${spec.umask.toString(8).padStart(3, '0')}`],
    ['nice', spec.nice === undefined ? '' : String(spec.nice)],
    ['limits of all of it', spec.limits ? showTaskLimits(spec.limits) : ''],
    ['limits of each process', spec.processLimits.map(showProcessLimit).join(', ')],
    ['input', showInput(spec)],
    ['output', showOutput(spec)],
    ['time limit', spec.timeoutMs > 0n ? formatDuration(Number(spec.timeoutMs)) : ''],
    ['restart', spec.restart ? showRestart(spec.restart) : ''],
    ['stop', showStop(spec)],
    ['leftovers', spec.leftovers === LeftoverPolicy.KEEP ? 'keep' : ''],
  ];
}

function showEnvironment(env: Readonly<Record<string, string>>): string {
  return Object.entries(env)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}

function showTaskLimits({ cpuMillis, memoryBytes, processes }: TaskLimits): string {
  return [
    ...(cpuMillis > 0 ? [`cpu ${cpuMillis / 1000}`] : []),
    ...(memoryBytes > 0n ? [`memory ${formatSize(memoryBytes)}`] : []),
    ...(processes > 0 ? [`processes ${processes}`] : []),
  ].join(', ');
}

/** As the command line takes it, in the resource's own unit. */
function showProcessLimit({ resource, soft, hard }: ProcessLimit): string {
  const [one, other] = [soft, hard].map((value) => (value === undefined ? 'unlimited' : String(value)));
  const name = resource === 'cpu' ? 'cpu-time' : resource;
  return one === other ? `${name} ${one}` : `${name} ${one}:${other}`;
}

function showInput({ terminal, stdin }: TaskSpec): string {
  if (terminal)
    return `a terminal of ${terminal.rows || 24} × ${terminal.columns || 80}${showHangup(terminal)}`;
  return stdin === StdinMode.STREAM ? 'as it is sent' : '';
}

function showOutput({ pipes }: TaskSpec): string {
  return pipes ? `as fast as it is read${showHangup(pipes)}` : '';
}

function showHangup({ hangupAfterMs }: { readonly hangupAfterMs: bigint }): string {
  if (hangupAfterMs === 0n) return '';
  return `, hung up when nobody is there for ${formatDuration(Number(hangupAfterMs))}`;
}

const restartWords: Readonly<Record<number, string>> = {
  [RestartMode.ON_FAILURE]: 'on-failure',
  [RestartMode.ALWAYS]: 'always',
};

function showRestart({ mode, max, backoffMs, backoffMaxMs }: RestartPolicy): string {
  const first = formatDuration(Number(backoffMs) || limits.restartBackoffDefaultMs);
  const longest = formatDuration(Number(backoffMaxMs) || limits.restartBackoffMaxDefaultMs);
  const often = max > 0 ? `, at most ${max} ${max === 1 ? 'time' : 'times'}` : '';
  return `${restartWords[mode] ?? mode}${often}, after ${first} to ${longest}`;
}

function showStop({ stopSignal, stopGraceMs }: TaskSpec): string {
  if (stopSignal === '' && stopGraceMs === 0n) return '';
  const grace = formatDuration(Number(stopGraceMs) || limits.stopGraceDefaultMs);
  return `${stopSignal || 'SIGTERM'}, SIGKILL after ${grace}`;
}
