/**
 * The attempts of a node that are not over: gives each what happens to it, and does the steps that follow. What follows is
 * decided in attempt-life.ts; who is told what, and when, is here.
 *
 *   input ──► attempt-life ──► report: journal → listeners
 *                              signal: supervisor
 *                              arm: a timer, whose end is an input again
 *                              release: when the report is on disk, the supervisor may forget it
 */
import { constants } from 'node:os';
import type { Journal } from '#agent/journal/journal.ts';
import { signalRecord, stopRecord } from '#agent/journal/journal-records.ts';
import type { LogDisk } from '#agent/logs/log-disk.ts';
import type { LogKeeper } from '#agent/logs/log-keeper.ts';
import type { Clock } from '#base/clock.ts';
import { failpoint } from '#base/failpoint.ts';
import type { Logger } from '#base/log.ts';
import { signalNumber } from '#core/signals.ts';
import { Cause, SignalScope, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { type AttemptPlaces, lostInput } from './attempt-inputs.ts';
import { type AttemptInput, type AttemptStep, advanceAttempt, type Now, resumeLife } from './attempt-life.ts';
import type { LaunchRefusal } from './launch-attempt.ts';
import type { LiveAttempt } from './live-attempt.ts';
import { withRestart } from './plan-restart.ts';
import type { SupervisorClient } from './supervisor-client.ts';
import { signalScopes } from './supervisor-messages.ts';

/** What the attempts of a node share. */
export interface AttemptsParts {
  readonly journal: Journal;
  readonly logs: LogKeeper;
  readonly logDisk: LogDisk;
  readonly supervisor: SupervisorClient;
  /** Where tasks run that say nothing else. */
  readonly workspace: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** For the jitter of restarts, in [0, 1). */
  readonly random: () => number;
  /** The attempt has ended, and says when it is to be followed by another. */
  readonly wait: (live: LiveAttempt) => void;
}

/** The supervisor's number of each scope. */
export const scopeNumbers: Readonly<Record<SignalScope, number>> = {
  [SignalScope.UNSPECIFIED]: signalScopes.leader,
  [SignalScope.LEADER]: signalScopes.leader,
  [SignalScope.GROUP]: signalScopes.group,
  [SignalScope.TREE]: signalScopes.tree,
};

/** With these an attempt may end: what it printed last is told with it. */
const endings: ReadonlySet<AttemptInput['kind']> = new Set(['exited', 'empty', 'lost']);

/** Attempts whose end is not on disk, and what is done about them. */
export class Attempts {
  readonly #parts: AttemptsParts;
  readonly #live = new Map<string, LiveAttempt>();
  /** The latest of each task. */
  readonly #ofTask = new Map<string, LiveAttempt>();
  /** Ends on their way to the disk and to the supervisor. */
  readonly #releases = new Set<Promise<void>>();

  constructor(parts: AttemptsParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#live.size;
  }

  /** All of them, also while some of them go. */
  all(): LiveAttempt[] {
    return [...this.#live.values()];
  }

  find(id: string): LiveAttempt | undefined {
    return this.#live.get(id);
  }

  /** The latest attempt of a task, unless it is over. */
  findLatest(taskId: string): LiveAttempt | undefined {
    return this.#ofTask.get(taskId);
  }

  add(live: LiveAttempt): void {
    this.#live.set(live.id, live);
    const { taskId, attempt } = live.start;
    const latest = this.#ofTask.get(taskId);
    if (!latest || latest.start.attempt < attempt) this.#ofTask.set(taskId, live);
  }

  /** Adds one that no journal knew of when the logs were opened. */
  adopt(live: LiveAttempt): void {
    const { logs, log } = this.#parts;
    this.add(live);
    logs.begin(live.id, live.over).catch((error: Error) => {
      log.warn({ attempt: live.id, reason: error.message }, 'the output of an attempt is not looked after');
    });
  }

  /** Something happened to the attempt. */
  apply(live: LiveAttempt, input: AttemptInput): void {
    if (endings.has(input.kind) && this.#parts.logDisk.isFull()) this.apply(live, { kind: 'logDiskFull' });
    const { life, steps } = advanceAttempt(live.life, input, this.#now());
    const hasEnded = isActive(live) && life.attempt.state === TaskState.ENDED;
    live.life = life;
    // An order that was refused at once is nowhere on disk: there is nothing to come back to.
    if (hasEnded && live.phase !== 'queued') this.#decideRestart(live);
    if (life.attempt.pid !== 0) live.settle();
    this.#do(live, steps);
    if (input.kind === 'timeout' && life.stopCause === Cause.TIMEOUT) this.#noteStop(live);
  }

  /** An earlier agent took it on, and the supervisor has it: its timers run again. */
  resume(live: LiveAttempt): void {
    this.#do(live, resumeLife(live.life, this.#now()));
  }

  /** Its end is ordered: stop signal, grace, SIGKILL to all of it. `graceMs` 0 means its own. */
  stop(live: LiveAttempt, cause: Cause, graceMs: number): void {
    const { journal, clock } = this.#parts;
    if (live.phase === 'queued' || live.phase === 'accepted') {
      live.cancelled ??= cause;
      const { taskId, attempt } = live.start;
      const stop = { cause, killAtMs: clock.wallMs(), stoppedBy: cause };
      if (live.phase === 'accepted') void journal.note(stopRecord(taskId, attempt, stop));
      return;
    }
    this.apply(live, { kind: 'stop', cause, graceMs: graceMs || live.life.graceMs });
    this.#noteStop(live);
  }

  /** An operator is about to send it a signal: before it is sent, since its effect can be here sooner than the answer. */
  noteSignal(live: LiveAttempt, signal: string): void {
    const { taskId, attempt } = live.start;
    this.apply(live, { kind: 'signalled', signal });
    void this.#parts.journal.note(signalRecord(taskId, attempt, signal));
  }

  /** Nobody can know how it ended. */
  lose(live: LiveAttempt, reason: string): void {
    this.apply(live, lostInput(reason, this.#parts.clock.wallMs(), this.placesOf(live)));
  }

  /** No process of it will run. */
  refuse(live: LiveAttempt, refusal: LaunchRefusal): void {
    this.apply(live, { kind: 'notStarted', ...refusal });
  }

  /** Names and places for what people read of it. */
  placesOf({ id, start, life }: LiveAttempt): AttemptPlaces {
    const { workspace, logs } = this.#parts;
    const cwd = start.spec?.cwd || workspace;
    return { cwd, binary: life.attempt.binary, spec: start.spec, logDirectory: logs.pathOf(id) };
  }

  /** Resolves when the ends so far are on disk and the supervisor was told. */
  async released(): Promise<void> {
    await Promise.allSettled(this.#releases);
  }

  /** No timer of theirs fires any more. */
  disarm(): void {
    for (const live of this.#live.values()) live.disarm();
  }

  #decideRestart(live: LiveAttempt): void {
    const { life, start, history } = live;
    const attempt = withRestart(life.attempt, start.spec?.restart, history, this.#parts.random());
    live.life = { ...life, attempt };
  }

  #do(live: LiveAttempt, steps: readonly AttemptStep[]): void {
    let reported: Promise<void> = Promise.resolve();
    for (const step of steps) {
      switch (step.step) {
        case 'report':
          reported = this.#report(live);
          break;
        case 'signal':
          void this.#send(live, step.signal, step.scope);
          break;
        case 'arm':
          live.arm(step.timer, step.delayMs, this.#parts.clock, () => this.apply(live, { kind: step.timer }));
          break;
        case 'release':
          this.#release(live, reported, step.kept);
          break;
      }
    }
  }

  #report(live: LiveAttempt): Promise<void> {
    const { journal } = this.#parts;
    const { taskId } = live.start;
    const { attempt } = live.life;
    return live.phase === 'queued' ? journal.tell(taskId, attempt) : journal.report(taskId, attempt);
  }

  async #send(live: LiveAttempt, signal: string, scope: SignalScope): Promise<void> {
    const { supervisor, log } = this.#parts;
    const number = signalNumber(signal) ?? constants.signals.SIGTERM;
    try {
      const { procs } = await supervisor.signal(live.id, number, scopeNumbers[scope] ?? signalScopes.tree);
      if (signal === 'SIGKILL' && scope === SignalScope.TREE) {
        const processes = procs.map(({ state, ...each }) => ({ ...each, state: String.fromCharCode(state) }));
        this.apply(live, { kind: 'killSent', processes });
      }
    } catch (error) {
      // It is over, or the connection broke; then SIGKILL follows when the grace is over, again and again.
      log.debug({ attempt: live.id, signal, err: error }, 'a signal was not sent');
    }
  }

  #release(live: LiveAttempt, reported: Promise<void>, isKept: boolean): void {
    failpoint('agent.end-seen');
    live.finish();
    const { logs, supervisor } = this.#parts;
    const { stdoutBytes, stderrBytes } = live.life.attempt;
    const written = { stdout: Number(stdoutBytes), stderr: Number(stderrBytes) };
    // What is kept may go on writing.
    const outputKept = logs.end(live.id, isKept ? undefined : written);
    if (live.life.attempt.restartAt) this.#parts.wait(live);
    const asked = live.phase === 'sent' || live.phase === 'known';
    const release = reported.then(async () => {
      failpoint('agent.end-recorded');
      this.#live.delete(live.id);
      if (this.#ofTask.get(live.start.taskId) === live) this.#ofTask.delete(live.start.taskId);
      // The supervisor gives room back only of what it has not forgotten.
      await outputKept;
      // Should this fail, the next connect finds it again.
      if (asked)
        await (isKept ? supervisor.release(live.id) : supervisor.acknowledge(live.id)).catch(() => {});
      failpoint('agent.end-released');
      this.#releases.delete(release);
    });
    this.#releases.add(release);
  }

  #noteStop({ start, life }: LiveAttempt): void {
    const { wallMs, monotonicMs } = this.#now();
    const { killAtMs, stopCause: cause, stoppedBy } = life;
    if (killAtMs === undefined || cause === undefined) return;
    const stop = { cause, killAtMs: Math.round(wallMs + killAtMs - monotonicMs), stoppedBy };
    void this.#parts.journal.note(stopRecord(start.taskId, start.attempt, stop));
  }

  #now(): Now {
    const { clock } = this.#parts;
    return { wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() };
  }
}

/** Whether its end is not known yet. */
export function isActive(live: LiveAttempt): boolean {
  return live.life.attempt.state !== TaskState.ENDED;
}
