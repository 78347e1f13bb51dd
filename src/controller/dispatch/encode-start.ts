/**
 * The frames of a fan-out. A run's tasks differ in their id only, and encoding a specification costs from 3 µs to
 * some 90 µs (a thousand arguments), so what they share is encoded once a run and spliced: concatenated encodings are merged
 * by every protobuf decoder.
 *
 * @see https://protobuf.dev/programming-guides/encoding/#last-one-wins
 */
import { create, toBinary } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { encodeFrameHead } from '#base/grpc-frames.ts';
import { ControllerFrameSchema, StartSchema } from '#protocol/gen/drover/v1/link_pb.ts';
import type { Task, TaskSpec } from '#protocol/gen/drover/v1/task_pb.ts';

const startTag = (ControllerFrameSchema.field.start.number << 3) | WireType.LengthDelimited;

/** Encodes the starts of the tasks of one run: one gRPC frame for a task, an attempt's number and its own number in the session. */
export function startEncoder(
  runId: string,
  spec: TaskSpec | undefined,
  operator: string,
): (task: Task, attempt: number, frameNumber: bigint) => Buffer {
  const shared = toBinary(StartSchema, create(StartSchema, { runId, operator, ...(spec ? { spec } : {}) }));
  return (task, attempt, frameNumber) => {
    const own = toBinary(StartSchema, create(StartSchema, { taskId: task.id, attempt }));
    const head = Buffer.from([startTag, ...varint(own.length + shared.length)]);
    const { number } = ControllerFrameSchema.field.number;
    const numbered = new BinaryWriter().tag(number, WireType.Varint).uint64(frameNumber).finish();
    return encodeFrameHead([head, own, shared, numbered], 0);
  };
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return [...bytes, rest];
    bytes.push((rest & 0x7f) | 0x80);
  }
}
