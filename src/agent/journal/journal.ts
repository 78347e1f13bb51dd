/**
 * The agent's memory: which attempts it took on, what it observed of them, what the controller has of that.
 *
 * GUARANTEES. What `accept`, `report` and `note` were given is on disk when they resolve; many of them share one fdatasync.
 * Listeners hear events in the order of their sequence numbers, each after it is on disk. When the disk fails, nothing new
 * is accepted, while observations wait in memory and are written again each second until that succeeds; only `tell` speaks
 * of what is not on disk, since a refusal because of the disk cannot wait for it.
 *
 *   accept, report, note ──► queue ──► batch ──► write + fdatasync ──► state ──► listeners
 *                              ↑                       │ fails
 *                              └── all but accepts ────┘ retried by writing the whole file anew
 */
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { JournalRecord } from '#protocol/gen/drover/v1/journal_pb.ts';
import type { Event, Start } from '#protocol/gen/drover/v1/link_pb.ts';
import type { Attempt } from '#protocol/gen/drover/v1/task_pb.ts';
import { limits } from '#protocol/limits.ts';
import { JournalFile, type JournalStorage } from './journal-file.ts';
import { encodeRecords } from './journal-frames.ts';
import { acceptedRecord, acknowledgedRecord, eventRecord, newEvent } from './journal-records.ts';
import type { JournalState } from './journal-state.ts';
import { readJournal } from './open-journal.ts';

/** How long after a failed write the next is tried, milliseconds. */
const retryMs = 1_000;

/** How long an acknowledgement may wait for a batch that is written anyway; losing it only means sending again. */
const acknowledgementDelayMs = 1_000;

/** The journal cannot be written; the message is the reason. */
export class JournalFailingError extends Error {
  override readonly name = 'JournalFailingError';
}

/** What a journal needs. */
export interface JournalOptions {
  readonly path: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Where the bytes go; default the file at `path`. */
  readonly storage?: JournalStorage;
}

/** Records that go to disk together, and who waits for them. */
interface Entry {
  readonly records: readonly JournalRecord[];
  /** Whether it is given up, rather than kept, when it cannot be written. */
  readonly refusable: boolean;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** An open journal. */
export class Journal implements AsyncDisposable {
  readonly #storage: JournalStorage;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #state: JournalState;
  readonly #listeners = new Set<(event: Event) => void>();
  #queue: Entry[] = [];
  #sequence: bigint;
  #sizeWritten = 0;
  #failing: string | undefined;
  #flushing: Promise<void> | undefined;
  #timer: Disposable | undefined;
  #closed = false;

  private constructor(state: JournalState, storage: JournalStorage, clock: Clock, log: Logger) {
    this.#state = state;
    this.#sequence = state.lastEvent;
    this.#storage = storage;
    this.#clock = clock;
    this.#log = log;
  }

  /**
   * Reads the journal at `path`, makes one where there is none, and writes it anew without what is not needed any more.
   * A disk that cannot be written is no error here: the journal is then failing.
   *
   * @throws what readJournal throws.
   */
  static async open({ path, clock, log, storage }: JournalOptions): Promise<Journal> {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const state = await readJournal(path, clock, log);
    const journal = new Journal(state, storage ?? new JournalFile(path), clock, log);
    await journal.#rewrite();
    return journal;
  }

  /** What is known; it changes as records reach the disk. */
  get state(): Readonly<JournalState> {
    return this.#state;
  }

  /** Why the journal cannot be written; undefined while it can. */
  get failing(): string | undefined {
    return this.#failing;
  }

  /**
   * Takes an attempt on, together with its first event. `failuresBefore` is for its restart policy (journal.proto).
   *
   * @throws JournalFailingError: it is then not taken on.
   */
  async accept(start: Start, bootId: string, attempt: Attempt, failuresBefore = 0): Promise<void> {
    if (this.#failing !== undefined) throw new JournalFailingError(this.#failing);
    const event = newEvent(start.taskId, attempt);
    await this.#enqueue([acceptedRecord(start, bootId, failuresBefore), eventRecord(event)], true);
  }

  /** Records an observation; resolves when it is on disk, however long that takes. */
  async report(taskId: string, attempt: Attempt): Promise<void> {
    await this.#enqueue([eventRecord(newEvent(taskId, attempt))], false);
  }

  /** Records a stop or a signal; resolves when it is on disk. */
  async note(record: JournalRecord): Promise<void> {
    await this.#enqueue([record], false);
  }

  /**
   * Tells the listeners without waiting for the disk while the journal is failing, for a refusal because of that; it goes
   * to disk when that can be written again.
   */
  async tell(taskId: string, attempt: Attempt): Promise<void> {
    // What is being written has its numbers already, and comes first.
    while (this.#flushing) await this.#flushing;
    if (this.#failing === undefined) return this.report(taskId, attempt);
    const record = eventRecord(newEvent(taskId, attempt));
    this.#number(record);
    this.#settle([record]);
  }

  /** The controller has events up to `sequence`. */
  acknowledge(sequence: bigint): void {
    if (sequence <= this.#state.acknowledgedEvent) return;
    const untold = sequence > this.#sequence ? this.#overtaken(sequence) : [];
    const known = sequence < this.#state.lastEvent ? sequence : this.#state.lastEvent;
    const record = acknowledgedRecord(known, this.#clock.wallMs());
    this.#state.apply(record);
    this.#queue.push({ records: [record], refusable: false, resolve: () => {}, reject: () => {} });
    if (this.#failing === undefined) this.#schedule(acknowledgementDelayMs, () => this.#flush());
    for (const { taskId, attempt } of untold) if (attempt) void this.report(taskId, attempt);
  }

  /**
   * The controller has later events of this journal than were ever written here: this one is an older copy. Numbers go on
   * behind those, and what is not acknowledged is told again, since the controller takes its numbers for known ones.
   */
  #overtaken(sequence: bigint): readonly Event[] {
    this.#log.error(
      { last: `${this.#sequence}`, acknowledged: `${sequence}` },
      'the controller knows later events of this journal: the state directory was copied or restored, and another agent may use the same key',
    );
    this.#sequence = sequence;
    return this.#state.unacknowledged;
  }

  /** Tells the latest events of a task again, of each of its attempts, unless they are acknowledged. */
  repeat(taskId: string): void {
    for (const { latest } of this.#state.attemptsOf(taskId)) {
      if (!latest || latest.sequence <= this.#state.acknowledgedEvent) continue;
      for (const listener of this.#listeners) listener(latest);
    }
  }

  /** Calls `listener` with what is not acknowledged after `afterSequence`, then with each new event. */
  listen(afterSequence: bigint, listener: (event: Event) => void): Disposable {
    const own = (event: Event) => listener(event);
    for (const event of this.#state.unacknowledged) {
      if (event.sequence > afterSequence) listener(event);
    }
    this.#listeners.add(own);
    return { [Symbol.dispose]: () => void this.#listeners.delete(own) };
  }

  /** Writes what waits, if that can be, and closes the file. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    this.#listeners.clear();
    await this.#flushing;
    await this.#flush();
    this.#closed = true;
    this.#timer?.[Symbol.dispose]();
    await this.#storage.close();
  }

  #enqueue(records: readonly JournalRecord[], refusable: boolean): Promise<void> {
    const written = new Promise<void>((resolve, reject) => {
      this.#queue.push({ records, refusable, resolve, reject });
    });
    void this.#flush();
    return written;
  }

  #flush(): Promise<void> {
    this.#flushing ??= this.#writeQueue();
    return this.#flushing;
  }

  async #writeQueue(): Promise<void> {
    // Whatever else this turn of the loop brings shares the first fdatasync.
    await setImmediate();
    while (this.#queue.length > 0 && this.#failing === undefined && !this.#closed) {
      const grown = this.#storage.size > Math.max(limits.journalCompactBytes, 2 * this.#sizeWritten);
      await (grown ? this.#rewrite() : this.#append());
    }
    // In the same turn as the check of the queue: what comes after it must begin a new round.
    this.#flushing = undefined;
  }

  async #append(): Promise<void> {
    const batch = this.#takeBatch();
    try {
      await this.#storage.append(encodeRecords(batch.flatMap((entry) => entry.records)));
      this.#succeed(batch);
    } catch (error) {
      this.#fail(batch, error);
    }
  }

  /** Writes the whole file: what is known and what waits. */
  async #rewrite(): Promise<void> {
    const batch = this.#takeBatch();
    try {
      const records = batch.flatMap((entry) => entry.records);
      await this.#storage.replace(encodeRecords([...this.#state.records(), ...records]));
      this.#sizeWritten = this.#storage.size;
      if (this.#failing !== undefined) this.#log.info('the journal can be written again');
      this.#failing = undefined;
      this.#succeed(batch);
    } catch (error) {
      this.#fail(batch, error);
    }
  }

  #takeBatch(): Entry[] {
    const batch = this.#queue;
    this.#queue = [];
    for (const record of batch.flatMap((entry) => entry.records)) this.#number(record);
    return batch;
  }

  /** An event has its number from the moment at which it is written, so that what is told later also has a later one. */
  #number({ kind }: JournalRecord): void {
    if (kind.case === 'event') kind.value.sequence = ++this.#sequence;
  }

  #succeed(batch: readonly Entry[]): void {
    for (const entry of batch) {
      this.#settle(entry.records);
      entry.resolve();
    }
  }

  #settle(records: readonly JournalRecord[]): void {
    for (const record of records) {
      this.#state.apply(record);
      if (record.kind.case !== 'event') continue;
      for (const listener of this.#listeners) listener(record.kind.value);
    }
  }

  #fail(batch: readonly Entry[], error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error);
    if (this.#failing === undefined) this.#log.error({ reason }, 'the journal cannot be written');
    this.#failing = reason;
    const waiting = [...batch, ...this.#queue];
    this.#queue = waiting.filter((entry) => !entry.refusable);
    for (const entry of waiting) {
      if (entry.refusable) entry.reject(new JournalFailingError(reason, { cause: error }));
    }
    this.#schedule(retryMs, () => this.#retry());
  }

  #retry(): void {
    if (this.#closed) return;
    this.#flushing ??= this.#rewrite().then(() => this.#writeQueue());
  }

  #schedule(delayMs: number, action: () => void): void {
    this.#timer?.[Symbol.dispose]();
    this.#timer = this.#clock.schedule(delayMs, action);
  }
}
