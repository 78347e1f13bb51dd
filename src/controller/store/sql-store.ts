/**
 * The store over any SQL database that Kysely speaks to. Knows no backend: that is a dialect and its errors.
 *
 *   transact ──► queue, one at a time ──► begin · work(writer) · commit
 *   read ───────────────────────────────► one connection for the call
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Executor } from './schema.ts';
import { SqlReader } from './sql-reader.ts';
import { type IsDuplicate, TransactionScope, toStoreError } from './sql-scope.ts';
import { SqlWriter } from './sql-writer.ts';
import { type EventRecord, type Store, StoreError, type StoreReader, type StoreWriter } from './store.ts';

/** What a database needs to carry the store; it is migrated already. */
export interface SqlBackend {
  /** Is destroyed with the store. */
  readonly db: Executor;
  readonly isDuplicate: IsDuplicate;
  readonly onCommit?: OnCommit | undefined;
}

/** Called, for measurements, after each commit with how long its transaction took, and the events that it has recorded. */
export type OnCommit = (durationMs: number, events: readonly EventRecord[]) => void;

/** @see Store */
export class SqlStore implements Store {
  readonly read: StoreReader;
  readonly #db: Executor;
  readonly #isDuplicate: IsDuplicate;
  readonly #onCommit: OnCommit;
  /** Settles when every transaction so far is over. */
  #lastTransaction: Promise<unknown> = Promise.resolve();
  readonly #reads = new Set<Promise<unknown>>();
  readonly #eventListeners = new Set<() => void>();
  readonly #auditListeners = new Set<() => void>();
  #closing: Promise<void> | undefined;
  /** Whether this call comes from inside of a transaction that is still open. */
  readonly #transaction = new AsyncLocalStorage<{ open: boolean }>();

  constructor({ db, isDuplicate, onCommit = () => {} }: SqlBackend) {
    this.#onCommit = onCommit;
    this.#db = db;
    this.#isDuplicate = isDuplicate;
    this.read = new SqlReader({ run: (what, query) => this.#read(what, query) });
  }

  async transact<T>(work: (writer: StoreWriter) => Promise<T>): Promise<T> {
    this.#assertUsable('begin a transaction');
    const turn = this.#lastTransaction.then(() => this.#transactNow(work));
    this.#lastTransaction = turn.catch(() => {});
    return turn;
  }

  onEvents(listener: () => void): Disposable {
    return addTo(this.#eventListeners, listener);
  }

  onAudit(listener: () => void): Disposable {
    return addTo(this.#auditListeners, listener);
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #read<T>(what: string, query: (db: Executor) => Promise<T>): Promise<T> {
    this.#assertUsable(what);
    const reading = this.#db.connection().execute(query);
    this.#reads.add(reading);
    try {
      return await reading;
    } catch (error) {
      throw toStoreError(what, error, this.#isDuplicate);
    } finally {
      this.#reads.delete(reading);
    }
  }

  async #transactNow<T>(work: (writer: StoreWriter) => Promise<T>): Promise<T> {
    const transaction = { open: true };
    let thrown: { error: unknown } | undefined;
    let events: readonly EventRecord[] = [];
    let hasAudited = false;
    const startedMs = performance.now();
    try {
      const result = await this.#db.transaction().execute(async (db) => {
        const scope = new TransactionScope(db, this.#isDuplicate);
        const writer = new SqlWriter(scope);
        try {
          const result = await this.#transaction.run(transaction, () => work(writer));
          scope.end();
          events = writer.events;
          hasAudited = writer.hasAudited;
          return result;
        } catch (error) {
          thrown = { error };
          throw error;
        }
      });
      this.#onCommit(performance.now() - startedMs, events);
      if (events.length > 0) for (const listener of this.#eventListeners) listener();
      if (hasAudited) for (const listener of this.#auditListeners) listener();
      return result;
    } catch (error) {
      throw thrown ? thrown.error : toStoreError('complete a transaction', error, this.#isDuplicate);
    } finally {
      transaction.open = false;
    }
  }

  /** Waiting for a connection inside of the transaction that holds it would never end, so that is refused at once. */
  #assertUsable(what: string): void {
    if (this.#closing) throw new StoreError('failed', `could not ${what}: the store is closed`);
    if (this.#transaction.getStore()?.open) {
      throw new StoreError(
        'failed',
        `could not ${what}: inside of a transaction only its writer can be used`,
      );
    }
  }

  async #close(): Promise<void> {
    await this.#lastTransaction;
    await Promise.allSettled(this.#reads);
    try {
      await this.#db.destroy();
    } catch (error) {
      throw toStoreError('close the database', error, this.#isDuplicate);
    }
  }
}

/** Under an identity of its own, so that the same listener can be there twice. */
function addTo(listeners: Set<() => void>, listener: () => void): Disposable {
  const own = () => listener();
  listeners.add(own);
  return { [Symbol.dispose]: () => void listeners.delete(own) };
}
