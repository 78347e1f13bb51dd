/**
 * The tasks of a simulated node: what they do is scripted (task-script.ts), what is told of them is not. Each goes through the
 * agent's own life of an attempt and its own journal, which here forgets everything with its process; only the
 * supervisor and the processes are missing. Takes no input, restarts nothing, and reads logs by offset only.
 *
 *   order ──► journal ──► attempt-life ──► journal ──► session
 *                              ▲ script: started, exited
 */
import { randomInt, randomUUID } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { Journal } from '#agent/journal/journal.ts';
import type { JournalStorage } from '#agent/journal/journal-file.ts';
import { type AttemptInput, type AttemptStep, advanceAttempt } from '#agent/process/attempt-life.ts';
import { isActive } from '#agent/process/attempts.ts';
import { LiveAttempt } from '#agent/process/live-attempt.ts';
import { type Held, RefusedOrderError, type Workload } from '#agent/workload.ts';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
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
  type Cause,
  type LogChunk,
  LogChunkSchema,
  LogSource,
  type ResourceUsage,
  ResourceUsageSchema,
  type SignalScope,
  type TaskSample,
  TaskSampleSchema,
} from '#protocol/gen/drover/v1/task_pb.ts';
import { attemptId } from '#protocol/ids.ts';
import { limits } from '#protocol/limits.ts';
import { outputAt, outputBytes, parseTaskScript, type TaskScript } from './task-script.ts';

/** What the tasks of a node need. */
export interface SimulatedTasksOptions {
  /** Where the journal would be, if it were written; nothing is. A directory that exists. */
  readonly directory: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** A script says that the connection is lost. */
  readonly onCut: () => void;
}

interface SimulatedTask {
  readonly live: LiveAttempt;
  readonly script: TaskScript;
}

/** Tasks whose output can still be read after their end. */
const outputsKept = 100;

/** What signals do not end a process by default. @see signal(7) */
const harmless: readonly string[] = ['SIGCHLD', 'SIGCONT', 'SIGURG', 'SIGWINCH'];

/** What /bin/true uses, so that what is told is as long as it is of real ones. */
const usage = {
  userUs: 412n,
  systemUs: 655n,
  maxRssBytes: 1_777_664n,
  minorFaults: 94n,
  majorFaults: 0n,
  blockInputs: 0n,
  blockOutputs: 8n,
  voluntarySwitches: 1n,
  involuntarySwitches: 0n,
};
const group = { memoryPeakBytes: 0n, cpuUs: 0n, oomKills: 0 };

/** The tasks of one simulated node. */
export class SimulatedTasks implements Workload, AsyncDisposable {
  readonly #options: SimulatedTasksOptions;
  readonly #journal: Journal;
  readonly bootId = randomUUID();
  /** Those that have not ended, by attempt. */
  readonly #live = new Map<string, SimulatedTask>();
  /** What the latest of them print, by task. */
  readonly #scripts = new Map<string, SimulatedTask>();
  /** Attempts whose order was lost with the connection once. */
  readonly #cut = new Set<string>();
  #ordered = 0;
  #links = 0;

  private constructor(options: SimulatedTasksOptions, journal: Journal) {
    this.#options = options;
    this.#journal = journal;
  }

  /** Tasks of a node that has done nothing yet. */
  static async open(options: SimulatedTasksOptions): Promise<SimulatedTasks> {
    const { directory, clock, log } = options;
    const path = `${directory}/no-journal`;
    return new SimulatedTasks(
      options,
      await Journal.open({ path, clock, log, storage: forgettingStorage() }),
    );
  }

  /** Starts that came, the same again included. */
  get ordered(): number {
    return this.#ordered;
  }

  /** Tasks whose end the controller has acknowledged, as far as the journal remembers them. */
  get settled(): number {
    return this.#journal.state.remembered.size;
  }

  /** Whether a session with the controller is up. */
  get isLinked(): boolean {
    return this.#links > 0;
  }

  held(): Held {
    const { journalId, lastEvent, attempts, remembered } = this.#journal.state;
    const tasks = new Set([...this.#live.values()].map(({ live }) => live.start.taskId));
    for (const { taskId } of attempts.values()) tasks.add(taskId);
    for (const taskId of remembered.keys()) tasks.add(taskId);
    return { journalId, lastEvent, tasks: [...tasks] };
  }

  start(order: Start): void {
    this.#ordered += 1;
    const script = parseTaskScript(order.spec?.argv ?? []);
    const id = attemptId(order.taskId, order.attempt);
    if (script.silent) return;
    if (this.#live.has(id) || this.#journal.state.knows(id)) {
      this.#journal.repeat(order.taskId);
    } else if (script.cut === 'before' && !this.#cut.has(id)) {
      this.#cut.add(id);
      this.#options.onCut();
    } else {
      void this.#run({ live: new LiveAttempt(order, this.#options.clock), script });
    }
  }

  async signal(taskId: string, signal: string, _scope: SignalScope): Promise<number> {
    const task = this.#getLive(taskId);
    if (signalNumber(signal) === undefined) throw new RefusedOrderError(`unknown signal ${signal}`);
    const { pid } = task.live.life.attempt;
    this.#apply(task, { kind: 'signalled', signal });
    this.#receive(task, signal);
    return pid;
  }

  async stop(taskId: string, graceMs: number, cause: Cause): Promise<void> {
    const task = this.#getLive(taskId);
    this.#apply(task, { kind: 'stop', cause, graceMs: graceMs || task.live.life.graceMs });
  }

  async usage(): Promise<ResourceUsage> {
    return create(ResourceUsageSchema, usage);
  }

  async sample(taskIds: readonly string[]): Promise<readonly TaskSample[]> {
    const wanted = new Set(taskIds);
    const sampledAt = timestampFromMs(this.#options.clock.wallMs());
    return [...this.#live.values()].flatMap(({ live, script }) => {
      const { taskId } = live.start;
      if (!wanted.has(taskId) || live.life.attempt.pid === 0) return [];
      const { userUs, systemUs, maxRssBytes: rssBytes } = usage;
      const output = { outputBytes: BigInt(outputBytes(script)) };
      const counts = { processes: 1, threads: 1, userUs, systemUs, rssBytes, ...output };
      return [create(TaskSampleSchema, { taskId, sampledAt, ...counts })];
    });
  }

  async *readLog({ taskId, stdoutOffset, follow }: OpenLog, abort: AbortSignal): AsyncGenerator<LogChunk> {
    const task = this.#scripts.get(taskId);
    if (!task) throw new RefusedOrderError(`there is no output of task ${taskId} here`);
    const { live, script } = task;
    for (let offset = Number(stdoutOffset); !abort.aborted; ) {
      const data = outputAt(script, offset, limits.logChunkBytesMax);
      if (data.length === 0) break;
      const { attempt } = live.start;
      const source = LogSource.STDOUT;
      yield create(LogChunkSchema, { taskId, attempt, source, offset: BigInt(offset), data });
      offset += data.length;
    }
    if (follow) await abortOf(AbortSignal.any([live.over, abort]));
  }

  carryOutFiles(): AsyncIterable<FilesUp> {
    throw new RefusedOrderError('a simulated node has no files');
  }

  takeInput(
    order: OpenInput,
    _frames: AsyncIterable<InputFrame>,
    _abort: AbortSignal,
  ): AsyncIterable<bigint> {
    throw new RefusedOrderError(`task ${order.taskId} takes no input`);
  }

  linked(): Disposable {
    this.#links += 1;
    return {
      [Symbol.dispose]: () => {
        this.#links -= 1;
      },
    };
  }

  listen(afterSequence: bigint, listener: (event: Event) => void): Disposable {
    return this.#journal.listen(afterSequence, listener);
  }

  acknowledge(sequence: bigint): void {
    this.#journal.acknowledge(sequence);
  }

  /** No timer of theirs fires any more, and nothing more is told. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const { live } of this.#live.values()) live.finish();
    this.#live.clear();
    await this.#journal[Symbol.asyncDispose]();
  }

  async #run(task: SimulatedTask): Promise<void> {
    const { live, script } = task;
    const { clock, onCut } = this.#options;
    this.#live.set(live.id, task);
    this.#keepScript(task);
    await this.#journal.accept(live.start, this.bootId, live.life.attempt);
    live.phase = 'known';
    if (script.cut === 'after') onCut();
    if (!script.starts) {
      this.#apply(task, { kind: 'notStarted', step: 'exec', errno: 2, reason: 'simulated: no such file' });
      return;
    }
    const pid = randomInt(2, 2 ** 22);
    this.#apply(task, { kind: 'started', pid, startTicks: 1n, wallMs: clock.wallMs(), monitorPid: pid - 1 });
    if (script.runsMs === 0) this.#exit(task, script.waitStatus);
    else if (Number.isFinite(script.runsMs)) {
      live.arm('exit', script.runsMs, clock, () => this.#exit(task, script.waitStatus));
    }
  }

  /** Its one process ends. */
  #exit(task: SimulatedTask, status: number): void {
    const wallMs = this.#options.clock.wallMs();
    const written = { wallMs, stdoutBytes: BigInt(outputBytes(task.script)), stderrBytes: 0n, group };
    this.#apply(task, { kind: 'exited', status, usage, leftovers: [], ...written });
    this.#apply(task, { kind: 'empty', ...written });
  }

  #receive(task: SimulatedTask, signal: string): void {
    const deadly = signal === 'SIGKILL' || !(task.script.stubborn || harmless.includes(signal));
    if (deadly) this.#exit(task, signalNumber(signal) ?? 0);
  }

  #apply(task: SimulatedTask, input: AttemptInput): void {
    const { clock } = this.#options;
    const now = { wallMs: clock.wallMs(), monotonicMs: clock.monotonicMs() };
    const { life, steps } = advanceAttempt(task.live.life, input, now);
    task.live.life = life;
    for (const step of steps) this.#do(task, step);
  }

  #do(task: SimulatedTask, step: AttemptStep): void {
    const { live } = task;
    switch (step.step) {
      case 'report':
        void this.#journal.report(live.start.taskId, live.life.attempt);
        break;
      case 'signal':
        this.#receive(task, step.signal);
        break;
      case 'arm':
        live.arm(step.timer, step.delayMs, this.#options.clock, () =>
          this.#apply(task, { kind: step.timer }),
        );
        break;
      case 'release':
        live.finish();
        this.#live.delete(live.id);
        break;
    }
  }

  #getLive(taskId: string): SimulatedTask {
    const task = [...this.#live.values()].find(({ live }) => live.start.taskId === taskId && isActive(live));
    if (!task) throw new RefusedOrderError(`task ${taskId} does not run here`);
    return task;
  }

  #keepScript(task: SimulatedTask): void {
    this.#scripts.set(task.live.start.taskId, task);
    const [oldest] = this.#scripts.keys();
    if (this.#scripts.size > outputsKept && oldest !== undefined) this.#scripts.delete(oldest);
  }
}

/** A disk that takes everything at once and keeps nothing. */
function forgettingStorage(): JournalStorage {
  let size = 0;
  return {
    get size() {
      return size;
    },
    async append(bytes) {
      size += bytes.length;
    },
    async replace(bytes) {
      size = bytes.length;
    },
    async close() {},
  };
}

async function abortOf(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
