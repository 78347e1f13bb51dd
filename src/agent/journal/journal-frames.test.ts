import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, equals } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { JournalRecordSchema } from '#protocol/gen/drover/v1/journal_pb.ts';
import { StartSchema } from '#protocol/gen/drover/v1/link_pb.ts';
import { AttemptSchema, Cause, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { encodeRecords, scanJournal } from './journal-frames.ts';
import {
  acceptedRecord,
  acknowledgedRecord,
  eventRecord,
  headerRecord,
  newEvent,
  rememberedRecord,
  signalRecord,
  stopRecord,
} from './journal-records.ts';

const start = create(StartSchema, { taskId: 'taskaaaaaa', attempt: 1, spec: { argv: ['true', 'ÿDJþ'] } });
const attempt = create(AttemptSchema, { number: 1, state: TaskState.STARTING });
const stop = { cause: Cause.OPERATOR, killAtMs: 1_700_000_000_000, stoppedBy: undefined };
const records = [
  headerRecord('journal', 3n, 1n),
  acceptedRecord(start, 'boot', 3),
  eventRecord({ ...newEvent('taskaaaaaa', attempt), sequence: 4n }),
  stopRecord('taskaaaaaa', 1, stop),
  signalRecord('taskaaaaaa', 1, 'SIGUSR1'),
  acknowledgedRecord(4n, 1_700_000_000_000),
  rememberedRecord('taskbbbbbb', 2, 1_700_000_000_000),
];
const file = encodeRecords(records);

function isRecord(index: number, found: (typeof records)[number]): boolean {
  const expected = records[index];
  return expected !== undefined && equals(JournalRecordSchema, expected, found);
}

test('scanJournal() gives back what encodeRecords() wrote', () => {
  const { records: found, gaps, tornBytes } = scanJournal(file);
  assert.equal(found.length, records.length);
  assert.ok(found.every((record, i) => isRecord(i, record)));
  assert.deepEqual([gaps.length, tornBytes], [0, 0]);
});

test('scanJournal() of a file cut at any byte gives the whole records and says the rest is torn', () => {
  let whole = 0;
  for (let cut = 0; cut <= file.length; cut++) {
    const { records: found, gaps, tornBytes } = scanJournal(file.subarray(0, cut));
    assert.ok(found.length === whole || found.length === whole + 1, `cut at ${cut}`);
    whole = found.length;
    assert.equal(gaps.length, 0);
    assert.equal(encodeRecords(found).length + tornBytes, cut);
  }
  assert.equal(whole, records.length);
});

test('scanJournal() loses only the records whose bytes are damaged', () => {
  fc.assert(
    fc.property(fc.nat(file.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const damaged = Buffer.from(file);
      damaged.writeUInt8(damaged.readUInt8(at) ^ flip, at);
      const { records: found, gaps, tornBytes } = scanJournal(damaged);
      assert.equal(found.length, records.length - 1);
      assert.equal(gaps.length + (tornBytes > 0 ? 1 : 0), 1);
    }),
  );
});

test('scanJournal() of anything at all throws nothing', () => {
  const fragment = fc.oneof(fc.uint8Array({ maxLength: 50 }), fc.constant(file.subarray(0, 60)));
  fc.assert(fc.property(fc.array(fragment), (parts) => void scanJournal(Buffer.concat(parts))));
});

test('encodeRecords() refuses a record over its limit', () => {
  const huge = create(StartSchema, { taskId: 'taskaaaaaa', spec: { argv: ['x'.repeat(3 << 20)] } });
  assert.throws(() => encodeRecords([acceptedRecord(huge, 'boot', 0)]), RangeError);
});
