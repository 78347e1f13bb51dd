/**
 * The frames of a fan-out. A run's tasks differ in their id only, and encoding a specification costs from 3 µs to
 * some 90 µs (a thousand arguments), so what they share is encoded once a run and spliced: concatenated encodings are merged
 * by every protobuf decoder.
 *
 * @see https://protobuf.dev/programming-guides/encoding/#last-one-wins
 */
import { create, toBinary } from '@bufbuild/protobuf';
import { WireType } from '@bufbuild/protobuf/wire';
import { encodeFrame } from '#base/grpc-frames.ts';
import { ControllerFrameSchema, StartSchema } from '#protocol/gen/drover/v1/link_pb.ts';
import type { Task, TaskSpec } from '#protocol/gen/drover/v1/task_pb.ts';

const startTag = (ControllerFrameSchema.field.start.number << 3) | WireType.LengthDelimited;

/** Encodes the starts of the tasks of one run. Returns one gRPC frame for each task and attempt number. */
export function startEncoder(
  runId: string,
  spec: TaskSpec | undefined,
  operator: string,
): (task: Task, attempt: number) => Buffer {
  const shared = toBinary(StartSchema, create(StartSchema, { runId, operator, ...(spec ? { spec } : {}) }));
  return (task, attempt) => {
    const own = toBinary(StartSchema, create(StartSchema, { taskId: task.id, attempt }));
    return encodeFrame(
      Buffer.concat([Buffer.from([startTag, ...varint(own.length + shared.length)]), own, shared]),
    );
  };
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return [...bytes, rest];
    bytes.push((rest & 0x7f) | 0x80);
  }
}
