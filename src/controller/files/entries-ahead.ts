/** How far a receiver is behind its manifest, so that no more of it is sent than the receiver keeps track of. */
import { onAbort } from '#controller/dispatch/on-abort.ts';
import type { CopyProgress } from '#protocol/gen/drover/v1/file_pb.ts';
import { limits } from '#protocol/limits.ts';

/** Of one receiver. One that never tells its progress is waited for by nobody. */
export class EntriesAhead {
  #sent = 0;
  /** Entries that it is through with, as far as it said so. */
  #settled: number | undefined;
  #news = Promise.withResolvers<void>();

  /** So many more were sent. */
  sent(entries: number): void {
    this.#sent += entries;
  }

  /** The receiver says how far it is. */
  hear({ entries, problems }: CopyProgress): void {
    this.#settled = Number(entries + problems);
    this.#news.resolve();
  }

  /** Resolves when more may be sent. @throws the reason of `abort`. */
  async room(abort: AbortSignal): Promise<void> {
    using _waiting = onAbort(abort, () => this.#news.resolve());
    while (this.#settled !== undefined && this.#sent - this.#settled > limits.fileEntriesAheadMax) {
      abort.throwIfAborted();
      this.#news = Promise.withResolvers();
      await this.#news.promise;
    }
    abort.throwIfAborted();
  }
}
