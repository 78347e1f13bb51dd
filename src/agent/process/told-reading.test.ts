import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { create } from '@bufbuild/protobuf';
import { OpenLogSchema } from '#protocol/gen/drover/v1/link_pb.ts';
import { type LogChunk, LogChunkSchema, LogSource } from '#protocol/gen/drover/v1/task_pb.ts';
import { temporaryDirectory } from '#test/fixture/temporary-directory.ts';
import { AttachClient } from './attach-client.ts';
import type { LiveAttempt } from './live-attempt.ts';
import { SupervisorDecoder } from './supervisor-codec.ts';
import { toldReading } from './told-reading.ts';

const id = '01979c5e-7d0c-7000-8000-00000000000a.1';

/** A monitor that listens, and what it is told: "STREAM:OFFSET". */
async function listenAsMonitor(directory: string) {
  const heard: string[] = [];
  const sockets: Socket[] = [];
  let news = Promise.withResolvers<void>();
  const server = createServer((socket) => {
    sockets.push(socket);
    const decoder = new SupervisorDecoder();
    socket.on('data', (bytes) => {
      for (const { name, body } of decoder.push(bytes)) {
        if (name === 'attachRead') heard.push(`${body.stream}:${body.offset}`);
      }
      news.resolve();
    });
  });
  server.listen(join(directory, 'attempts', id, 'attach'));
  await once(server, 'listening');
  return {
    sockets,
    hasHeard: () => heard.length > 0,
    /** What it was told since the last call, as soon as that is so much. */
    async told(count: number): Promise<string[]> {
      while (heard.length < count) {
        await news.promise;
        news = Promise.withResolvers();
      }
      return heard.splice(0);
    },
    [Symbol.dispose]: () => void server.close(),
  };
}

test('toldReading() tells how far its reader is, also a monitor that comes after him', async (t) => {
  const directory = temporaryDirectory(t);
  mkdirSync(join(directory, 'attempts', id), { recursive: true });
  let offset = 0n;
  const printed = async function* (): AsyncGenerator<LogChunk> {
    for (;;) {
      const data = Buffer.alloc(40_000);
      yield create(LogChunkSchema, { source: LogSource.STDOUT, offset, data });
      offset += BigInt(data.length);
    }
  };
  const reading = toldReading(printed(), create(OpenLogSchema, {}), {
    supervisor: { attach: (attempt) => AttachClient.open(directory, attempt) },
    lines: { listen: () => ({ [Symbol.dispose]: () => {} }) },
    live: {} as LiveAttempt,
    id,
  });
  await reading.next();
  // Nobody was there to be told where he begins.
  using monitor = await listenAsMonitor(directory);
  await reading.next();
  assert.deepEqual(await monitor.told(2), ['1:40000', '2:0']);
  await reading.next();
  assert.deepEqual(await monitor.told(1), ['1:80000']);
  // One that is lost is told again.
  const [socket] = monitor.sockets;
  assert.ok(socket);
  socket.destroy();
  while (!monitor.hasHeard()) {
    await reading.next();
    await setImmediate();
  }
  const [again] = await monitor.told(2);
  assert.match(again ?? '', /^1:\d+$/);
  await reading.return(undefined);
});
