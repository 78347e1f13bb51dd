/**
 * What must hold after every fault, checked on what was recorded while it happened. Pure, and of its own mind: nothing of the
 * product decides here what an orderly history is.
 */
import { createHash } from 'node:crypto';
import type { Event } from '#protocol/gen/drover/v1/link_pb.ts';
import { type Attempt, type Task, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import type { ChaosCommand } from './commands.ts';

/** What can be read of a task's output. */
export interface Printed {
  readonly bytes: Uint8Array;
  /** Bytes that readers are told are missing. */
  readonly gone: number;
}

/** What a daemon held at the end. */
export interface DaemonFootprint {
  readonly title: string;
  readonly residentBytes: number;
  readonly descriptors: number;
}

/** Everything that was recorded. */
export interface History {
  /** Tasks of acknowledged launches, by id, with what they were to run. */
  readonly launched: ReadonlyMap<string, ChaosCommand>;
  /** Attempt ids as the tasks themselves wrote them down when they began. */
  readonly starts: readonly string[];
  /** What the API told of each task, in order. */
  readonly told: ReadonlyMap<string, readonly Task[]>;
  /** What each journal recorded, in order. */
  readonly recorded: ReadonlyMap<string, readonly Event[]>;
  /** What the API says of each task in the end. */
  readonly final: ReadonlyMap<string, Task>;
  /** Standard output of each task's latest attempt. */
  readonly printed: ReadonlyMap<string, Printed>;
  /** Requests of the audit's rows. */
  readonly audit: readonly string[];
  /** For each command that was acknowledged, what its row must name. */
  readonly commands: readonly string[];
  /** Processes of tasks and supervisors that are left when everything has ended and was stopped. */
  readonly left: readonly string[];
  readonly daemons: readonly DaemonFootprint[];
}

/** What a fault may bring about. */
export interface Allowed {
  /** Reasons of ends as `unknown`. */
  readonly unknown?: RegExp;
  /** Reasons of ends as `not started`. */
  readonly notStarted?: RegExp;
  /** Signals that the test, or a stop that it ordered, sent. */
  readonly signals?: readonly string[];
  /** The disk refused a part of what tasks wrote, which they were told: output may lack lines anywhere. */
  readonly outputLost?: boolean;
  /** A journal lost a part of what was on disk: what it says now need not follow from what it said. */
  readonly journalLost?: boolean;
}

/** What a daemon may hold: several times what it does at rest. */
export const footprintMax = { residentBytes: 400 << 20, descriptors: 300 };

/** Says what does not hold, a line each; nothing where all does. */
export function checkHistory(history: History, allowed: Allowed = {}): string[] {
  return [
    ...startedTooOften(history),
    ...wrongEnds(history, allowed),
    ...wentBack(history, allowed),
    ...journalsOutOfOrder(history),
    ...wrongOutput(history, allowed),
    ...history.commands
      .filter((command) => !history.audit.some((request) => request.includes(command)))
      .map((command) => `no audit row names ${command}`),
    ...history.left.map((process) => `left behind: ${process}`),
    ...history.daemons
      .filter(({ residentBytes, descriptors }) => {
        return residentBytes > footprintMax.residentBytes || descriptors > footprintMax.descriptors;
      })
      .map(
        (daemon) => `${daemon.title} holds ${daemon.residentBytes} bytes, ${daemon.descriptors} descriptors`,
      ),
  ];
}

function startedTooOften({ starts, launched }: History): string[] {
  const seen = new Set<string>();
  return starts.flatMap((id) => {
    const again = seen.has(id);
    seen.add(id);
    if (again) return [`${id} was started twice`];
    return launched.has(taskOf(id)) ? [] : [`${id} was started, and nobody launched it`];
  });
}

function wrongEnds({ launched, final, starts }: History, allowed: Allowed): string[] {
  const started = new Set(starts);
  return [...launched].flatMap(([id, command]) => {
    const task = final.get(id);
    if (!task) return [`${id} was acknowledged, and nobody knows it`];
    const problem = problemOfEnd(task, command, started.has(attemptOf(task)), allowed);
    return problem === undefined ? [] : [`${id} ${problem}`];
  });
}

function problemOfEnd(task: Task, command: ChaosCommand, started: boolean, allowed: Allowed) {
  const kind = task.outcome?.kind;
  if (task.state !== TaskState.ENDED || !kind) return `has not ended: state ${task.state} ${task.reason}`;
  switch (kind.case) {
    case 'exited':
      if (kind.value.code !== command.code) return `exited with ${kind.value.code}, not ${command.code}`;
      return started ? undefined : 'exited, and was never started';
    case 'signaled':
      return allowed.signals?.includes(kind.value.signal) ? undefined : `was ended by ${kind.value.signal}`;
    case 'unknown':
      return allowed.unknown?.test(kind.value.reason) ? undefined : `is unknown: ${kind.value.reason}`;
    case 'notStarted':
      if (started) return `was started, and is said not to be: ${kind.value.reason}`;
      return allowed.notStarted?.test(kind.value.reason) ? undefined : `did not start: ${kind.value.reason}`;
    default:
      return `ended as ${kind.case}`;
  }
}

/** Forward only; what has ended stays as it is. */
const ranks: Readonly<Record<TaskState, number>> = {
  [TaskState.UNSPECIFIED]: -1,
  [TaskState.PENDING]: 0,
  [TaskState.STARTING]: 1,
  [TaskState.RUNNING]: 2,
  [TaskState.STOPPING]: 3,
  [TaskState.WAITING]: 3,
  [TaskState.ENDED]: 4,
};

function wentBack({ told, recorded }: History, { journalLost }: Allowed): string[] {
  const problems: string[] = [];
  for (const [id, snapshots] of told) {
    const attempts = snapshots.flatMap((task) => task.attempts.map((attempt) => [id, attempt] as const));
    problems.push(...followAttempts(attempts));
    const ended = snapshots.findIndex((task) => task.state === TaskState.ENDED);
    if (ended >= 0 && snapshots.slice(ended).some((task) => task.state !== TaskState.ENDED)) {
      problems.push(`${id} was told to have ended, and then not to have`);
    }
  }
  for (const [node, events] of journalLost ? [] : recorded) {
    const attempts = events.flatMap(({ taskId, attempt }) => (attempt ? [[taskId, attempt] as const] : []));
    problems.push(...followAttempts(attempts).map((problem) => `${node}: ${problem}`));
  }
  return problems;
}

function followAttempts(snapshots: readonly (readonly [string, Attempt])[]): string[] {
  const latest = new Map<string, Attempt>();
  const problems: string[] = [];
  for (const [taskId, attempt] of snapshots) {
    const id = `${taskId}.${attempt.number}`;
    const before = latest.get(id);
    latest.set(id, attempt);
    if (!before) continue;
    if (rankOf(attempt) < rankOf(before))
      problems.push(`${id} went back from ${before.state} to ${attempt.state}`);
    if (before.pid !== 0 && attempt.pid !== before.pid)
      problems.push(`${id} changed its pid from ${before.pid} to ${attempt.pid}`);
    if (before.outcome && outcomeText(before) !== outcomeText(attempt))
      problems.push(`${id} changed its outcome from ${outcomeText(before)} to ${outcomeText(attempt)}`);
  }
  return problems;
}

function rankOf({ state }: Attempt): number {
  return ranks[state] ?? -1;
}

function outcomeText({ outcome }: Attempt): string {
  return `${outcome?.kind.case} ${JSON.stringify(outcome?.kind.value)}`;
}

function journalsOutOfOrder({ recorded }: History): string[] {
  return [...recorded].flatMap(([node, events]) => {
    const out = events.findIndex((event, i) => i > 0 && event.sequence <= (events[i - 1]?.sequence ?? 0n));
    return out < 0 ? [] : [`the journal of ${node} has event ${events[out]?.sequence} out of order`];
  });
}

function wrongOutput({ launched, final, printed, starts }: History, { outputLost }: Allowed): string[] {
  const started = new Set(starts);
  return [...launched].flatMap(([id, command]) => {
    const task = final.get(id);
    if (!task || !started.has(attemptOf(task))) return [];
    const read = printed.get(id) ?? { bytes: new Uint8Array(), gone: 0 };
    const whole = Buffer.from(command.stdout);
    const length = read.bytes.length + read.gone;
    if (outputLost) return isPartOf(read.bytes, whole) ? [] : [`${id} printed something else`];
    if (task.outcome?.kind.case === 'exited' && length !== whole.length) {
      return [`${id} printed ${whole.length} bytes, of which ${length} are accounted for`];
    }
    const expected = whole.subarray(read.gone, length);
    return length <= whole.length && sha256(expected) === sha256(read.bytes)
      ? []
      : [`${id} printed something else`];
  });
}

/** Whether every line of `text`, but for a last one that was cut, is in `whole`. */
function isPartOf(text: Uint8Array, whole: Buffer): boolean {
  const lines = new Set(whole.toString().split('\n'));
  return Buffer.from(text)
    .toString()
    .split('\n')
    .slice(0, -1)
    .every((line) => lines.has(line));
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function attemptOf(task: Task): string {
  return `${task.id}.${task.attempts.at(-1)?.number ?? 0}`;
}

function taskOf(attemptId: string): string {
  return attemptId.slice(0, attemptId.lastIndexOf('.'));
}
