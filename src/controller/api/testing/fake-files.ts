/** Files between a controller and a node that is played by a test: what the controller sends is decoded, what the node sends is by hand. */
import { create, fromBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { FrameDecoder } from '#base/grpc-frames.ts';
import type { FileNews, FileStream } from '#controller/dispatch/dispatch.ts';
import { type FilesDown, FilesDownSchema, FilesUpSchema } from '#protocol/gen/drover/v1/link_pb.ts';
import { limits } from '#protocol/limits.ts';

/** Both sides of one stream. */
export class FakeFiles implements FileStream {
  /** Aborts when the controller gives it up. */
  readonly gone: AbortSignal;
  readonly #over = new AbortController();
  readonly #decoder = new FrameDecoder(limits.messageBytesMax);
  #down: FilesDown['kind'][] = [];
  #up: FileNews[] = [];
  #ending: { readonly error?: unknown } | undefined;
  #news = Promise.withResolvers<void>();
  #taken = Promise.withResolvers<void>();

  constructor(abort: AbortSignal) {
    this.gone = AbortSignal.any([abort, this.#over.signal]);
    this.gone.addEventListener('abort', () => this.#wake(), { once: true });
  }

  async *receive(): AsyncGenerator<FileNews, void, undefined> {
    for (;;) {
      this.gone.throwIfAborted();
      const news = this.#up.shift();
      this.#taken.resolve();
      this.#taken = Promise.withResolvers();
      if (news) yield news;
      else if (this.#ending?.error !== undefined) throw this.#ending.error;
      else if (this.#ending) return;
      else await this.#news.promise;
    }
  }

  async send(...bytes: readonly Uint8Array[]): Promise<void> {
    this.gone.throwIfAborted();
    for (const part of bytes) {
      for (const message of this.#decoder.push(Buffer.from(part))) {
        this.#down.push(fromBinary(FilesDownSchema, message).kind);
      }
    }
    this.#wake();
  }

  expectEnd(): void {}

  [Symbol.dispose](): void {
    this.#over.abort();
  }

  /** Resolves when what the node has sent was taken; rejects when the controller gives it up. */
  async taken(): Promise<void> {
    while (this.#up.length > 0) {
      await Promise.race([this.#taken.promise, this.#news.promise]);
      this.gone.throwIfAborted();
    }
  }

  /** What the controller sends next. @throws when it has given the stream up. */
  async next(): Promise<FilesDown['kind']> {
    for (;;) {
      const kind = this.#down.shift();
      if (kind) return kind;
      this.gone.throwIfAborted();
      await this.#news.promise;
    }
  }

  /** The node sends this. */
  tell(kind: MessageInitShape<typeof FilesUpSchema>['kind']): void {
    const { kind: news } = create(FilesUpSchema, kind ? { kind } : {});
    if (news.case) this.#up.push(news);
    this.#wake();
  }

  /** The node ends its side. */
  end(): void {
    this.#ending ??= {};
    this.#wake();
  }

  /** The node breaks it off. */
  fail(error: unknown): void {
    this.#ending ??= { error };
    this.#wake();
  }

  #wake(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }
}
