/**
 * The input that one writer gives to some tasks: keeps what not all of them have taken, and no more than a window of it. Each task
 * takes it by a cursor of its own; the slowest holds the writer up.
 *
 *   writer ──put──► [ taken … end ] ──next──► cursor ──► task
 *                     ▲ by the slowest
 */
import { type InputKind, type InputSupply, NodeRefusedError } from '#controller/dispatch/dispatch.ts';
import type { TerminalSize } from '#protocol/gen/drover/v1/task_pb.ts';
import { limits } from '#protocol/limits.ts';

interface Piece {
  readonly offset: bigint;
  readonly data: Uint8Array;
}

/** Pieces below this are joined: keys come one by one. */
const joinedBytes = 4 << 10;

/** Input between one writer and its tasks. */
export class InputWindow {
  /** Undefined until the only task has said where its input is. */
  #taken: bigint | undefined;
  #end: bigint;
  #pieces: Piece[] = [];
  #size: { readonly serial: number; readonly value: TerminalSize } | undefined;
  #isEnded = false;
  #isDetached = false;
  #hasLeft = false;
  readonly #cursors = new Set<InputCursor>();
  /** How many of them have taken no more than the slowest. */
  #slowest = 0;
  #progress = Promise.withResolvers<void>();

  /** @param from where the writer begins; undefined means where the input of its only task is. */
  constructor(from: bigint | undefined) {
    this.#taken = from;
    this.#end = from ?? 0n;
  }

  /** Up to where every task has taken it that takes any; undefined while that is not known. */
  get taken(): bigint | undefined {
    return this.#taken;
  }

  /** Where what has come ends. */
  get end(): bigint {
    return this.#end;
  }

  /** Nothing comes behind the end. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** The writer leaves and wants terminals to stay. */
  get isDetached(): boolean {
    return this.#isDetached;
  }

  /** The writer has gone. */
  get hasLeft(): boolean {
    return this.#hasLeft;
  }

  /** The latest size of the writer's terminal, numbered. */
  get size(): { readonly serial: number; readonly value: TerminalSize } | undefined {
    return this.#size;
  }

  /** Resolves when `taken` is another or a task takes no more. */
  get progress(): Promise<void> {
    return this.#progress.promise;
  }

  /** A place in it for one more task. */
  open(): InputCursor {
    const cursor = new InputCursor(this, this.#taken ?? 0n);
    this.#cursors.add(cursor);
    this.#slowest += 1;
    return cursor;
  }

  /** That task takes no more. */
  close(cursor: InputCursor): void {
    this.#cursors.delete(cursor);
    this.#findSlowest();
    this.#progressed();
  }

  /** Adds bytes, as soon as there is room. Where no task takes any more, nothing is added. @throws the reason of `abort`. */
  async put(data: Uint8Array, abort: AbortSignal): Promise<void> {
    const wake = () => this.#progressed();
    abort.addEventListener('abort', wake, { once: true });
    try {
      while (this.#cursors.size > 0 && this.#isFull()) {
        abort.throwIfAborted();
        await this.progress;
      }
      abort.throwIfAborted();
    } finally {
      abort.removeEventListener('abort', wake);
    }
    if (this.#cursors.size > 0) this.#add(data);
  }

  /** Nothing comes behind what has come. */
  finish(): void {
    this.#isEnded = true;
    this.#wakeCursors();
  }

  /** The writer's terminal has another size. */
  resize(value: TerminalSize): void {
    this.#size = { serial: (this.#size?.serial ?? 0) + 1, value };
    this.#wakeCursors();
  }

  /** The writer leaves, and wants terminals to stay. */
  detach(): void {
    this.#isDetached = true;
    this.#wakeCursors();
  }

  /** The writer has gone. */
  leave(): void {
    this.#hasLeft = true;
    this.#wakeCursors();
  }

  /** What has come at `offset`, at most `bytesMax` of it; undefined when there is nothing. */
  bytesAt(offset: bigint, bytesMax: number): Uint8Array | undefined {
    const piece = this.#pieces.find((each) => endOf(each) > offset);
    if (!piece || piece.offset > offset || bytesMax <= 0) return undefined;
    const begin = Number(offset - piece.offset);
    return piece.data.subarray(begin, begin + bytesMax);
  }

  /** A task says where its input is. @throws NodeRefusedError when that is behind what is kept. */
  began(taken: bigint): void {
    if (this.#taken === undefined) {
      this.#taken = taken;
      this.#end = taken;
      this.#progressed();
    }
    if (taken >= this.#taken) return;
    throw new NodeRefusedError(
      `it has lost input: it has taken ${taken} bytes, and those before ${this.#taken} are gone`,
    );
  }

  /** A task has taken more. */
  advanced(from: bigint): void {
    if (from !== this.#taken || --this.#slowest > 0) return;
    this.#findSlowest();
    this.#progressed();
  }

  #isFull(): boolean {
    return this.#taken === undefined || this.#end - this.#taken >= BigInt(limits.inputWindowBytes);
  }

  #add(data: Uint8Array): void {
    const last = this.#pieces.at(-1);
    if (last && last.data.length + data.length <= joinedBytes) {
      this.#pieces.pop();
      this.#pieces.push({ offset: last.offset, data: Buffer.concat([last.data, data]) });
    } else if (data.length > 0) this.#pieces.push({ offset: this.#end, data });
    this.#end += BigInt(data.length);
    if (this.#slowest === 0) this.#findSlowest(); // all were ahead of the writer
    this.#wakeCursors();
  }

  /** Goes on to where the slowest is, and lets go of what lies before. */
  #findSlowest(): void {
    if (this.#taken === undefined) return;
    let least = this.#end;
    for (const { taken } of this.#cursors) if (taken < least) least = taken;
    this.#taken = least;
    this.#slowest = [...this.#cursors].filter(({ taken }) => taken === least).length;
    const kept = this.#pieces.findIndex((piece) => endOf(piece) > least);
    this.#pieces.splice(0, kept < 0 ? this.#pieces.length : kept);
  }

  #progressed(): void {
    this.#progress.resolve();
    this.#progress = Promise.withResolvers();
  }

  #wakeCursors(): void {
    for (const cursor of this.#cursors) cursor.wake();
  }
}

function endOf({ offset, data }: Piece): bigint {
  return offset + BigInt(data.length);
}

/** One task's place in a window. */
export class InputCursor implements InputSupply {
  readonly #window: InputWindow;
  #taken: bigint;
  #sent: bigint;
  #sizeSent = 0;
  #endSent = false;
  #detachSent = false;
  #news = Promise.withResolvers<void>();

  /** Use InputWindow.open. */
  constructor(window: InputWindow, taken: bigint) {
    this.#window = window;
    this.#taken = taken;
    this.#sent = taken;
  }

  /** Up to where the task has taken input. */
  get taken(): bigint {
    return this.#taken;
  }

  /** Whether the task was told that nothing follows. */
  get isServed(): boolean {
    return this.#endSent || this.#detachSent;
  }

  begin(taken: bigint): void {
    this.#window.began(taken);
    this.advance(taken);
    this.#sent = taken;
    this.#sizeSent = 0;
    this.#endSent = false;
    this.#detachSent = false;
  }

  advance(taken: bigint): void {
    const from = this.#taken;
    if (taken <= from) return;
    this.#taken = taken;
    this.#window.advanced(from);
    this.wake();
  }

  async next(abort: AbortSignal): Promise<InputKind | undefined> {
    const wake = () => this.wake();
    abort.addEventListener('abort', wake, { once: true });
    try {
      for (;;) {
        abort.throwIfAborted();
        const news = this.#news.promise;
        const kind = this.#find();
        if (kind || this.#isLeft()) return kind;
        await news;
      }
    } finally {
      abort.removeEventListener('abort', wake);
    }
  }

  /** There may be something new for the task. */
  wake(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }

  #find(): InputKind | undefined {
    const { size, end, isEnded, isDetached } = this.#window;
    if (size && size.serial > this.#sizeSent) {
      this.#sizeSent = size.serial;
      return { case: 'resize', value: size.value };
    }
    const offset = this.#sent;
    const room = Number(this.#taken - offset) + limits.inputWindowBytes;
    const data = this.#window.bytesAt(offset, room);
    if (data) {
      this.#sent += BigInt(data.length);
      return { case: 'data', value: { offset, data } };
    }
    if (offset < end) return undefined;
    if (isEnded && !this.#endSent) {
      this.#endSent = true;
      return { case: 'endAt', value: end };
    }
    if (!isDetached || this.#detachSent) return undefined;
    this.#detachSent = true;
    return { case: 'detach', value: true };
  }

  #isLeft(): boolean {
    return this.#window.hasLeft && this.#sent >= this.#window.end;
  }
}
