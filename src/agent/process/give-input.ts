/**
 * What is typed or piped to an attempt, on its way from the session to the monitor. Holds one frame at a time: what the task
 * does not take waits with the controller.
 *
 *   frames ──► feed ──► AttachClient ──► monitor ──► task
 *   offsets ◄─ takens ◄─────┘
 */
import { RefusedOrderError } from '#agent/workload.ts';
import { type Clock, delay } from '#base/clock.ts';
import type { InputFrame } from '#protocol/gen/drover/v1/link_pb.ts';
import type { TerminalSize } from '#protocol/gen/drover/v1/task_pb.ts';
import { limits } from '#protocol/limits.ts';
import type { AttachClient } from './attach-client.ts';
import { isActive } from './attempts.ts';
import type { LineWatch } from './line-watch.ts';
import type { LiveAttempt } from './live-attempt.ts';
import type { SupervisorClient } from './supervisor-client.ts';
import { SupervisorGoneError } from './supervisor-errors.ts';

/** What giving input needs. */
export interface GiveInputParts {
  readonly supervisor: Pick<SupervisorClient, 'attach'>;
  readonly lines: LineWatch;
  readonly clock: Clock;
}

/** How long the news of an attempt's end may come after its monitor has gone. */
const endPatienceMs = 2_000;

/** The most that a terminal's size may be. */
const sizeMax = 0xffff;

/**
 * Gives `frames` to the attempt as soon as it runs. Yields up to where its input was taken: as it is first, then as it grows.
 * Ends when the attempt takes no more, when the frames have ended, after a detach, and soon after `abort` aborted. An attempt
 * has one giver at a time, the latest.
 *
 * @throws RefusedOrderError when nobody has the attempt's input any more, somebody else gives it, or a frame makes no sense.
 */
export async function* giveInput(
  live: LiveAttempt,
  frames: AsyncIterable<InputFrame>,
  parts: GiveInputParts,
  abort: AbortSignal,
): AsyncGenerator<bigint, void, undefined> {
  await untilSettled(live, abort);
  if (abort.aborted || live.life.attempt.pid === 0) return;
  using client = await openClient(live, parts);
  if (!client) return;
  using _present = parts.lines.take(live);
  const giver = new AbortController();
  live.giver?.abort();
  live.giver = giver;
  const left = new AbortController();
  let failure: unknown;
  void feed(frames, live, client, parts.lines)
    .catch((error: unknown) => {
      failure = error;
    })
    .finally(() => left.abort());
  let over = false;
  for await (const taken of client.takens(AbortSignal.any([abort, left.signal, giver.signal]))) {
    yield taken.offset;
    over = taken.over;
  }
  if (over || abort.aborted) return;
  if (giver.signal.aborted) throw new RefusedOrderError('somebody else gives it input now');
  if (client.closed) await whenOver(live, parts.clock);
  else if (failure !== undefined) throw failure;
}

async function untilSettled(live: LiveAttempt, abort: AbortSignal): Promise<void> {
  const aborted = Promise.withResolvers<void>();
  const onAbort = () => aborted.resolve();
  abort.addEventListener('abort', onAbort, { once: true });
  if (!abort.aborted) await Promise.race([live.settled, aborted.promise]);
  abort.removeEventListener('abort', onAbort);
}

/** Undefined for an attempt that is over. */
async function openClient(live: LiveAttempt, parts: GiveInputParts): Promise<AttachClient | undefined> {
  try {
    return await parts.supervisor.attach(live.id);
  } catch (error) {
    if (!(error instanceof SupervisorGoneError)) throw error;
    await whenOver(live, parts.clock);
    return undefined;
  }
}

/** Its monitor has gone: resolves when that was its end. @throws RefusedOrderError when it was not. */
async function whenOver(live: LiveAttempt, clock: Clock): Promise<void> {
  await delay(clock, endPatienceMs, live.over).catch(() => {});
  if (!isActive(live)) return;
  const { taskId } = live.start;
  throw new RefusedOrderError(`task ${taskId} has lost its input: the process that held it was killed`);
}

async function feed(
  frames: AsyncIterable<InputFrame>,
  live: LiveAttempt,
  client: AttachClient,
  lines: LineWatch,
): Promise<void> {
  for await (const { kind } of frames) {
    switch (kind.case) {
      case 'data':
        if (kind.value.data.length > limits.inputChunkBytesMax) throw nonsense('too much input at once');
        await client.send('attachData', kind.value);
        break;
      case 'endAt':
        await client.send('attachEnd', { offset: kind.value });
        break;
      case 'resize':
        await client.send('attachResize', checkedSize(kind.value));
        break;
      case 'detach':
        return await lines.leaveOpen(live);
      default:
        throw nonsense('input of no known kind');
    }
  }
}

function checkedSize({ rows, columns }: TerminalSize): TerminalSize {
  if ([rows, columns].some((n) => n < 1 || n > sizeMax)) throw nonsense(`a size of ${rows} x ${columns}`);
  return { rows, columns } as TerminalSize;
}

function nonsense(what: string): RefusedOrderError {
  return new RefusedOrderError(`the controller sent nonsense: ${what}`);
}
