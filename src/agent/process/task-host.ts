/**
 * The tasks of one node: takes orders and leads them to those who carry them out.
 *
 *   order ──► launch-attempt ──► supervisor ──► supervision ──► attempts ──► attempt-life: what follows
 *                                     ▲                             │ report → journal → listeners
 *                                     └── signal, acknowledge ──────┘
 */
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { Journal } from '#agent/journal/journal.ts';
import type { JournalAttempt } from '#agent/journal/journal-state.ts';
import { LogDisk } from '#agent/logs/log-disk.ts';
import { LogKeeper } from '#agent/logs/log-keeper.ts';
import { defaultLogQuota, type LogQuota } from '#agent/logs/log-quota.ts';
import { readLog } from '#agent/logs/log-reader.ts';
import type { PunchHole } from '#agent/logs/stream-quota.ts';
import { type Held, RefusedOrderError, type Workload } from '#agent/workload.ts';
import { type Clock, delay } from '#base/clock.ts';
import { failpoint } from '#base/failpoint.ts';
import { supervisorPath } from '#base/installation.ts';
import type { Logger } from '#base/log.ts';
import { makeDirectory } from '#base/make-directory.ts';
import { signalNumber } from '#core/signals.ts';
import type {
  Event,
  FilesUp,
  InputFrame,
  OpenInput,
  OpenLog,
  Start,
} from '#protocol/gen/drover/v1/link_pb.ts';
import {
  Cause,
  type LogChunk,
  type ResourceUsage,
  ResourceUsageSchema,
  type SignalScope,
  type TaskSample,
  TaskState,
} from '#protocol/gen/drover/v1/task_pb.ts';
import { attemptId, isTaskId } from '#protocol/ids.ts';
import { limits } from '#protocol/limits.ts';
import { Attempts, isActive, scopeNumbers } from './attempts.ts';
import { FullDiskWatch } from './full-disk-watch.ts';
import { giveInput } from './give-input.ts';
import { type LaunchParts, launchAttempt } from './launch-attempt.ts';
import type { DecideLaunch, DecideSignal, LaunchLimits } from './launch-decision.ts';
import { LineWatch } from './line-watch.ts';
import { LiveAttempt } from './live-attempt.ts';
import { Restarts } from './restarts.ts';
import { restoreAttempt } from './restore-attempt.ts';
import { sampleAttempts } from './sample-attempts.ts';
import { StartQueue } from './start-queue.ts';
import { takesInput } from './stdio-fields.ts';
import { Supervision } from './supervision.ts';
import { SupervisorClient } from './supervisor-client.ts';
import { isOver, refusedRequest } from './supervisor-errors.ts';
import { signalScopes } from './supervisor-messages.ts';
import { toldReading } from './told-reading.ts';

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
  /** The node's policy on how much may go on at once; undefined: what Drover itself allows. */
  readonly launchLimits?: () => LaunchLimits | undefined;
  /** Carries out orders about files, which are no task's; without it they are refused. */
  readonly carryOutFiles?: Workload['carryOutFiles'];
  /** How much of what tasks print is kept; default defaultLogQuota. */
  readonly logQuota?: LogQuota;
  /** The supervisor's binary; default that of this installation. */
  readonly supervisorBinary?: string;
  /** For the jitter of reconnects, in [0, 1); default Math.random. */
  readonly random?: () => number;
}

/** How long ends may take to reach the disk before the supervisor is asked to end. */
const releasePatienceMs = 5_000;

/** The tasks of one node, under a supervisor. Disposing of it leaves them running. */
export class TaskHost implements Workload, AsyncDisposable {
  readonly #options: TaskHostOptions;
  readonly #journal: Journal;
  readonly #logs: LogKeeper;
  readonly #supervisor: SupervisorClient;
  readonly #attempts: Attempts;
  readonly #supervision: Supervision;
  readonly #restarts: Restarts;
  readonly #lines: LineWatch;
  readonly #fullDisk: FullDiskWatch;
  readonly #workspace: string;
  readonly #queue: StartQueue<LiveAttempt>;
  readonly #stop = new AbortController();

  private constructor(
    options: TaskHostOptions,
    journal: Journal,
    logs: LogKeeper,
    supervisor: SupervisorClient,
  ) {
    const { directory, clock, log, random = Math.random } = options;
    this.#options = options;
    this.#journal = journal;
    this.#logs = logs;
    this.#workspace = join(directory, 'workspace');
    const workspace = this.#workspace;
    const wait = (live: LiveAttempt) => this.#restarts.wait(live);
    const logDisk = new LogDisk(logsRoot(directory), clock);
    const parts = { journal, logs, logDisk, supervisor, workspace, clock, log, random, wait };
    const attempts = new Attempts(parts);
    const supervision = new Supervision({ journal, attempts, supervisor, clock, log });
    const bootId = () => supervision.bootId;
    const launch = (live: LiveAttempt) => this.#queue.push(live);
    this.#supervisor = supervisor;
    this.#attempts = attempts;
    this.#supervision = supervision;
    this.#restarts = new Restarts({ journal, attempts, clock, log, bootId, launch });
    this.#fullDisk = new FullDiskWatch(attempts, logDisk, clock);
    this.#lines = new LineWatch({ attempts, journal, supervisor, clock, log });
    this.#queue = new StartQueue(
      () => this.#launchLimits().starts,
      (live) => launchAttempt(live, this.#launchParts()),
    );
  }

  /**
   * Opens the journal, reaches or starts the supervisor, and adopts what runs.
   *
   * @throws SupervisorStartError, JournalVersionError, DirectoryError.
   */
  static async open(options: TaskHostOptions): Promise<TaskHost> {
    const { directory, clock, log } = options;
    makeDirectory(join(directory, 'workspace'));
    await using opening = new AsyncDisposableStack();
    const journal = opening.use(await Journal.open({ path: join(directory, 'journal'), clock, log }));
    const supervisor = new SupervisorClient({
      directory: join(directory, 'supervisor'),
      binary: options.supervisorBinary ?? supervisorPath(),
      clock,
      log,
      random: options.random ?? Math.random,
    });
    const known = Map.groupBy(journal.state.attempts.values(), hasEnded);
    const lives = (known.get(false) ?? []).map((attempt) => restoreAttempt(attempt, clock));
    const logs = opening.use(await openLogs(options, supervisor, lives));
    const host = new TaskHost(options, journal, logs, supervisor);
    for (const live of lives) {
      host.#attempts.add(live);
      host.#lines.add(live);
    }
    await host.#supervisor.connect(host.#supervision);
    opening.move();
    host.#supervision.takeUp((live) => host.#queue.push(live));
    for (const attempt of known.get(true) ?? []) {
      // A later one may have been adopted that a damaged journal has lost.
      const isLatest = journal.state.findLatest(attempt.taskId) === attempt;
      if (isLatest && !host.#attempts.findLatest(attempt.taskId)) host.#restarts.restore(attempt);
    }
    return host;
  }

  /** Of the supervisor that answers now, or did last. */
  get supervisorVersion(): string {
    return this.#supervision.version;
  }

  held(): Held {
    const { journalId, lastEvent, attempts, remembered } = this.#journal.state;
    const tasks = new Set(this.#attempts.all().map((live) => live.start.taskId));
    for (const { taskId } of attempts.values()) tasks.add(taskId);
    for (const taskId of [...remembered.keys()].reverse()) {
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
    const { state } = this.#journal;
    if (this.#attempts.find(id) || state.knows(id)) {
      this.#journal.repeat(order.taskId);
      return;
    }
    if (state.attempts.size >= limits.agentUnacknowledgedMax) {
      log.warn({ task: order.taskId }, 'a start was ignored: too many ends are not acknowledged');
      return;
    }
    const live = new LiveAttempt(order, clock);
    this.#attempts.add(live);
    this.#lines.add(live);
    const { tasks } = this.#launchLimits();
    if (this.#attempts.size + this.#restarts.size <= tasks) {
      this.#queue.push(live);
      return;
    }
    const reason = `limit: this node has ${tasks} tasks, its maximum`;
    this.#attempts.refuse(live, { step: 'limit', errno: 0, reason });
  }

  async signal(taskId: string, signal: string, scope: SignalScope): Promise<number> {
    const live = this.#getLive(taskId);
    const number = signalNumber(signal);
    if (number === undefined) throw new RefusedOrderError(`unknown signal ${signal}`);
    this.#checkSignal(signal);
    if (live.life.attempt.pid === 0) throw new RefusedOrderError(`task ${taskId} has not started yet`);
    this.#attempts.noteSignal(live, signal);
    try {
      const { pid } = await this.#supervisor.signal(
        live.id,
        number,
        scopeNumbers[scope] ?? signalScopes.leader,
      );
      return pid || live.life.attempt.pid;
    } catch (error) {
      if (!isOver(error)) throw refusedRequest(error);
      throw new RefusedOrderError(`task ${taskId} has ended`, { cause: error });
    }
  }

  async stop(taskId: string, graceMs: number, cause: Cause): Promise<void> {
    if (this.#restarts.nextAttempt(taskId) !== undefined) return this.#restarts.callOff(taskId, cause);
    const live = this.#getLive(taskId);
    if (cause === Cause.OPERATOR) this.#checkSignal(live.life.stopSignal);
    this.#attempts.stop(live, cause, graceMs);
  }

  async usage(): Promise<ResourceUsage> {
    try {
      return create(ResourceUsageSchema, await this.#supervisor.usage());
    } catch (error) {
      throw refusedRequest(error);
    }
  }

  async sample(taskIds: readonly string[]): Promise<readonly TaskSample[]> {
    if (taskIds.length > limits.samplesMax) {
      throw new RefusedOrderError(
        `${taskIds.length} tasks at once are over ${limits.samplesMax}, the maximum`,
      );
    }
    const live = [...new Set(taskIds)].map((id) => this.#attempts.findLatest(id));
    return sampleAttempts(
      live.filter((each) => each !== undefined),
      this.#supervisor,
      this.#options.clock,
    );
  }

  async *readLog(order: OpenLog, abort: AbortSignal): AsyncGenerator<LogChunk> {
    const { taskId } = order;
    const live = this.#findLive(taskId, order.attempt);
    if (live) await this.#logs.begin(live.id, live.over);
    const attempt = isTaskId(taskId) ? await this.#logs.findAttempt(taskId, order.attempt) : undefined;
    if (attempt === undefined) throw new RefusedOrderError(`there is no output of task ${taskId} here`);
    const id = attemptId(taskId, attempt);
    const origin = await this.#logs.originOf(id, attempt);
    const chunks = readLog(order, origin, this.#options.clock, AbortSignal.any([abort, this.#stop.signal]));
    yield* order.interactive
      ? toldReading(chunks, order, { supervisor: this.#supervisor, lines: this.#lines, live, id })
      : chunks;
  }

  carryOutFiles(...order: Parameters<Workload['carryOutFiles']>): AsyncIterable<FilesUp> {
    const { carryOutFiles } = this.#options;
    if (!carryOutFiles) throw new RefusedOrderError('this agent has tasks only');
    return carryOutFiles(...order);
  }

  async *takeInput(
    order: OpenInput,
    frames: AsyncIterable<InputFrame>,
    abort: AbortSignal,
  ): AsyncGenerator<bigint, void, undefined> {
    const { taskId, attempt } = order;
    const live = this.#findLive(taskId, attempt);
    if (!live || !isActive(live)) throw new RefusedOrderError(`task ${taskId} does not run here`);
    if (!takesInput(live.start.spec)) throw new RefusedOrderError(`task ${taskId} takes no input`);
    const parts = {
      supervisor: this.#supervisor,
      lines: this.#lines,
      clock: this.#options.clock,
    };
    yield* giveInput(live, frames, parts, AbortSignal.any([abort, this.#stop.signal]));
  }

  linked(): Disposable {
    return this.#lines.linked();
  }

  listen(afterSequence: bigint, listener: (event: Event) => void): Disposable {
    return this.#journal.listen(afterSequence, listener);
  }

  acknowledge(sequence: bigint): void {
    failpoint('agent.acknowledged');
    this.#journal.acknowledge(sequence);
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
    await Promise.race([this.#attempts.released(), patience]);
    const ended = await this.#supervisor.shutdown();
    if (ended) this.#stop.abort();
    return ended;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    this.#queue.clear();
    this.#restarts.close();
    this.#fullDisk[Symbol.dispose]();
    this.#attempts.disarm();
    await this.#supervisor[Symbol.asyncDispose]();
    await this.#logs[Symbol.asyncDispose]();
    await this.#journal[Symbol.asyncDispose]();
  }

  #launchLimits(): LaunchLimits {
    return this.#options.launchLimits?.() ?? { tasks: limits.agentTasksMax, starts: limits.agentStartsMax };
  }

  #launchParts(): LaunchParts {
    return {
      decideLaunch: this.#options.decideLaunch,
      clock: this.#options.clock,
      journal: this.#journal,
      logs: this.#logs,
      supervisor: this.#supervisor,
      workspace: this.#workspace,
      bootId: this.#supervision.bootId,
      stop: this.#stop.signal,
      lose: (live, reason) => this.#attempts.lose(live, reason),
      refuse: (live, refusal) => this.#attempts.refuse(live, refusal),
      takeStatus: (status) => void this.#supervision.takeStatus(status),
    };
  }

  /** @param attempt 0 for the latest. */
  #findLive(taskId: string, attempt: number): LiveAttempt | undefined {
    return attempt === 0
      ? this.#attempts.findLatest(taskId)
      : this.#attempts.find(attemptId(taskId, attempt));
  }

  #getLive(taskId: string): LiveAttempt {
    const live = this.#attempts.findLatest(taskId);
    if (live && isActive(live)) return live;
    const next = this.#restarts.nextAttempt(taskId);
    if (next !== undefined)
      throw new RefusedOrderError(`task ${taskId} does not run: it waits for attempt ${next}`);
    throw new RefusedOrderError(`task ${taskId} does not run here`);
  }

  #checkSignal(signal: string): void {
    const decision = this.#options.decideSignal(signal);
    if (!decision.allowed) throw new RefusedOrderError(decision.reason, { denied: true });
  }
}

function logsRoot(directory: string): string {
  return join(directory, 'tasks');
}

/** Opens the logs, and goes on with those of the attempts that are not over. */
async function openLogs(
  { directory, clock, log, logQuota = defaultLogQuota }: TaskHostOptions,
  supervisor: SupervisorClient,
  lives: readonly LiveAttempt[],
): Promise<LogKeeper> {
  const ids = new Set(lives.map(({ id }) => id));
  const punch: PunchHole = (id, stream, end) => supervisor.punch(id, stream, end);
  const root = logsRoot(directory);
  const logs = await LogKeeper.open({ root, quota: logQuota, punch, clock, log }, (id) => !ids.has(id));
  for (const { id, over } of lives) await logs.begin(id, over);
  return logs;
}

function hasEnded({ latest }: JournalAttempt): boolean {
  return latest?.attempt?.state === TaskState.ENDED;
}
