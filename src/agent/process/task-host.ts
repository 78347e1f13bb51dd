/**
 * The tasks of one node: takes orders, does the steps of each attempt's life, records what happens. It decides little
 * itself: the policy is given, the life of an attempt is attempt-life.ts, a start is launch-attempt.ts.
 *
 *   order ──► launch-attempt ──► supervisor ──notices──► attempt-life ──► steps: report → journal → listeners
 *                                     ▲                                          signal, timers
 *                                     └───────────── acknowledge, when the end is on disk ◄┘
 *
 * RECOVERY. What the journal has and the supervisor has goes on as the supervisor says. What the journal took on and the
 * supervisor does not know was certainly not started, if it is the same boot, since the supervisor claims an attempt before
 * it forks and keeps it until acknowledged: it is started now, or not-started when its time is over. In another boot nobody
 * knows: unknown(reboot). What the supervisor has and the journal does not know is left running and said once; should its
 * order come again, it is adopted.
 */
import { mkdir } from 'node:fs/promises';
import { constants } from 'node:os';
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { Journal } from '#agent/journal/journal.ts';
import { signalRecord, stopRecord } from '#agent/journal/journal-records.ts';
import { LogDirectories } from '#agent/logs/log-directories.ts';
import { readLog } from '#agent/logs/log-reader.ts';
import { type Held, RefusedOrderError, type Workload } from '#agent/workload.ts';
import { type Clock, delay } from '#base/clock.ts';
import { failpoint } from '#base/failpoint.ts';
import { supervisorPath } from '#base/installation.ts';
import type { Logger } from '#base/log.ts';
import { signalNumber } from '#core/signals.ts';
import type { Event, OpenLog, Start } from '#protocol/gen/drover/v1/link_pb.ts';
import {
  Cause,
  type LogChunk,
  type ResourceUsage,
  ResourceUsageSchema,
  SignalScope,
  TaskState,
} from '#protocol/gen/drover/v1/task_pb.ts';
import { attemptId, isTaskId } from '#protocol/ids.ts';
import { limits } from '#protocol/limits.ts';
import { type AttemptPlaces, inputsOfStatus, lostInput } from './attempt-inputs.ts';
import { type AttemptInput, type AttemptStep, advanceAttempt, type Now, resumeLife } from './attempt-life.ts';
import { type LaunchParts, type LaunchRefusal, launchAttempt } from './launch-attempt.ts';
import type { DecideLaunch, DecideSignal } from './launch-decision.ts';
import { LiveAttempt } from './live-attempt.ts';
import { restoreAttempt } from './restore-attempt.ts';
import { StartQueue } from './start-queue.ts';
import { SupervisorClient, type SupervisorListener } from './supervisor-client.ts';
import type { SupervisorNotice } from './supervisor-connection.ts';
import { SupervisorGoneError, SupervisorRefusedError } from './supervisor-errors.ts';
import {
  type AttemptStatus,
  type SupervisorBody,
  signalScopes,
  supervisorErrors,
} from './supervisor-messages.ts';

/** What a task host needs of its surroundings. */
export interface TaskHostOptions {
  /** The agent's state directory; journal, tasks, workspace and supervisor/ live in it. */
  readonly directory: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** The node's policy on starts, with users and binaries resolved. */
  readonly decideLaunch: DecideLaunch;
  /** The node's policy on signals. */
  readonly decideSignal: DecideSignal;
  /** The supervisor's binary; default that of this installation. */
  readonly supervisorBinary?: string;
  /** For the jitter of reconnects, in [0, 1); default Math.random. */
  readonly random?: () => number;
}

/** How long ends may take to reach the disk before the supervisor is asked to end. */
const releasePatienceMs = 5_000;

const scopes: Readonly<Record<SignalScope, number>> = {
  [SignalScope.UNSPECIFIED]: signalScopes.leader,
  [SignalScope.LEADER]: signalScopes.leader,
  [SignalScope.GROUP]: signalScopes.group,
  [SignalScope.TREE]: signalScopes.tree,
};

/** The tasks of one node, under a supervisor. Disposing of it leaves them running. */
export class TaskHost implements Workload, AsyncDisposable {
  readonly #options: TaskHostOptions;
  readonly #journal: Journal;
  readonly #directories: LogDirectories;
  readonly #supervisor: SupervisorClient;
  readonly #workspace: string;
  readonly #queue: StartQueue<LiveAttempt>;
  readonly #stop = new AbortController();
  /** Attempts whose end is not on disk, by id. */
  readonly #live = new Map<string, LiveAttempt>();
  /** The latest of them of each task. */
  readonly #ofTask = new Map<string, LiveAttempt>();
  /** Ends on their way to the disk and to the supervisor. */
  readonly #releases = new Set<Promise<void>>();
  #bootId = '';

  private constructor(options: TaskHostOptions, journal: Journal, directories: LogDirectories) {
    const { directory, clock, log, random = Math.random, supervisorBinary = supervisorPath() } = options;
    this.#options = options;
    this.#journal = journal;
    this.#directories = directories;
    this.#workspace = join(directory, 'workspace');
    this.#queue = new StartQueue(limits.agentStartsMax, (live) => launchAttempt(live, this.#launchParts()));
    this.#supervisor = new SupervisorClient({
      directory: join(directory, 'supervisor'),
      binary: supervisorBinary,
      clock,
      log,
      random,
      listener: this.#listener(),
    });
  }

  /**
   * Opens the journal, reaches or starts the supervisor, and adopts what runs.
   *
   * @throws SupervisorStartError, JournalVersionError, or the system's error for directories that cannot be made.
   */
  static async open(options: TaskHostOptions): Promise<TaskHost> {
    const { directory, clock, log } = options;
    await mkdir(join(directory, 'workspace'), { recursive: true, mode: 0o700 });
    await using opening = new AsyncDisposableStack();
    const journal = opening.use(await Journal.open({ path: join(directory, 'journal'), clock, log }));
    const isActive = (id: string) => journal.state.attempts.has(id);
    const directories = await LogDirectories.open(join(directory, 'tasks'), log, isActive);
    const host = new TaskHost(options, journal, directories);
    for (const known of journal.state.attempts.values()) {
      if (known.latest?.attempt?.state !== TaskState.ENDED) host.#add(restoreAttempt(known, clock));
    }
    await host.#supervisor.connect();
    opening.move();
    host.#takeUp();
    return host;
  }

  held(): Held {
    const { journalId, lastEvent, attempts, remembered } = this.#journal.state;
    const tasks = new Set([...this.#live.values()].map((live) => live.start.taskId));
    for (const { taskId } of attempts.values()) tasks.add(taskId);
    for (const { taskId } of [...remembered.values()].reverse()) {
      if (tasks.size >= limits.agentHeldMax) break;
      tasks.add(taskId);
    }
    return { journalId, lastEvent, tasks: [...tasks].slice(0, limits.agentHeldMax) };
  }

  start(order: Start): void {
    const { log, clock } = this.#options;
    if (!isTaskId(order.taskId) || order.attempt === 0 || this.#stop.signal.aborted) {
      log.warn({ task: order.taskId, attempt: order.attempt }, 'a start was ignored');
      return;
    }
    const id = attemptId(order.taskId, order.attempt);
    const { attempts, remembered } = this.#journal.state;
    if (this.#live.has(id) || attempts.has(id) || remembered.has(id)) {
      this.#journal.repeat(id);
      return;
    }
    if (attempts.size >= limits.agentUnacknowledgedMax) {
      log.warn({ task: order.taskId }, 'a start was ignored: too many ends are not acknowledged');
      return;
    }
    const live = new LiveAttempt(order, clock);
    this.#add(live);
    if (this.#live.size <= limits.agentTasksMax) {
      this.#queue.push(live);
      return;
    }
    const reason = `limit: this node has ${limits.agentTasksMax} tasks, its maximum`;
    this.#refuse(live, { step: 'limit', errno: 0, reason });
  }

  async signal(taskId: string, signal: string, scope: SignalScope): Promise<number> {
    const live = this.#getLive(taskId);
    const number = signalNumber(signal);
    if (number === undefined) throw new RefusedOrderError(`unknown signal ${signal}`);
    this.#checkSignal(signal);
    if (live.life.attempt.pid === 0) throw new RefusedOrderError(`task ${taskId} has not started yet`);
    // Before it is sent: its effect can be here sooner than the answer.
    this.#apply(live, { kind: 'signalled', signal });
    void this.#journal.note(signalRecord(taskId, live.start.attempt, signal));
    try {
      const { pid } = await this.#supervisor.signal(live.id, number, scopes[scope] ?? signalScopes.leader);
      return pid || live.life.attempt.pid;
    } catch (error) {
      throw refusedOrder(error, taskId);
    }
  }

  async stop(taskId: string, graceMs: number, cause: Cause): Promise<void> {
    const live = this.#getLive(taskId);
    if (cause === Cause.OPERATOR) this.#checkSignal(live.life.stopSignal);
    if (live.phase === 'queued' || live.phase === 'accepted') {
      live.cancelled ??= cause;
      const record = stopRecord(taskId, live.start.attempt, cause, this.#options.clock.wallMs());
      if (live.phase === 'accepted') void this.#journal.note(record);
      return;
    }
    this.#apply(live, { kind: 'stop', cause, graceMs: graceMs || live.life.graceMs });
    this.#noteStop(live);
  }

  async usage(): Promise<ResourceUsage> {
    try {
      return create(ResourceUsageSchema, await this.#supervisor.usage());
    } catch (error) {
      throw new RefusedOrderError('the supervisor cannot be asked', { cause: error });
    }
  }

  async *readLog(order: OpenLog, abort: AbortSignal): AsyncGenerator<LogChunk> {
    const { taskId } = order;
    const live =
      order.attempt === 0 ? this.#ofTask.get(taskId) : this.#live.get(attemptId(taskId, order.attempt));
    if (live) await this.#directories.make(live.id);
    const attempt = isTaskId(taskId) ? await this.#directories.findAttempt(taskId, order.attempt) : undefined;
    if (attempt === undefined) throw new RefusedOrderError(`there is no output of task ${taskId} here`);
    const id = attemptId(taskId, attempt);
    const over = this.#live.get(id)?.over ?? AbortSignal.abort();
    const origin = { directory: this.#directories.pathOf(id), attempt, over };
    yield* readLog(order, origin, this.#options.clock, AbortSignal.any([abort, this.#stop.signal]));
  }

  listen(afterSequence: bigint, listener: (event: Event) => void): Disposable {
    return this.#journal.listen(afterSequence, listener);
  }

  acknowledge(sequence: bigint): void {
    failpoint('agent.acknowledged');
    const done = this.#journal.state.unacknowledged.filter(
      (event) => event.sequence <= sequence && event.attempt?.state === TaskState.ENDED,
    );
    this.#journal.acknowledge(sequence);
    for (const { taskId, attempt } of done) {
      void this.#directories.retire(attemptId(taskId, attempt?.number ?? 0));
    }
  }

  /**
   * Ends the supervisor too. Nothing else can be ordered after it.
   *
   * @returns false where it has attempts that are not over, and therefore goes on.
   * @throws SupervisorGoneError
   */
  async shutdownSupervisor(): Promise<boolean> {
    // On a failing disk they may never arrive; the supervisor is then busy.
    const patience = delay(this.#options.clock, releasePatienceMs, this.#stop.signal).catch(() => {});
    await Promise.race([Promise.allSettled(this.#releases), patience]);
    const ended = await this.#supervisor.shutdown();
    if (ended) this.#stop.abort();
    return ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#queue.clear();
    for (const live of this.#live.values()) live.disarm();
    await this.#supervisor[Symbol.asyncDispose]();
    await this.#journal[Symbol.asyncDispose]();
  }

  #listener(): SupervisorListener {
    return {
      synchronize: (statuses, server) => this.#synchronize(statuses, server),
      notice: (notice) => this.#takeNotice(notice),
    };
  }

  #launchParts(): LaunchParts {
    return {
      decideLaunch: this.#options.decideLaunch,
      clock: this.#options.clock,
      journal: this.#journal,
      directories: this.#directories,
      supervisor: this.#supervisor,
      workspace: this.#workspace,
      bootId: this.#bootId,
      stop: this.#stop.signal,
      refuse: (live, refusal) => this.#refuse(live, refusal),
      takeStatus: (status) => this.#takeStatus(status),
    };
  }

  #add(live: LiveAttempt): void {
    this.#live.set(live.id, live);
    const { taskId, attempt } = live.start;
    const latest = this.#ofTask.get(taskId);
    if (!latest || latest.start.attempt < attempt) this.#ofTask.set(taskId, live);
  }

  /** Goes on with what an earlier agent took on. */
  #takeUp(): void {
    for (const live of [...this.#live.values()]) {
      if (live.phase === 'known') this.#do(live, resumeLife(live.life, this.#now()));
      else if (live.bootId === this.#bootId) this.#queue.push(live);
      else this.#lose(live, 'reboot');
    }
  }

  #synchronize(statuses: readonly AttemptStatus[], server: SupervisorBody<'helloOk'>): void {
    this.#bootId = server.bootId;
    const unknown = statuses.filter((status) => !this.#takeStatus(status)).map(({ id }) => id);
    if (unknown.length > 0) {
      const sample = unknown.slice(0, 20);
      this.#options.log.warn(
        { count: unknown.length, attempts: sample },
        'the supervisor has attempts that the journal does not know: they are left alone',
      );
    }
    const there = new Set(statuses.map(({ id }) => id));
    for (const live of [...this.#live.values()]) {
      if (live.phase !== 'known' || there.has(live.id)) continue;
      const rebooted = live.bootId !== undefined && live.bootId !== server.bootId;
      this.#lose(live, rebooted ? 'reboot' : 'the supervisor has no record of it');
    }
  }

  /** @returns false for an attempt that is known to nobody here. */
  #takeStatus(status: AttemptStatus): boolean {
    const live = this.#live.get(status.id);
    if (!live) return this.#settleForgotten(status);
    live.phase = 'known';
    for (const input of inputsOfStatus(status, this.#placesOf(live))) this.#apply(live, input);
    return true;
  }

  #takeNotice(notice: SupervisorNotice): void {
    this.#takeStatus({ id: notice.body.id, [notice.name]: notice.body });
  }

  /** An attempt that is over here: its end is on disk, or is on its way there. */
  #settleForgotten(status: AttemptStatus): boolean {
    const { attempts, remembered } = this.#journal.state;
    if (!attempts.has(status.id) && !remembered.has(status.id)) return false;
    if (status.empty || status.lost || status.notStarted) {
      void this.#supervisor.acknowledge(status.id).catch(() => {});
    } else if (!status.exited) {
      this.#options.log.error({ attempt: status.id }, 'an attempt runs that has ended: it is killed');
      void this.#supervisor.signal(status.id, constants.signals.SIGKILL, signalScopes.tree).catch(() => {});
    }
    return true;
  }

  #lose(live: LiveAttempt, reason: string): void {
    this.#apply(live, lostInput(reason, this.#options.clock.wallMs(), this.#placesOf(live)));
  }

  #refuse(live: LiveAttempt, refusal: LaunchRefusal): void {
    this.#apply(live, { kind: 'notStarted', ...refusal });
  }

  #apply(live: LiveAttempt, input: AttemptInput): void {
    const { life, steps } = advanceAttempt(live.life, input, this.#now());
    live.life = life;
    if (life.attempt.pid !== 0) live.settle();
    this.#do(live, steps);
    if (input.kind === 'timeout' && life.stopCause === Cause.TIMEOUT) this.#noteStop(live);
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
          live.arm(step.timer, step.delayMs, this.#options.clock, () =>
            this.#apply(live, { kind: step.timer }),
          );
          break;
        case 'release':
          this.#release(live, reported);
          break;
      }
    }
  }

  #report(live: LiveAttempt): Promise<void> {
    const { taskId } = live.start;
    const { attempt } = live.life;
    return live.phase === 'queued'
      ? this.#journal.tell(taskId, attempt)
      : this.#journal.report(taskId, attempt);
  }

  async #send(live: LiveAttempt, signal: string, scope: SignalScope): Promise<void> {
    const number = signalNumber(signal) ?? constants.signals.SIGTERM;
    try {
      await this.#supervisor.signal(live.id, number, scopes[scope] ?? signalScopes.tree);
    } catch (error) {
      // It is over, or the connection broke; then SIGKILL follows when the grace is over, again and again.
      this.#options.log.debug({ attempt: live.id, signal, err: error }, 'a signal was not sent');
    }
  }

  #release(live: LiveAttempt, reported: Promise<void>): void {
    failpoint('agent.end-seen');
    live.finish();
    const asked = live.phase === 'sent' || live.phase === 'known';
    const release = reported.then(async () => {
      failpoint('agent.end-recorded');
      this.#live.delete(live.id);
      if (this.#ofTask.get(live.start.taskId) === live) this.#ofTask.delete(live.start.taskId);
      // Should this fail, the next connect finds it again.
      if (asked) await this.#supervisor.acknowledge(live.id).catch(() => {});
      failpoint('agent.end-released');
      this.#releases.delete(release);
    });
    this.#releases.add(release);
  }

  #noteStop({ start, life }: LiveAttempt): void {
    const { wallMs, monotonicMs } = this.#now();
    if (life.killAtMs === undefined || life.stopCause === undefined) return;
    const killAtMs = Math.round(wallMs + life.killAtMs - monotonicMs);
    void this.#journal.note(stopRecord(start.taskId, start.attempt, life.stopCause, killAtMs));
  }

  #getLive(taskId: string): LiveAttempt {
    const live = this.#ofTask.get(taskId);
    if (live && live.life.attempt.state !== TaskState.ENDED) return live;
    throw new RefusedOrderError(`task ${taskId} does not run here`);
  }

  #checkSignal(signal: string): void {
    const decision = this.#options.decideSignal(signal);
    if (!decision.allowed) throw new RefusedOrderError(decision.reason);
  }

  #placesOf({ id, start, life }: LiveAttempt): AttemptPlaces {
    const cwd = start.spec?.cwd || this.#workspace;
    return { cwd, binary: life.attempt.binary, logDirectory: this.#directories.pathOf(id) };
  }

  #now(): Now {
    const { clock } = this.#options;
    return { wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() };
  }
}

function refusedOrder(error: unknown, taskId: string): Error {
  if (error instanceof SupervisorGoneError) {
    return new RefusedOrderError('the supervisor cannot be asked', { cause: error });
  }
  if (!(error instanceof SupervisorRefusedError)) return error as Error;
  const over = error.code === supervisorErrors.over || error.code === supervisorErrors.noAttempt;
  const reason = over ? `task ${taskId} has ended` : error.message;
  return new RefusedOrderError(reason, { cause: error });
}
