/** What a receiver tells: problems, results, how far it is, twice a second while that changes. Decides nothing. */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { Clock } from '#base/clock.ts';
import {
  CopyProgressSchema,
  type FileAction,
  type ReceiverFrame,
  ReceiverFrameSchema,
} from '#protocol/gen/drover/v1/file_pb.ts';
import { limits } from '#protocol/limits.ts';
import { describeFileError, FileError } from './file-error.ts';
import { FrameQueue } from './frame-queue.ts';

/** Frames that may wait for who takes them before nothing more is put in place. */
const framesMax = 256;
const progressIntervalMs = 500;

/** The receiver's side of the conversation. Dispose of it to say nothing more by itself. */
export class SinkReport implements Disposable {
  readonly queue = new FrameQueue<ReceiverFrame>(framesMax);
  /** Entries in place, unchanged ones too. */
  entries = 0;
  unchanged = 0;
  /** Bytes in place or verified. */
  bytes = 0;
  receivedBytes = 0;
  problems = 0;
  readonly #clock: Clock;
  readonly #results: boolean;
  #told = '';
  #timer: Disposable;

  /** @param results whether each entry's result is told. */
  constructor(clock: Clock, results: boolean) {
    this.#clock = clock;
    this.#results = results;
    this.#timer = clock.schedule(progressIntervalMs, () => this.#tick());
  }

  /** An entry cannot be received. */
  problem(path: string, error: unknown): void {
    this.problems += 1;
    const denied = error instanceof FileError && error.denied;
    // It may be long just because nobody meant well.
    const shown = path.slice(0, limits.filePathBytesMax);
    this.put({ case: 'problem', value: { path: shown, error: describeFileError(error), denied } });
  }

  /** An entry is in place. */
  placed(path: string, action: FileAction): void {
    this.entries += 1;
    if (this.#results) this.put({ case: 'result', value: { path, action } });
  }

  put(kind: NonNullable<MessageInitShape<typeof ReceiverFrameSchema>['kind']>): void {
    this.queue.put(create(ReceiverFrameSchema, { kind }));
  }

  /** Everything is in place. */
  done(): void {
    this.put({ case: 'done', value: this.#progress() });
    this.queue.end();
  }

  [Symbol.dispose](): void {
    this.#timer[Symbol.dispose]();
  }

  #progress() {
    const { entries, unchanged, bytes, receivedBytes, problems } = this;
    return create(CopyProgressSchema, {
      entries: BigInt(entries),
      unchanged: BigInt(unchanged),
      bytes: BigInt(bytes),
      receivedBytes: BigInt(receivedBytes),
      problems: BigInt(problems),
    });
  }

  #tick(): void {
    const now = [this.entries, this.unchanged, this.bytes, this.receivedBytes, this.problems].join();
    if (now !== this.#told) this.put({ case: 'progress', value: this.#progress() });
    this.#told = now;
    this.#timer = this.#clock.schedule(progressIntervalMs, () => this.#tick());
  }
}
