/** Where the statements of a reader or writer run, and what becomes of their failures. */
import type { Executor } from './schema.ts';
import { StoreError } from './store.ts';

/** Runs queries on a connection or in a transaction. */
export interface Scope {
  /**
   * @param what completes "could not …" in the error's message.
   * @throws StoreError
   */
  run<T>(what: string, query: (db: Executor) => Promise<T>): Promise<T>;
}

/** Whether a driver's error says that a key is taken. */
export type IsDuplicate = (error: unknown) => boolean;

/** What the database said, as the store says it; a StoreError stays as it is. */
export function toStoreError(what: string, cause: unknown, isDuplicate: IsDuplicate): StoreError {
  if (cause instanceof StoreError) return cause;
  const duplicate = isDuplicate(cause);
  return new StoreError(
    duplicate ? 'duplicate' : 'failed',
    duplicate ? `could not ${what}: a key is taken already` : `could not ${what}`,
    { cause },
  );
}

/**
 * The scope of one transaction. After its first failure nothing runs in it any more, on any backend: PostgreSQL refuses
 * anyway, and SQLite may have rolled back, so that what follows would be committed by itself.
 */
export class TransactionScope implements Scope {
  readonly #db: Executor;
  readonly #isDuplicate: IsDuplicate;
  #failure: StoreError | undefined;
  #over = false;

  constructor(db: Executor, isDuplicate: IsDuplicate) {
    this.#db = db;
    this.#isDuplicate = isDuplicate;
  }

  async run<T>(what: string, query: (db: Executor) => Promise<T>): Promise<T> {
    if (this.#over) throw new StoreError('failed', `could not ${what}: its transaction is over`);
    if (this.#failure) throw this.#failure;
    try {
      return await query(this.#db);
    } catch (error) {
      this.#failure ??= toStoreError(what, error, this.#isDuplicate);
      throw this.#failure;
    }
  }

  /** @throws StoreError the first failure in it, also where the work caught that. */
  end(): void {
    this.#over = true;
    if (this.#failure) throw this.#failure;
  }
}
