/**
 * Somebody at the terminal of a task: keys and size go there, what appears there appears here, until the task has ended or
 * the person leaves. The terminal is then as it was before, however it ends.
 */
import { delay } from '#base/clock.ts';
import type { CommandContext } from '#cli/command.ts';
import type { Connection } from '#cli/connect-cluster.ts';
import type { ScreenSize } from '#cli/output/output.ts';
import { restoreAtEnd } from '#cli/restore-at-end.ts';
import type { Terminal } from '#cli/terminal.ts';
import { formatSize } from '#core/format-size.ts';
import type { LogChunk, Task } from '#protocol/gen/drover/v1/task_pb.ts';
import { DetachMatcher } from './detach-keys.ts';
import { followLine } from './follow-line.ts';
import { InputWriter } from './input-writer.ts';
import { lineNotices } from './line-notices.ts';

/** Longest wait for the node to hear that somebody leaves. */
const detachPatienceMs = 3_000;
/** Between two sizes of which a program at the terminal is to notice the first. */
const nudgeMs = 50;

/** At which task, and how. */
export interface SeatOptions {
  readonly connection: Connection;
  readonly taskId: string;
  readonly detachKeys: Uint8Array;
  /** It has been running: begin with the end of what it printed, and have it draw itself again. */
  readonly joins: boolean;
}

/** How it ended: with the task; the person left, which the node may not have heard; or somebody else took the place. */
export type SeatEnd =
  | { readonly kind: 'ended'; readonly tasks: readonly Task[] }
  | { readonly kind: 'detached'; readonly heard: boolean }
  | { readonly kind: 'refused'; readonly reason: string };

/** One visit to a terminal. */
export class Seat {
  readonly #context: CommandContext;
  readonly #options: SeatOptions;
  readonly #left = Promise.withResolvers<SeatEnd>();
  readonly #over = new AbortController();
  readonly #abort: AbortSignal;
  readonly #writer: InputWriter;
  readonly #matcher: DetachMatcher;
  readonly #leaving = new AbortController();

  constructor(context: CommandContext, options: SeatOptions) {
    this.#context = context;
    this.#options = options;
    this.#abort = AbortSignal.any([context.abort, this.#over.signal]);
    this.#matcher = new DetachMatcher(options.detachKeys);
    this.#writer = new InputWriter(options.connection, {
      query: { refs: [options.taskId] },
      fromHere: options.joins,
      clock: context.clock,
      abort: this.#abort,
      onRefused: ({ reason }) => this.#left.resolve({ kind: 'refused', reason }),
    });
  }

  /** Takes the place until it ends. @throws what following the task fails with. */
  async take(terminal: Terminal): Promise<SeatEnd> {
    const { out } = this.#context;
    using held = new DisposableStack();
    using _restoring = restoreAtEnd(() => held.dispose());
    held.defer(() => this.#over.abort());
    held.use(terminal.takeLine((data) => this.#hear(data), this.#lose));
    held.use(out.onResize(() => this.#resize(out.size)));
    if (this.#options.joins) await this.#nudge(out.size);
    this.#resize(out.size);
    const ended = this.#watch();
    ended.catch(() => {});
    void this.#writer.done.catch(this.#left.reject);
    return await Promise.race([ended, this.#left.promise]);
  }

  /** Until the task has ended and everything has appeared. */
  async #watch(): Promise<SeatEnd> {
    const { connection, taskId, joins } = this.#options;
    const { out, clock } = this.#context;
    const tasks = await followLine(connection, {
      taskId,
      tailLines: joins ? (out.size?.rows ?? 0) : 0,
      clock,
      abort: this.#abort,
      quiet: this.#leaving.signal,
      print: async (chunk) => {
        this.#print(chunk);
        await out.drained();
      },
      notices: lineNotices((line) => this.#say(line)),
    });
    return { kind: 'ended', tasks };
  }

  #print({ goneBytes, data }: LogChunk): void {
    if (goneBytes > 0n) this.#say(`${formatSize(goneBytes)} of output are gone here`);
    this.#context.out.out(data);
  }

  /** In a line of its own, from the left edge: the terminal does not move there by itself now. */
  #say(line: string): void {
    if (!this.#leaving.signal.aborted) this.#context.out.err(`\r\ndrover: ${line}\r\n`);
  }

  /** Our terminal went away: so does its person, and what runs there is hung up in time. */
  readonly #lose = (): void => this.#left.resolve({ kind: 'refused', reason: 'this terminal is gone' });

  #hear(typed: Uint8Array): void {
    if (this.#leaving.signal.aborted) return;
    const { through, detach } = this.#matcher.push(typed);
    void this.#writer.write(through);
    if (detach) void this.#detach();
  }

  async #detach(): Promise<void> {
    this.#leaving.abort();
    this.#writer.detach();
    const heard = this.#writer.done.then(
      () => true,
      () => false,
    );
    const late = delay(this.#context.clock, detachPatienceMs, this.#abort).then(
      () => false,
      () => false,
    );
    this.#left.resolve({ kind: 'detached', heard: await Promise.race([heard, late]) });
  }

  #resize(size: ScreenSize | undefined): void {
    if (size) this.#writer.resize(size);
  }

  /** Another size for a moment: a program that draws the whole screen draws it anew when it has changed. */
  async #nudge(size: ScreenSize | undefined): Promise<void> {
    if (!size) return;
    this.#resize({ rows: size.rows + 1, columns: size.columns });
    await delay(this.#context.clock, nudgeMs, this.#abort).catch(() => {});
  }
}
