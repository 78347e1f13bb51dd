/**
 * What one session was asked and has not answered: each question has one id, and exactly one answer unless it is
 * given up or the session ends first. Sends nothing itself.
 */
import type { ServerHttp2Stream } from 'node:http2';
import type { Result } from '#protocol/gen/drover/v1/link_pb.ts';
import { onAbort } from './on-abort.ts';

/** The requests of an agent that carry bytes: a log upward, input downward, files either way. */
export type StreamKind = 'push' | 'pull' | 'files';

/** A Result, or the stream that was asked for. */
export type Answer =
  | { readonly kind: 'result'; readonly result: Result }
  | { readonly kind: StreamKind; readonly stream: ServerHttp2Stream };

interface Question {
  /** Which stream may answer it, if one may. */
  readonly stream: StreamKind | undefined;
  /** For the asker to give up. */
  readonly waiting: Disposable;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (reason: unknown) => void;
}

/** The open questions of one session. */
export class PendingAnswers {
  readonly #questions = new Map<bigint, Question>();
  /** Who wants to hear of a Result after the stream, by question. */
  readonly #late = new Map<bigint, (result: Result) => void>();
  #lastId = 0n;

  /**
   * Opens a question. The promise rejects with the reason of `abort`, or with that of `rejectAll`.
   *
   * @param stream which stream may answer it, if one may.
   */
  ask(stream: StreamKind | undefined, abort: AbortSignal): { id: bigint; answer: Promise<Answer> } {
    const id = ++this.#lastId;
    const answer = new Promise<Answer>((resolve, reject) => {
      if (abort.aborted) return reject(abort.reason);
      const waiting = onAbort(abort, () => {
        this.#questions.delete(id);
        reject(abort.reason);
      });
      this.#questions.set(id, { stream, waiting, resolve, reject });
    });
    return { id, answer };
  }

  /** Whether a question of this id was ever opened: an answer to one that was given up is no mistake of the peer. */
  knows(id: bigint): boolean {
    return id > 0n && id <= this.#lastId;
  }

  /** Calls `hear` with a Result that comes to a question that a stream has answered: why that was broken off. */
  listen(id: bigint, hear: (result: Result) => void): Disposable {
    this.#late.set(id, hear);
    return { [Symbol.dispose]: () => void this.#late.delete(id) };
  }

  /** Answers; false when nobody waits for this (any more). */
  settle(id: bigint, answer: Answer): boolean {
    if (answer.kind === 'result') this.#late.get(id)?.(answer.result);
    const question = this.#questions.get(id);
    if (!question || (answer.kind !== 'result' && answer.kind !== question.stream)) return false;
    this.#questions.delete(id);
    question.waiting[Symbol.dispose]();
    question.resolve(answer);
    return true;
  }

  /** The session is over. */
  rejectAll(reason: unknown): void {
    const questions = [...this.#questions.values()];
    this.#questions.clear();
    for (const { waiting, reject } of questions) {
      waiting[Symbol.dispose]();
      reject(reason);
    }
  }
}
