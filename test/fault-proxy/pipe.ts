/** One direction of one connection: reads here, writes there, and does in between what the weather says. */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Weather } from './weather.ts';

/** Bytes that are on their way before no more are read. */
const waitingBytesMax = 256 << 10;

/** The most that is written at once over a slow link, milliseconds of it. */
const sliceMs = 10;

/** Bytes, or the end of them, and when it came. */
interface Arrival {
  readonly bytes: Buffer | 'end' | 'reset';
  readonly atMs: number;
}

/** Carries what comes from `from` to `to` until one of them is gone, or `over` aborts. Never rejects. */
export async function carry(from: Socket, to: Socket, weather: Weather, over: AbortSignal): Promise<void> {
  const waiting: Arrival[] = [];
  let waitingBytes = 0;
  let arrived = Promise.withResolvers<void>();
  const arrive = (bytes: Arrival['bytes']) => {
    waiting.push({ bytes, atMs: performance.now() });
    arrived.resolve();
  };
  from.on('data', (bytes: Buffer) => {
    arrive(bytes);
    waitingBytes += bytes.length;
    if (waitingBytes >= waitingBytesMax) from.pause();
  });
  from.once('end', () => arrive('end'));
  from.once('error', () => arrive('reset'));
  try {
    for (;;) {
      const next = waiting.shift();
      if (!next) {
        await orOver(arrived.promise, over);
        arrived = Promise.withResolvers();
        continue;
      }
      if (next.bytes instanceof Buffer) {
        waitingBytes -= next.bytes.length;
        if (waitingBytes < waitingBytesMax) from.resume();
      }
      if (await isLost(weather, over)) {
        if (next.bytes instanceof Buffer) weather.lost += next.bytes.length;
        continue;
      }
      const delayMs = next.atMs + weather.delayMs - performance.now();
      if (delayMs > 0) await sleep(delayMs, undefined, { signal: over });
      if (next.bytes === 'end') to.end();
      else if (next.bytes === 'reset') to.destroy();
      else await write(next.bytes, to, weather, over);
    }
  } catch {
    // It is over.
  }
}

async function isLost(weather: Weather, over: AbortSignal): Promise<boolean> {
  while (weather.flow === 'hold') await orOver(weather.changed, over);
  return weather.flow === 'lose';
}

async function write(bytes: Buffer, to: Socket, weather: Weather, over: AbortSignal): Promise<void> {
  const sliceBytes = Math.min(bytes.length, Math.ceil((weather.bytesPerSecond * sliceMs) / 1_000));
  for (let at = 0; at < bytes.length; at += sliceBytes) {
    const slice = bytes.subarray(at, at + sliceBytes);
    const sentMs = weather.send(slice.length, performance.now()) - performance.now();
    if (sentMs > 0) await sleep(sentMs, undefined, { signal: over });
    weather.passed += slice.length;
    if (!to.write(slice)) await once(to, 'drain', { signal: over });
  }
}

/** @throws the reason of `over` when that aborts first. */
async function orOver(promise: Promise<void>, over: AbortSignal): Promise<void> {
  over.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(over.reason);
  over.addEventListener('abort', abort, { once: true });
  try {
    await Promise.race([promise, aborted.promise]);
  } finally {
    over.removeEventListener('abort', abort);
  }
}
