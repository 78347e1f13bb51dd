/**
 * The life of one attempt: from what happens to it follow its next snapshot and the steps to take. Pure; task-host.ts does
 * the steps. What comes twice, late or never changes nothing that was said.
 *
 *   starting ──started──► running ──stop, timeout──► stopping ──empty──► ended
 *      │                     │                        ↑   │ │              ↑
 *      │                     ├──exited, others left──┘   │ └ kill due: SIGKILL to all, again and again
 *      │                     └──exited, others left that are kept ─────────┤
 *      └──not started, lost──────────┴──exited, empty────┴──lost──────────┘
 *
 * A stop signals the group, since that is what a terminal would do; when the leader has ended, whatever else is left of the
 * task gets the stop signal, and what is there after the grace gets SIGKILL. Leftovers are kept where the spec says so and
 * nobody ordered the end: a stop always means all of it.
 */
import { create } from '@bufbuild/protobuf';
import { timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import { notStarted, unknownOutcome } from '#core/outcome.ts';
import { signalNumber } from '#core/signals.ts';
import {
  type Attempt,
  Cause,
  GroupUsageSchema,
  LeftoverPolicy,
  LeftoverSchema,
  type Outcome,
  type ProcessLimit,
  ResourceUsageSchema,
  SignalScope,
  type Survivor,
  SurvivorSchema,
  type TaskSpec,
  TaskState,
} from '#protocol/gen/drover/v1/task_pb.ts';
import { limits } from '#protocol/limits.ts';
import { causeOfEnd, type EndFacts, limitReached } from './cause-of-end.ts';
import { describeSurvivors } from './describe-survivors.ts';
import type { EmptyBody, ExitedBody, LostBody, StartedBody } from './supervisor-messages.ts';
import { outcomeOfStatus } from './wait-status.ts';

/** SIGKILL is sent again so often while anything is left: a process in the kernel's hands may fork once more. */
const killRepeatMs = 2_000;

/** A reason may quote what an operator sent; an event must stay within limits.eventBytesMax. */
const reasonCharsMax = 2_000;

/** So long after SIGKILL a process that is still there survives it: it needs no time to die, but the kernel may. */
const survivesMs = 1_000;

/** The moment at which something happens. */
export interface Now {
  /** For records. */
  readonly wallMs: number;
  /** For deadlines. */
  readonly monotonicMs: number;
}

/** What is known of an attempt. Never changed in place. */
export interface AttemptLife {
  readonly attempt: Attempt;
  readonly timeoutMs: number;
  readonly stopSignal: string;
  readonly graceMs: number;
  /** Processes that outlive the leader may stay. */
  readonly keepsLeftovers: boolean;
  /** The limits of each of its processes. */
  readonly processLimits: readonly ProcessLimit[];
  /** The cause of the first stop that was ordered. */
  readonly stopCause: Cause | undefined;
  /** OPERATOR or SHUTDOWN when one of them ordered a stop, be it after the time limit: the task is not restarted then. */
  readonly stoppedBy: Cause | undefined;
  /** When everything of it gets SIGKILL, monotonic. */
  readonly killAtMs: number | undefined;
  /** When SIGKILL was sent first, monotonic. */
  readonly killedAtMs: number | undefined;
  /** Signals that operators sent. */
  readonly signals: readonly string[];
  /** Its terminal was hung up. */
  readonly hungUp: boolean;
}

/** What can happen to an attempt. */
export type AttemptInput =
  | ({ readonly kind: 'started' } & StartedBody)
  | {
      readonly kind: 'notStarted';
      readonly step: string;
      readonly errno: number;
      readonly reason: string;
      readonly cause?: Cause | undefined;
    }
  | ({ readonly kind: 'exited' } & ExitedBody)
  | ({ readonly kind: 'empty' } & EmptyBody)
  | ({ readonly kind: 'lost'; readonly stdoutBytes: bigint; readonly stderrBytes: bigint } & LostBody)
  | { readonly kind: 'stop'; readonly cause: Cause; readonly graceMs: number }
  | { readonly kind: 'signalled'; readonly signal: string }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'hungUp' }
  /** The disk of its output was seen to be full. */
  | { readonly kind: 'logDiskFull' }
  | { readonly kind: 'killDue' }
  /** What was there when SIGKILL was sent to all of it. */
  | { readonly kind: 'killSent'; readonly processes: readonly SurvivorInit[] };

type SurvivorInit = Pick<Survivor, 'pid' | 'command' | 'state'>;

/** What is to be done. */
export type AttemptStep =
  /** The snapshot is news. */
  | { readonly step: 'report' }
  | { readonly step: 'signal'; readonly signal: string; readonly scope: SignalScope }
  /** Give this input after the delay; a later one of the same name replaces it. */
  | { readonly step: 'arm'; readonly timer: 'timeout' | 'killDue'; readonly delayMs: number }
  /** It is over: no timer matters, and when the report is on disk the supervisor may forget it, or what is `kept` of it. */
  | { readonly step: 'release'; readonly kept: boolean };

/** An attempt after something happened. */
export interface Advanced {
  readonly life: AttemptLife;
  readonly steps: readonly AttemptStep[];
}

/** An attempt that was just taken on, or `attempt` as the journal knows it. */
export function newLife(attempt: Attempt, spec: TaskSpec | undefined): AttemptLife {
  return {
    attempt,
    timeoutMs: Number(spec?.timeoutMs ?? 0n),
    stopSignal: stopSignalOf(spec),
    graceMs: Number(spec?.stopGraceMs ?? 0n) || limits.stopGraceDefaultMs,
    keepsLeftovers: spec?.leftovers === LeftoverPolicy.KEEP,
    processLimits: spec?.processLimits ?? [],
    stopCause: undefined,
    stoppedBy: undefined,
    killAtMs: undefined,
    killedAtMs: undefined,
    signals: [],
    hungUp: false,
  };
}

/** The signal of a gentle stop; SIGTERM where the spec names none that this kernel has. */
function stopSignalOf(spec: TaskSpec | undefined): string {
  const name = spec?.stopSignal ?? '';
  return signalNumber(name) === undefined ? 'SIGTERM' : name;
}

/** The timers of an attempt that was adopted. */
export function resumeLife(life: AttemptLife, now: Now): readonly AttemptStep[] {
  const steps: AttemptStep[] = [];
  if (life.killAtMs !== undefined) steps.push(armKill(life.killAtMs, now));
  const { startedAt } = life.attempt;
  if (startedAt && life.timeoutMs > 0) {
    const ranMs = Math.max(0, now.wallMs - timestampMs(startedAt));
    steps.push({ step: 'arm', timer: 'timeout', delayMs: Math.max(0, life.timeoutMs - ranMs) });
  }
  return steps;
}

/** What the input makes of the attempt. */
export function advanceAttempt(life: AttemptLife, input: AttemptInput, now: Now): Advanced {
  if (life.attempt.state === TaskState.ENDED) return { life, steps: [] };
  switch (input.kind) {
    case 'started':
      return onStarted(life, input, now);
    case 'notStarted':
      return onNotStarted(life, input, now);
    case 'exited':
      return onExited(life, input, now);
    case 'empty':
      return onEmpty(life, input);
    case 'lost':
      return onLost(life, input);
    case 'stop':
      return onStop(life, input.cause, input.graceMs, now);
    case 'signalled':
      return { life: { ...life, signals: [...new Set([...life.signals, input.signal])] }, steps: [] };
    case 'hungUp':
      return onHungUp(life, now);
    case 'logDiskFull':
      return onLogDiskFull(life, now);
    case 'timeout':
      if (life.stopCause !== undefined || life.attempt.outcome) return { life, steps: [] };
      return onStop(life, Cause.TIMEOUT, life.graceMs, now);
    case 'killDue':
      return onKillDue(life, now);
    case 'killSent':
      return onKillSent(life, input.processes, now);
  }
}

function onStarted(life: AttemptLife, { pid, wallMs }: StartedBody, now: Now): Advanced {
  if (life.attempt.pid !== 0 || life.attempt.outcome) return { life, steps: [] };
  const attempt = { ...life.attempt };
  attempt.pid = pid;
  attempt.startedAt = timestampFromMs(wallMs);
  if (life.stopCause !== undefined) {
    const next = { ...life, attempt };
    return { life: next, steps: [report, stopSignal(next, SignalScope.GROUP), armKill(life.killAtMs, now)] };
  }
  enter(attempt, TaskState.RUNNING, '', wallMs);
  const next = { ...life, attempt };
  return { life: next, steps: [report, ...resumeLife(next, now)] };
}

/** Once: how long it lasts does not change what may be missing. */
function onLogDiskFull(life: AttemptLife, { wallMs }: Now): Advanced {
  if (life.attempt.pid === 0 || life.attempt.logDiskFullAt) return { life, steps: [] };
  const attempt = { ...life.attempt, logDiskFullAt: timestampFromMs(wallMs) };
  return { life: { ...life, attempt }, steps: [report] };
}

function onNotStarted(
  life: AttemptLife,
  { step, errno, reason, cause }: Extract<AttemptInput, { kind: 'notStarted' }>,
  now: Now,
): Advanced {
  if (life.attempt.pid !== 0 || life.attempt.outcome) return { life, steps: [] };
  const attempt = { ...life.attempt };
  attempt.outcome = notStarted(step, errno, reason.slice(0, reasonCharsMax));
  attempt.cause = cause ?? life.stopCause ?? Cause.ITSELF;
  return end(life, attempt, now.wallMs);
}

function onExited(life: AttemptLife, body: ExitedBody, now: Now): Advanced {
  if (life.attempt.outcome) return { life, steps: [] };
  const attempt = { ...life.attempt };
  // Zeros, which no process has, where only the status could be known.
  if (body.usage.maxRssBytes > 0n) attempt.usage = create(ResourceUsageSchema, body.usage);
  setGroupUsage(attempt, body.group);
  attempt.stdoutBytes = body.stdoutBytes;
  attempt.stderrBytes = body.stderrBytes;
  attempt.leftovers = body.leftovers.map((leftover) => create(LeftoverSchema, leftover));
  settleOutcome(life, attempt, outcomeOfStatus(body.status));
  const count = body.leftovers.length;
  if (count === 0) return { life: { ...life, attempt }, steps: [] };
  if (life.keepsLeftovers && life.stopCause === undefined) return end(life, attempt, body.wallMs, true);
  const killAtMs = life.killAtMs ?? now.monotonicMs + life.graceMs;
  const next = { ...life, attempt, killAtMs };
  const list = body.leftovers.map(({ pid, command }) => `${command} ${pid}`).join(', ');
  const what = `its leader has ended, ${count} of its processes have not (${list})`;
  enter(attempt, TaskState.STOPPING, `${what}: ${stopWords(life, killAtMs, now)}`, body.wallMs);
  return { life: next, steps: [report, stopSignal(next, SignalScope.TREE), armKill(killAtMs, now)] };
}

function onEmpty(life: AttemptLife, body: EmptyBody): Advanced {
  const attempt = { ...life.attempt };
  if (!attempt.outcome) {
    settleOutcome(life, attempt, unknownOutcome('the supervisor did not tell how it ended'));
  }
  setGroupUsage(attempt, body.group);
  attempt.stdoutBytes = body.stdoutBytes;
  attempt.stderrBytes = body.stderrBytes;
  return end(life, attempt, body.wallMs);
}

function onLost(life: AttemptLife, input: Extract<AttemptInput, { kind: 'lost' }>): Advanced {
  const attempt = { ...life.attempt };
  if (!attempt.outcome) settleOutcome(life, attempt, unknownOutcome(input.reason));
  if (attempt.outcome?.kind.case === 'unknown' && input.reason === 'reboot') attempt.cause = Cause.REBOOT;
  attempt.stdoutBytes = input.stdoutBytes;
  attempt.stderrBytes = input.stderrBytes;
  return end(life, attempt, input.wallMs);
}

function onStop(life: AttemptLife, cause: Cause, graceMs: number, now: Now): Advanced {
  const killAtMs = Math.min(life.killAtMs ?? Number.POSITIVE_INFINITY, now.monotonicMs + graceMs);
  const attempt = { ...life.attempt };
  const stoppedBy = life.stoppedBy ?? (cause === Cause.TIMEOUT ? undefined : cause);
  const next = { ...life, attempt, killAtMs, stopCause: life.stopCause ?? cause, stoppedBy };
  const ran = attempt.pid !== 0;
  const order = stopReasons[cause] ?? 'it was told to stop';
  const what = ran ? stopWords(life, killAtMs, now) : 'as soon as it has started';
  enter(attempt, TaskState.STOPPING, `${order}: ${what}`, now.wallMs);
  const arm = armKill(killAtMs, now);
  if (life.stopCause !== undefined) return { life: next, steps: [report, arm] };
  if (!ran) return { life: next, steps: [report] };
  const scope = attempt.outcome ? SignalScope.TREE : SignalScope.GROUP;
  return { life: next, steps: [report, stopSignal(next, scope), arm] };
}

/** What follows is its own affair; only that somebody else brought it about is said. */
function onHungUp(life: AttemptLife, now: Now): Advanced {
  if (life.stopCause !== undefined || life.attempt.outcome) return { life, steps: [] };
  const attempt = { ...life.attempt };
  enter(attempt, attempt.state, 'nobody was at its terminal any more: it was hung up', now.wallMs);
  return { life: { ...life, attempt, hungUp: true }, steps: [report] };
}

function onKillDue(life: AttemptLife, now: Now): Advanced {
  const { killAtMs } = life;
  if (killAtMs === undefined || life.attempt.pid === 0) return { life, steps: [] };
  if (now.monotonicMs < killAtMs) return { life, steps: [armKill(killAtMs, now)] };
  const kill: AttemptStep = { step: 'signal', signal: 'SIGKILL', scope: SignalScope.TREE };
  const again: AttemptStep = { step: 'arm', timer: 'killDue', delayMs: killRepeatMs };
  if (life.killedAtMs !== undefined) return { life, steps: [kill, again] };
  const attempt = { ...life.attempt };
  enter(attempt, TaskState.STOPPING, 'the grace is over: SIGKILL sent to all of it', now.wallMs);
  return { life: { ...life, attempt, killedAtMs: now.monotonicMs }, steps: [report, kill, again] };
}

/** What was there when SIGKILL was sent again has survived it so far. Said when it is news, not each time. */
function onKillSent(life: AttemptLife, processes: readonly SurvivorInit[], now: Now): Advanced {
  const { killedAtMs } = life;
  if (killedAtMs === undefined || now.monotonicMs - killedAtMs < survivesMs) return { life, steps: [] };
  const survivors = processes.map((process) => create(SurvivorSchema, process));
  const words = (each: Survivor) => `${each.pid} ${each.state}`;
  if (survivors.map(words).join() === life.attempt.survivors.map(words).join()) return { life, steps: [] };
  const attempt = { ...life.attempt, survivors };
  const reason =
    survivors.length === 0
      ? 'SIGKILL sent to all of it'
      : describeSurvivors(survivors, now.monotonicMs - killedAtMs);
  enter(attempt, TaskState.STOPPING, reason, now.wallMs);
  return { life: { ...life, attempt }, steps: [report] };
}

const stopReasons: Readonly<Partial<Record<Cause, string>>> = {
  [Cause.OPERATOR]: 'stopped by an operator',
  [Cause.TIMEOUT]: 'its time limit is reached',
  [Cause.SHUTDOWN]: 'the cluster is being stopped',
};

const report: AttemptStep = { step: 'report' };

function stopSignal(life: AttemptLife, scope: SignalScope): AttemptStep {
  return { step: 'signal', signal: life.stopSignal, scope };
}

function stopWords(life: AttemptLife, killAtMs: number, now: Now): string {
  const seconds = Math.max(0, killAtMs - now.monotonicMs) / 1000;
  return `${life.stopSignal} sent, SIGKILL in ${Number(seconds.toFixed(1))} s`;
}

function armKill(killAtMs: number | undefined, now: Now): AttemptStep {
  const delayMs = Math.max(0, (killAtMs ?? now.monotonicMs) - now.monotonicMs);
  return { step: 'arm', timer: 'killDue', delayMs };
}

function settleOutcome(life: AttemptLife, attempt: Attempt, outcome: Outcome): void {
  attempt.outcome = outcome;
  attempt.cause = causeOfEnd(endFacts(life, attempt, outcome));
}

function endFacts(life: AttemptLife, { usage, groupUsage }: Attempt, outcome: Outcome): EndFacts {
  const { processLimits, signals, stopCause, hungUp } = life;
  return { outcome, usage, group: groupUsage, processLimits, signals, stopCause, hungUp };
}

function setGroupUsage(attempt: Attempt, group: ExitedBody['group']): void {
  const { memoryPeakBytes, cpuUs, oomKills } = group;
  if (memoryPeakBytes > 0n || cpuUs > 0n || oomKills > 0)
    attempt.groupUsage = create(GroupUsageSchema, group);
}

function enter(attempt: Attempt, state: TaskState, reason: string, wallMs: number): void {
  if (attempt.state !== state) attempt.stateAt = timestampFromMs(wallMs);
  attempt.state = state;
  attempt.reason = reason;
}

function end(life: AttemptLife, attempt: Attempt, wallMs: number, kept = false): Advanced {
  enter(attempt, TaskState.ENDED, endReason(life, attempt, kept), wallMs);
  attempt.endedAt = timestampFromMs(wallMs);
  attempt.survivors = [];
  return { life: { ...life, attempt }, steps: [report, { step: 'release', kept }] };
}

/** What outcome and cause do not say. */
function endReason(life: AttemptLife, attempt: Attempt, kept: boolean): string {
  const { outcome, cause, leftovers } = attempt;
  const limit = cause === Cause.LIMIT && outcome ? limitReached(endFacts(life, attempt, outcome)) : undefined;
  const count =
    leftovers.length === 1 ? 'one of its processes was' : `${leftovers.length} of its processes were`;
  return [limit, kept ? `${count} left running` : undefined].filter((line) => line !== undefined).join('; ');
}
