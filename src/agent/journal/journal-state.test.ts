import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import fc from 'fast-check';
import { exited } from '#core/outcome.ts';
import type { JournalRecord } from '#protocol/gen/drover/v1/journal_pb.ts';
import { StartSchema } from '#protocol/gen/drover/v1/link_pb.ts';
import { type Attempt, AttemptSchema, Cause, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { attemptId } from '#protocol/ids.ts';
import { limits } from '#protocol/limits.ts';
import { acceptedRecord, acknowledgedRecord, eventRecord, newEvent } from './journal-records.ts';
import { JournalState } from './journal-state.ts';

const task = 'taskaaaaaa';
const { STARTING, RUNNING, ENDED } = TaskState;
const end = { state: ENDED, outcome: exited(1), cause: Cause.ITSELF };
const restartAt = timestampFromMs(1_000);

/** Writes records as a journal does, each event under the next number. */
class Writer {
  readonly state = new JournalState();
  readonly records: JournalRecord[] = [];
  #sequence = 0n;

  accept(number: number, taskId = task): void {
    this.#apply(acceptedRecord(create(StartSchema, { taskId, attempt: number }), 'boot', number - 1));
    this.event({ number, state: STARTING }, taskId);
  }

  event(attempt: Partial<Attempt>, taskId = task): void {
    const event = newEvent(taskId, create(AttemptSchema, attempt as Attempt));
    this.#apply(eventRecord({ ...event, sequence: ++this.#sequence }));
  }

  acknowledge(sequence = this.#sequence): void {
    this.#apply(acknowledgedRecord(sequence, 5));
  }

  #apply(record: JournalRecord): void {
    this.records.push(record);
    this.state.apply(record);
  }
}

function fold(records: Iterable<JournalRecord>): JournalState {
  const state = new JournalState();
  for (const record of records) state.apply(record);
  return state;
}

function numbers({ state }: Writer): number[] {
  return state.attemptsOf(task).map(({ number }) => number);
}

test('JournalState keeps of each attempt the latest event only', () => {
  const writer = new Writer();
  writer.accept(1);
  writer.event({ number: 1, state: RUNNING });
  writer.accept(1, 'taskbbbbbb');
  for (let i = 0; i < 100; i++) writer.event({ number: 1, state: RUNNING, reason: `${i}` });
  const told = writer.state.unacknowledged.map(({ sequence, attempt }) => [sequence, attempt?.reason]);
  assert.deepEqual(told, [
    [3n, ''],
    [103n, '99'],
  ]);
  writer.event({ ...end, number: 1 });
  writer.acknowledge(103n);
  assert.deepEqual(
    writer.state.unacknowledged.map(({ sequence }) => sequence),
    [104n],
  );
  assert.equal([...writer.state.records()].length, 1 + 2 + 2);
});

test('JournalState keeps an acknowledged end while its task waits, with the order', () => {
  const writer = new Writer();
  writer.accept(1);
  writer.event({ ...end, number: 1, restartAt });
  writer.acknowledge();
  for (const state of [writer.state, fold(writer.state.records())]) {
    assert.equal(state.findLatest(task)?.latest?.attempt?.state, ENDED);
    assert.equal(state.findLatest(task)?.accepted?.start.taskId, task);
    assert.deepEqual([state.unacknowledged, state.remembered.size], [[], 0]);
  }
  writer.accept(2);
  assert.deepEqual(numbers(writer), [2]);
  assert.equal(writer.state.findLatest(task)?.accepted?.failuresBefore, 1);
  assert.ok(writer.state.knows(attemptId(task, 1)) && !writer.state.knows(attemptId(task, 3)));
});

test('JournalState lets a task go whose restart was called off, when that is acknowledged', () => {
  const writer = new Writer();
  writer.accept(1);
  writer.event({ ...end, number: 1, restartAt });
  writer.acknowledge();
  writer.event({ ...end, number: 1, restartCalledOff: Cause.OPERATOR });
  assert.deepEqual(numbers(writer), [1]);
  writer.acknowledge();
  assert.deepEqual([numbers(writer), writer.state.remembered.get(task)], [[], { number: 1, atMs: 5 }]);
  assert.ok(writer.state.knows(attemptId(task, 1)));
});

test('JournalState keeps the first and the latest attempts of a task that goes on failing while nobody listens', () => {
  const writer = new Writer();
  for (let number = 1; number <= 500; number++) {
    writer.accept(number);
    writer.event({ number, state: RUNNING });
    writer.event({ ...end, number, restartAt });
  }
  const kept = limits.taskAttemptsMax - 1;
  const expected = [1, ...Array.from({ length: kept - 1 }, (_, i) => 500 - kept + 1 + i), 500];
  assert.deepEqual(numbers(writer), expected);
  assert.deepEqual(
    writer.state.unacknowledged.map(({ attempt }) => attempt?.number),
    expected,
  );
  writer.acknowledge();
  assert.deepEqual(numbers(writer), [500]);
});

test('JournalState of a node full of ends that nobody has heard of keeps none that was followed by another', () => {
  const writer = new Writer();
  for (let i = 0; i < limits.agentUnacknowledgedMax; i++) {
    const taskId = `t${String(i).padStart(9, '0')}`;
    writer.accept(1, taskId);
    writer.event({ ...end, number: 1 }, taskId);
  }
  for (let number = 1; number <= 5; number++) {
    writer.accept(number);
    writer.event({ ...end, number, restartAt });
  }
  assert.deepEqual(numbers(writer), [5]);
  assert.equal(writer.state.attempts.size, limits.agentUnacknowledgedMax + 1);
});

test('JournalState.records() add up to the same, whatever was restarted and acknowledged', () => {
  const step = fc.constantFrom('run', 'end', 'wait', 'restart', 'acknowledge', 'acknowledge most');
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const writer = new Writer();
      let number = 1;
      writer.accept(number);
      for (const each of steps) {
        if (each === 'run') writer.event({ number, state: RUNNING });
        if (each === 'end') writer.event({ ...end, number });
        if (each === 'wait') writer.event({ ...end, number, restartAt });
        if (each === 'restart') writer.accept(++number);
        if (each === 'acknowledge') writer.acknowledge();
        if (each === 'acknowledge most') writer.acknowledge(writer.state.lastEvent - 1n);
      }
      const again = fold(writer.state.records());
      const { unacknowledged, remembered, attempts, acknowledgedEvent } = writer.state;
      assert.deepEqual(again.unacknowledged, unacknowledged);
      assert.deepEqual([...again.remembered], [...remembered]);
      assert.deepEqual(again.attempts, attempts);
      assert.equal(again.acknowledgedEvent, acknowledgedEvent);
      assert.deepEqual(fold(writer.records).attempts, attempts);
    }),
  );
});
