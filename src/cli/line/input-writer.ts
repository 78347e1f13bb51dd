/**
 * Input for tasks, across lost connections: keeps what was not taken yet, and sends it again from there. Holds no more than a
 * window: who writes waits while that is full.
 */
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Clock } from '#base/clock.ts';
import type { Connection } from '#cli/connect-cluster.ts';
import { retryStream } from '#cli/follow/retry-stream.ts';
import type {
  InputRefusal,
  TaskQuerySchema,
  WriteInputRequestSchema,
} from '#protocol/gen/drover/v1/api_pb.ts';
import { limits } from '#protocol/limits.ts';

type Request = MessageInitShape<typeof WriteInputRequestSchema>;
type Kind = NonNullable<Request['kind']>;

/** A terminal's size. */
export interface Size {
  readonly rows: number;
  readonly columns: number;
}

/** To whom, and how. */
export interface InputWriterOptions {
  readonly query: MessageInitShape<typeof TaskQuerySchema>;
  /** Go on where the input of the one task is, instead of at its beginning. */
  readonly fromHere: boolean;
  readonly clock: Clock;
  readonly abort: AbortSignal;
  /** A task takes no more, for a reason that is not just its end. */
  readonly onRefused: (refusal: InputRefusal) => void;
}

/** What was sent and not taken: what the controller holds, and what is on the way there. */
const heldBytesMax = 4 * limits.inputWindowBytes;

/** Writes from its making until `done`. */
export class InputWriter {
  /**
   * Resolves when the tasks have taken all, or take no more.
   * Rejects with what the API refuses with, the loss of a controller that stays away, or the abort's reason.
   */
  readonly done: Promise<void>;
  readonly #connection: Pick<Connection, 'tasks'>;
  readonly #options: InputWriterOptions;
  #pieces: Uint8Array[] = [];
  /** Where `#pieces` begin; undefined while only the task knows. */
  #taken: bigint | undefined;
  #held = 0;
  #isEnded = false;
  #isDetached = false;
  #hasLeft = false;
  #isDone = false;
  #size: Size | undefined;
  #sizes = 0;
  #news = Promise.withResolvers<void>();

  constructor(connection: Pick<Connection, 'tasks'>, options: InputWriterOptions) {
    this.#connection = connection;
    this.#options = options;
    this.#taken = options.fromHere ? undefined : 0n;
    this.done = this.#run();
    this.done.catch(() => {});
  }

  /** Adds bytes; resolves when there is room for more, at once when nobody takes any. */
  async write(data: Uint8Array): Promise<void> {
    if (this.#isDone || data.length === 0) return;
    this.#pieces.push(data);
    this.#held += data.length;
    this.#wake();
    while (this.#held >= heldBytesMax && !this.#isDone) await this.#news.promise;
  }

  /** Nothing comes behind what was written. */
  end(): void {
    this.#isEnded = true;
    this.#wake();
  }

  /** The terminal that is written from has this size now. */
  resize(size: Size): void {
    this.#size = size;
    this.#sizes += 1;
    this.#wake();
  }

  /** Leaves; terminals are to stay. `done` then tells whether that was heard. */
  detach(): void {
    this.#isDetached = true;
    this.#wake();
  }

  /** Leaves. */
  leave(): void {
    this.#hasLeft = true;
    this.#wake();
  }

  async #run(): Promise<void> {
    const { clock, abort, onRefused } = this.#options;
    const onAbort = () => this.#wake();
    abort.addEventListener('abort', onAbort, { once: true });
    try {
      const silent = { onLost: () => {}, onBack: () => {} };
      for await (const { taken, refused } of retryStream(() => this.#open(), { clock, abort, ...silent })) {
        for (const refusal of refused) if (refusal.reason !== '') onRefused(refusal);
        this.#take(taken);
      }
    } finally {
      abort.removeEventListener('abort', onAbort);
      this.#isDone = true;
      this.#wake();
    }
  }

  async *#open() {
    const over = new AbortController();
    const signal = AbortSignal.any([this.#options.abort, over.signal]);
    try {
      yield* this.#connection.tasks.writeInput(this.#requests(over.signal), { signal });
    } finally {
      over.abort();
      this.#wake();
    }
  }

  /** What is sent on one stream: from what was taken on. */
  async *#requests(over: AbortSignal): AsyncGenerator<Request> {
    const { query } = this.#options;
    const offset = this.#taken;
    yield {
      kind: { case: 'target', value: { query, offset: offset ?? 0n, fromHere: offset === undefined } },
    };
    const sent = { position: offset, sizes: 0, end: false };
    while (!over.aborted && !this.#options.abort.aborted) {
      const kind = this.#next(sent);
      if (kind === 'over') return;
      if (kind) yield { kind };
      else await this.#news.promise;
    }
  }

  #next(sent: { position: bigint | undefined; sizes: number; end: boolean }): Kind | 'over' | undefined {
    if (this.#size && sent.sizes < this.#sizes) {
      sent.sizes = this.#sizes;
      return { case: 'resize', value: this.#size };
    }
    if (this.#taken === undefined) return undefined;
    sent.position ??= this.#taken;
    const data = this.#bytesAt(sent.position);
    if (data) {
      sent.position += BigInt(data.length);
      return { case: 'data', value: data };
    }
    if (this.#isDetached) return sent.end ? 'over' : this.#last(sent, { case: 'detach', value: true });
    if (this.#isEnded) return sent.end ? undefined : this.#last(sent, { case: 'end', value: true });
    return this.#hasLeft ? 'over' : undefined;
  }

  #last(sent: { end: boolean }, kind: Kind): Kind {
    sent.end = true;
    return kind;
  }

  /** At most one message of what was written from there on; undefined where that is nothing. */
  #bytesAt(position: bigint): Uint8Array | undefined {
    let at = this.#taken ?? 0n;
    for (const piece of this.#pieces) {
      const end = at + BigInt(piece.length);
      if (position < end) {
        return piece.subarray(Number(position - at)).subarray(0, limits.inputChunkBytesMax);
      }
      at = end;
    }
    return undefined;
  }

  #take(taken: bigint): void {
    if (this.#taken === undefined) this.#taken = taken;
    let rest = Number(taken - this.#taken);
    while (rest > 0) {
      const [piece] = this.#pieces;
      if (!piece) break;
      const cut = Math.min(rest, piece.length);
      if (cut === piece.length) this.#pieces.shift();
      else this.#pieces[0] = piece.subarray(cut);
      this.#held -= cut;
      this.#taken += BigInt(cut);
      rest -= cut;
    }
    this.#wake();
  }

  #wake(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }
}
