/** How many bytes a command and its answers are on the link, as the real code encodes them. */
import { create, toBinary } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { v7 as uuid } from 'uuid';
import { systemClock } from '#base/clock.ts';
import { encodeFrame } from '#base/grpc-frames.ts';
import { createLog } from '#base/log.ts';
import { startEncoder } from '#controller/dispatch/encode-start.ts';
import {
  AgentFrameSchema,
  ControllerFrameSchema,
  type Event,
  StartSchema,
} from '#protocol/gen/drover/v1/link_pb.ts';
import { TaskSchema, TaskSpecSchema, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { SimulatedTasks } from '#test/sim-agent/simulated-tasks.ts';

/** Bytes each way, and in how many writes. */
export interface LinkBytes {
  readonly down: number;
  readonly up: number;
}

/** RFC 9113, 4.1: each frame that carries data begins with so many bytes. */
const http2HeaderBytes = 9;

/** What one launch of the command costs on the wire of one agent: its start, its events, and what acknowledges them. */
export async function bytesOfLaunch(argv: readonly string[], directory: string): Promise<LinkBytes> {
  const spec = create(TaskSpecSchema, { argv: [...argv] });
  const task = create(TaskSchema, { id: 'aaaaaaaaaaaaaaaa', createdAt: timestampFromMs(Date.now()) });
  const runId = uuid();
  const start = startEncoder(runId, spec, 'admin')(task, 1, 1n);
  const events = await eventsOf(create(StartSchema, { taskId: task.id, attempt: 1, spec, runId }), directory);
  const told = events.map((value) =>
    frameBytes(toBinary(AgentFrameSchema, create(AgentFrameSchema, { kind: { case: 'event', value } }))),
  );
  const ack = create(ControllerFrameSchema, {
    kind: { case: 'ack', value: { event: BigInt(events.length) } },
  });
  return {
    down: start.length + http2HeaderBytes + frameBytes(toBinary(ControllerFrameSchema, ack)),
    up: told.reduce((sum, bytes) => sum + bytes, 0),
  };
}

async function eventsOf(order: Parameters<SimulatedTasks['start']>[0], directory: string): Promise<Event[]> {
  const log = createLog('bench', 'silent');
  await using tasks = await SimulatedTasks.open({ directory, clock: systemClock, log, onCut: () => {} });
  const events: Event[] = [];
  const ended = Promise.withResolvers<void>();
  using _listening = tasks.listen(0n, (event) => {
    events.push(event);
    if (event.attempt?.state === TaskState.ENDED) ended.resolve();
  });
  tasks.start(order);
  await ended.promise;
  return events;
}

function frameBytes(message: Uint8Array): number {
  return encodeFrame(message).length + http2HeaderBytes;
}
