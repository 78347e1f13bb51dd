import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  type AttemptSchema,
  TaskSampleSchema,
  TaskSchema,
  TaskState,
} from '#protocol/gen/drover/v1/task_pb.ts';
import { totalUsage } from './task-usage.ts';

const { RUNNING, ENDED } = TaskState;
type Init = MessageInitShape<typeof AttemptSchema>;

const at = (seconds: number) => ({ seconds: BigInt(seconds), nanos: 0 });
const first = {
  number: 1,
  state: ENDED,
  startedAt: at(100),
  endedAt: at(103),
  usage: {
    userUs: 5n,
    systemUs: 2n,
    maxRssBytes: 10n,
    majorFaults: 1n,
    blockInputs: 3n,
    voluntarySwitches: 4n,
  },
  stdoutBytes: 7n,
  stderrBytes: 1n,
} satisfies Init;
const second = {
  ...first,
  number: 2,
  endedAt: at(101),
  groupUsage: { cpuUs: 20n, memoryPeakBytes: 50n, oomKills: 1 },
} satisfies Init;
const third = { number: 3, state: RUNNING, startedAt: at(200) } satisfies Init;
const sample = create(TaskSampleSchema, {
  userUs: 100n,
  systemUs: 1n,
  rssBytes: 30n,
  outputBytes: 2n,
  sampledAt: at(210),
});

const total = (attempts: Init[], told?: typeof sample) => totalUsage(create(TaskSchema, { attempts }), told);

test('totalUsage() adds attempts up, and takes the most of memory', () => {
  assert.deepEqual(total([first, second]), {
    cpuUs: 27n,
    userUs: 10n,
    systemUs: 4n,
    memoryBytes: 50n,
    maxRssBytes: 10n,
    minorFaults: 0n,
    majorFaults: 2n,
    blockInputs: 6n,
    blockOutputs: 0n,
    voluntarySwitches: 8n,
    involuntarySwitches: 0n,
    outputBytes: 16n,
    oomKills: 1,
    ranMs: 4_000,
  });
});

test('totalUsage() adds what runs now, by the clock of the node', () => {
  const sum = total([first, second, third], sample);
  assert.deepEqual(
    [sum?.maxRssBytes, sum?.cpuUs, sum?.userUs, sum?.memoryBytes, sum?.outputBytes, sum?.ranMs],
    [undefined, 128n, 110n, 30n, 18n, 14_000],
  );
});

test('totalUsage() counts an attempt once whose leader has ended and of which others run', () => {
  const stopping = { ...second, number: 1, state: TaskState.STOPPING };
  assert.equal(total([stopping], sample)?.cpuUs, 101n);
  assert.equal(total([stopping])?.cpuUs, 20n);
});

test('totalUsage() takes the memory of the cgroup where it counts', () => {
  assert.equal(
    total([third], create(TaskSampleSchema, { ...sample, groupMemoryBytes: 40n }))?.memoryBytes,
    40n,
  );
});

test('totalUsage() does not take for nothing what is not known', () => {
  const { usage: _, ...unseen } = first;
  const alone = total([unseen]);
  assert.deepEqual(
    [alone?.cpuUs, alone?.memoryBytes, alone?.blockInputs, alone?.outputBytes, alone?.ranMs],
    [undefined, undefined, undefined, 8n, 3_000],
  );
  assert.deepEqual([total([unseen, first])?.cpuUs, total([first, unseen])?.outputBytes], [undefined, 16n]);
  const counted = total([{ ...unseen, groupUsage: { cpuUs: 20n } }]);
  assert.deepEqual([counted?.cpuUs, counted?.userUs, counted?.memoryBytes], [20n, undefined, undefined]);
});

test('totalUsage() knows nothing of what has told nothing', () => {
  assert.equal(total([]), undefined);
  assert.equal(total([third]), undefined);
  assert.equal(total([{ number: 1, state: ENDED }]), undefined);
  assert.equal(total([first, third])?.cpuUs, 7n);
});
