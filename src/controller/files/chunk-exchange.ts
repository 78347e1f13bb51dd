/**
 * The chunks of one copy between its one sender and the nodes that want them: what is in memory or in the cache is given at once, the
 * rest is asked of the sender, each once for all who wait for it and a bounded number at a time. What comes is believed only when
 * it is what its digest says.
 *
 *   node ──expect, get──► memory, cache ──has it──► node
 *                            │ lacks it
 *                            ▼
 *                  queue ──► asked (8) ──► sender ──receive──► every node that waits, and the cache
 */
import { hash } from 'node:crypto';
import { onAbort } from '#controller/dispatch/on-abort.ts';
import { RefusedError } from '#protocol/errors.ts';
import type { ChunkData, ChunkRef } from '#protocol/gen/drover/v1/file_pb.ts';
import { limits } from '#protocol/limits.ts';
import type { ChunkMemory } from './chunk-memory.ts';

/** Where the chunks come from, and what counts them. */
export interface ChunkExchangeOptions {
  readonly memory: ChunkMemory;
  /** Asks the sender for these. */
  readonly ask: (chunks: readonly ChunkRef[]) => void;
  /** A chunk was given to a node. */
  readonly onGiven?: (source: 'cache' | 'sender') => void;
}

interface Waiter {
  readonly ref: ChunkRef;
  readonly resolve: (data: Buffer | undefined) => void;
  readonly reject: (error: unknown) => void;
}

/** A chunk that is not here. */
interface Wanted {
  /** As which the sender is asked for it: files of the same content want it under several. */
  ref: ChunkRef;
  isAsked: boolean;
  readonly waiters: Set<Waiter>;
}

/** The chunks of one copy. */
export class ChunkExchange {
  readonly #options: ChunkExchangeOptions;
  /** By digest, in the order in which they are asked for. */
  readonly #wanted = new Map<string, Wanted>();
  readonly #takenBack = new Set<number>();
  #unanswered = 0;
  #closed: { readonly reason: unknown } | undefined;

  constructor(options: ChunkExchangeOptions) {
    this.#options = options;
  }

  /** These will be got soon: what is not here is asked for. */
  expect(chunks: readonly ChunkRef[]): void {
    for (const ref of chunks) {
      if (!this.#takenBack.has(ref.entry) && !this.#options.memory.has(hexOf(ref))) this.#want(ref);
    }
    this.#askMore();
  }

  /**
   * The chunk, as soon as it is here; undefined where the sender has taken its entry back.
   *
   * @throws the reason of `close`, where the sender would have to be asked; the reason of `abort`.
   */
  async get(ref: ChunkRef, abort: AbortSignal): Promise<Buffer | undefined> {
    abort.throwIfAborted();
    const { memory, onGiven } = this.#options;
    const digest = hexOf(ref);
    const here = memory.has(digest) ? await memory.find(digest) : undefined;
    if (here) {
      onGiven?.('cache');
      return here;
    }
    if (this.#takenBack.has(ref.entry)) return undefined;
    if (this.#closed) throw this.#closed.reason;
    const data = await this.#wait(this.#want(ref), ref, abort);
    if (data) onGiven?.('sender');
    return data;
  }

  /** A chunk has come from the sender. @throws RefusedError INVALID when it was not asked for, or is another. */
  receive({ ref, data }: ChunkData): void {
    // What was on its way already.
    if (ref && this.#takenBack.has(ref.entry)) return;
    const digest = ref ? hexOf(ref) : '';
    const wanted = this.#wanted.get(digest);
    if (!ref || !wanted?.isAsked || wanted.ref.entry !== ref.entry || wanted.ref.index !== ref.index) {
      throw new RefusedError('INVALID', `a chunk came that was not asked for: ${describe(ref)}`);
    }
    if (hash('sha256', data, 'hex') !== digest) {
      throw new RefusedError('INVALID', `the content of ${describe(ref)} is not what its digest says`);
    }
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
    this.#wanted.delete(digest);
    for (const { resolve } of wanted.waiters) resolve(bytes);
    // Its place is free when it is on the disk: the disk holds the sender up, and memory does not grow.
    void this.#options.memory.keep(digest, bytes).then(() => {
      this.#unanswered--;
      this.#askMore();
    });
  }

  /** The sender takes an entry back: its chunks do not come any more. */
  takeBack(entry: number): void {
    this.#takenBack.add(entry);
    for (const [digest, wanted] of this.#wanted) {
      for (const waiter of wanted.waiters) {
        if (waiter.ref.entry !== entry) continue;
        wanted.waiters.delete(waiter);
        waiter.resolve(undefined);
      }
      if (wanted.ref.entry !== entry) continue;
      if (wanted.isAsked) this.#unanswered--;
      wanted.isAsked = false;
      const [other] = wanted.waiters;
      if (other) wanted.ref = other.ref;
      else this.#wanted.delete(digest);
    }
    this.#askMore();
  }

  /** The sender gives no more. */
  close(reason: unknown): void {
    this.#closed ??= { reason };
    for (const { waiters } of this.#wanted.values()) {
      for (const { reject } of waiters) reject(reason);
    }
    this.#wanted.clear();
  }

  #want(ref: ChunkRef): Wanted {
    const digest = hexOf(ref);
    const known = this.#wanted.get(digest);
    if (known) return known;
    const wanted = { ref, isAsked: false, waiters: new Set<Waiter>() };
    if (!this.#closed) this.#wanted.set(digest, wanted);
    return wanted;
  }

  async #wait(wanted: Wanted, ref: ChunkRef, abort: AbortSignal): Promise<Buffer | undefined> {
    const { promise, resolve, reject } = Promise.withResolvers<Buffer | undefined>();
    const waiter = { ref, resolve, reject };
    wanted.waiters.add(waiter);
    using _waiting = onAbort(abort, () => {
      wanted.waiters.delete(waiter);
      reject(abort.reason);
    });
    this.#askMore();
    return await promise;
  }

  #askMore(): void {
    const chunks: ChunkRef[] = [];
    for (const wanted of this.#wanted.values()) {
      if (this.#unanswered + chunks.length >= limits.fileWantedChunksMax) break;
      if (wanted.isAsked) continue;
      wanted.isAsked = true;
      chunks.push(wanted.ref);
    }
    if (chunks.length === 0) return;
    this.#unanswered += chunks.length;
    this.#options.ask(chunks);
  }
}

function hexOf({ digest }: ChunkRef): string {
  return Buffer.from(digest.buffer, digest.byteOffset, digest.byteLength).toString('hex');
}

function describe(ref: ChunkRef | undefined): string {
  return ref ? `chunk ${ref.index} of entry ${ref.entry}` : 'a chunk without a name';
}
