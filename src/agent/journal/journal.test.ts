import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import fc from 'fast-check';
import { pino } from 'pino';
import { FakeClock } from '#base/clock.ts';
import { exited } from '#core/outcome.ts';
import { type Event, StartSchema } from '#protocol/gen/drover/v1/link_pb.ts';
import { type Attempt, AttemptSchema, Cause, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { attemptId } from '#protocol/ids.ts';
import { limits } from '#protocol/limits.ts';
import { Journal, JournalFailingError } from './journal.ts';
import { JournalFile, type JournalStorage } from './journal-file.ts';
import { stopRecord, terminalRecord } from './journal-records.ts';
import { JournalVersionError } from './open-journal.ts';

const log = pino({ level: 'silent' });
const task = 'taskaaaaaa';
const stop = { cause: Cause.TIMEOUT, killAtMs: 5, stoppedBy: Cause.SHUTDOWN };

async function temporary(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'drover-journal-'));
  t.after(() => rm(directory, { recursive: true }));
  return directory;
}

function starting(number = 1): Attempt {
  return create(AttemptSchema, { number, state: TaskState.STARTING });
}

function ended(number = 1): Attempt {
  return create(AttemptSchema, { number, state: TaskState.ENDED, outcome: exited(7), cause: Cause.ITSELF });
}

/** One that is to be followed by another. */
function waiting(number = 1): Attempt {
  return { ...ended(number), restartAt: timestampFromMs(1_700_000_001_000) };
}

function start(taskId = task, attempt = 1) {
  return create(StartSchema, { taskId, attempt, spec: { argv: ['true'] } });
}

/** A disk that can be told to fail, and counts. */
class FragileStorage implements JournalStorage {
  readonly #file: JournalFile;
  failing = '';
  appends = 0;
  /** Runs when the bytes are on disk, before that is told. */
  onAppend = async () => {};

  constructor(path: string) {
    this.#file = new JournalFile(path);
  }

  get size(): number {
    return this.#file.size;
  }

  async append(bytes: Buffer): Promise<void> {
    this.appends++;
    if (this.failing !== '') throw new Error(this.failing);
    await this.#file.append(bytes);
    await this.onAppend();
  }

  async replace(bytes: Buffer): Promise<void> {
    if (this.failing !== '') throw new Error(this.failing);
    await this.#file.replace(bytes);
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

test('Journal.open() finds again what was written, under the same id', async (t) => {
  const path = join(await temporary(t), 'journal');
  const clock = new FakeClock();
  const first = await Journal.open({ path, clock, log });
  await first.accept(start(), 'boot', starting());
  await first.note(stopRecord(task, 1, stop));
  await first.note(terminalRecord(task, 1, true));
  const id = first.state.journalId;
  await first[Symbol.asyncDispose]();

  await using second = await Journal.open({ path, clock, log });
  assert.equal(second.state.journalId, id);
  const attempt = second.state.attempts.get(attemptId(task, 1));
  assert.equal(attempt?.accepted?.bootId, 'boot');
  assert.equal(attempt?.accepted?.start.spec?.argv[0], 'true');
  assert.deepEqual(attempt?.stop, stop);
  assert.equal(attempt?.terminalStays, true);
  assert.deepEqual(
    second.state.unacknowledged.map((event) => event.sequence),
    [1n],
  );
});

test('Journal uses no sequence number twice, whatever the file lost', async (t) => {
  const path = join(await temporary(t), 'journal');
  const clock = new FakeClock();
  const numbers: bigint[] = [];
  for (let i = 0; i < 3; i++) {
    await using journal = await Journal.open({ path, clock, log });
    using _ = journal.listen(journal.state.lastEvent, (event) => numbers.push(event.sequence));
    await journal.accept(start(task, i + 1), 'boot', starting(i + 1));
    await journal.report(task, ended(i + 1));
    const bytes = await readFile(path);
    await journal[Symbol.asyncDispose]();
    await writeFile(path, bytes.subarray(0, bytes.length - 5));
  }
  assert.equal(new Set(numbers).size, 6);
  assert.deepEqual(
    numbers,
    numbers.toSorted((a, b) => Number(a - b)),
  );
});

test('Journal.listen() tells events in order, again until they are acknowledged, then never', async (t) => {
  await using journal = await Journal.open({
    path: join(await temporary(t), 'journal'),
    clock: new FakeClock(),
    log,
  });
  await journal.accept(start(), 'boot', starting());
  const heard: Event[] = [];
  const listening = journal.listen(0n, (event) => heard.push(event));
  await journal.report(task, ended());
  listening[Symbol.dispose]();
  assert.deepEqual(
    heard.map((event) => [event.sequence, event.attempt?.state]),
    [
      [1n, TaskState.STARTING],
      [2n, TaskState.ENDED],
    ],
  );
  journal.acknowledge(1n);
  const again: bigint[] = [];
  journal.listen(0n, (event) => again.push(event.sequence))[Symbol.dispose]();
  assert.deepEqual(again, [2n]);
  journal.acknowledge(2n);
  journal.listen(0n, () => assert.fail('acknowledged'))[Symbol.dispose]();
});

test('Journal.acknowledge() of events that were never written here tells what is left under later numbers', async (t) => {
  const path = join(await temporary(t), 'journal');
  await using journal = await Journal.open({ path, clock: new FakeClock(), log });
  await journal.accept(start(), 'boot', starting());
  journal.acknowledge(5_000n);
  await journal.report('taskbbbbbb', ended());
  const told: [bigint, number | undefined][] = [];
  using _listening = journal.listen(5_000n, ({ sequence, attempt }) => told.push([sequence, attempt?.state]));
  assert.deepEqual(told, [
    [5_001n, TaskState.STARTING],
    [5_002n, TaskState.ENDED],
  ]);
});

test('Journal.listen() to the controller that was away for long tells the latest of each attempt, and keeps no more', async (t) => {
  const path = join(await temporary(t), 'journal');
  await using journal = await Journal.open({ path, clock: new FakeClock(), log });
  for (let number = 1; number <= 3; number++) {
    await journal.accept(start(task, number), 'boot', starting(number), number - 1);
    await journal.report(task, waiting(number));
  }
  const told: (readonly [bigint, number?, TaskState?])[] = [];
  using _ = journal.listen(0n, ({ sequence, attempt }) =>
    told.push([sequence, attempt?.number, attempt?.state]),
  );
  assert.deepEqual(told, [
    [2n, 1, TaskState.ENDED],
    [4n, 2, TaskState.ENDED],
    [6n, 3, TaskState.ENDED],
  ]);
  journal.acknowledge(6n);
  assert.deepEqual([...journal.state.attempts.keys()], [attemptId(task, 3)]);
});

test('Journal tells and acknowledges nothing before it is on disk', async (t) => {
  const path = join(await temporary(t), 'journal');
  const storage = new FragileStorage(path);
  await using journal = await Journal.open({ path, clock: new FakeClock(), log, storage });
  const happened: string[] = [];
  using _ = journal.listen(0n, () => happened.push('told'));
  storage.onAppend = async () => {
    await new Promise((resolve) => setImmediate(resolve));
    happened.push('synced');
  };
  await journal.accept(start(), 'boot', starting());
  happened.push('accepted');
  assert.deepEqual(happened, ['synced', 'told', 'accepted']);
});

test('Journal writes itself anew when it has grown, and is as short then as what it knows', async (t) => {
  const path = join(await temporary(t), 'journal');
  await using journal = await Journal.open({ path, clock: new FakeClock(), log });
  await journal.accept(start(), 'boot', starting());
  const attempt = { ...starting(), state: TaskState.RUNNING, reason: 'x'.repeat(50_000) };
  const count = Math.ceil(limits.journalCompactBytes / 50_000) + 50;
  for (let i = 0; i < count; i += 50) {
    await Promise.all(Array.from({ length: 50 }, () => journal.report(task, attempt)));
  }
  assert.ok((await stat(path)).size < limits.journalCompactBytes / 2);
  await journal[Symbol.asyncDispose]();
  await using again = await Journal.open({ path, clock: new FakeClock(), log });
  assert.equal(again.state.unacknowledged.length, 1);
  assert.equal(again.state.findLatest(task)?.latest?.attempt?.reason.length, 50_000);
});

test('Journal remembers an acknowledged end for an hour, over restarts', async (t) => {
  const path = join(await temporary(t), 'journal');
  const clock = new FakeClock();
  const first = await Journal.open({ path, clock, log });
  await first.accept(start(), 'boot', starting());
  await first.report(task, ended());
  first.acknowledge(2n);
  await first[Symbol.asyncDispose]();
  await clock.advance(limits.agentRememberedMs);
  const second = await Journal.open({ path, clock, log });
  assert.ok(second.state.knows(attemptId(task, 1)) && !second.state.knows(attemptId(task, 2)));
  assert.equal(second.state.attempts.size, 0);
  await second[Symbol.asyncDispose]();
  await clock.advance(1);
  await using third = await Journal.open({ path, clock, log });
  assert.equal(third.state.remembered.size, 0);
});

test('Journal writes many records with few syncs', async (t) => {
  const path = join(await temporary(t), 'journal');
  const storage = new FragileStorage(path);
  await using journal = await Journal.open({ path, clock: new FakeClock(), log, storage });
  await Promise.all(
    Array.from({ length: 500 }, (_, i) => journal.accept(start(task, i + 1), 'boot', starting(i + 1))),
  );
  assert.ok(storage.appends <= 2, `${storage.appends} appends`);
});

test('Journal on a failing disk refuses new attempts and keeps ends until it can write them', async (t) => {
  const path = join(await temporary(t), 'journal');
  const storage = new FragileStorage(path);
  const clock = new FakeClock();
  await using journal = await Journal.open({ path, clock, log, storage });
  await journal.accept(start(), 'boot', starting());
  const heard: (readonly [string, TaskState | undefined])[] = [];
  using _ = journal.listen(1n, (event) => heard.push([event.taskId, event.attempt?.state]));
  storage.failing = 'no space left on device';
  const end = journal.report(task, ended());
  const refused = journal.accept(start('taskbbbbbb'), 'boot', starting());
  await assert.rejects(refused, JournalFailingError);
  await assert.rejects(journal.accept(start('taskcccccc'), 'boot', starting()), /no space left/);
  await journal.tell('taskbbbbbb', ended());
  assert.deepEqual(heard, [['taskbbbbbb', TaskState.ENDED]]);
  storage.failing = '';
  await clock.advance(1_000);
  await end;
  assert.deepEqual(heard.at(-1), [task, TaskState.ENDED]);
  assert.equal(journal.failing, undefined);
  const sequences = journal.state.unacknowledged.map((event) => event.sequence);
  assert.deepEqual(
    sequences,
    sequences.toSorted((a, b) => Number(a - b)),
  );
  await journal.accept(start('taskcccccc'), 'boot', starting());
  assert.ok(!journal.state.attempts.get(attemptId('taskbbbbbb', 1))?.accepted);
});

test('Journal.open() on a disk that cannot be written starts all the same', async (t) => {
  const path = join(await temporary(t), 'journal');
  const storage = new FragileStorage(path);
  storage.failing = 'input/output error';
  await using journal = await Journal.open({ path, clock: new FakeClock(), log, storage });
  assert.equal(journal.failing, 'input/output error');
});

test('Journal.open() puts a damaged file aside and uses what is whole in it', async (t) => {
  const directory = await temporary(t);
  const path = join(directory, 'journal');
  const clock = new FakeClock();
  const first = await Journal.open({ path, clock, log });
  const id = first.state.journalId;
  await first.accept(start(), 'boot', starting());
  await first.accept(start('taskbbbbbb'), 'boot', starting());
  await first[Symbol.asyncDispose]();
  const bytes = await readFile(path);
  bytes.writeUInt8(bytes.readUInt8(bytes.indexOf(task)) ^ 1, bytes.indexOf(task));
  await writeFile(path, bytes);

  await using second = await Journal.open({ path, clock, log });
  assert.notEqual(second.state.journalId, id);
  assert.ok(second.state.attempts.get(attemptId('taskbbbbbb', 1))?.accepted);
  const names = await readdir(directory);
  const aside = names.find((name) => name.startsWith('journal.corrupt-')) ?? '';
  assert.deepEqual(await readFile(join(directory, aside)), bytes);
});

test('Journal.open() refuses a journal of a newer version', async (t) => {
  const path = join(await temporary(t), 'journal');
  const clock = new FakeClock();
  const { create: make } = await import('@bufbuild/protobuf');
  const { JournalRecordSchema } = await import('#protocol/gen/drover/v1/journal_pb.ts');
  const { encodeRecords } = await import('./journal-frames.ts');
  const value = { version: 2, journalId: 'x' };
  await writeFile(path, encodeRecords([make(JournalRecordSchema, { kind: { case: 'header', value } })]));
  await assert.rejects(Journal.open({ path, clock, log }), JournalVersionError);
});

test('Journal cut at any byte is a prefix of what was written', async (t) => {
  const directory = await temporary(t);
  const path = join(directory, 'journal');
  const clock = new FakeClock();
  const journal = await Journal.open({ path, clock, log });
  for (let i = 1; i <= 3; i++) {
    await journal.accept(start(task, i), 'boot', starting(i));
    await journal.report(task, ended(i));
  }
  await journal[Symbol.asyncDispose]();
  const bytes = await readFile(path);
  for (let cut = 0; cut <= bytes.length; cut++) {
    await writeFile(path, bytes.subarray(0, cut));
    await using reopened = await Journal.open({ path, clock, log });
    const seen = reopened.state.unacknowledged.map((event) => event.sequence);
    const events = Number(seen.at(-1) ?? 0n);
    const latest = Array.from({ length: Math.ceil(events / 2) }, (_, i) =>
      BigInt(Math.min(2 * i + 2, events)),
    );
    assert.deepEqual(seen, latest, `cut at ${cut}`);
    await reopened.accept(start('taskzzzzzz'), 'boot', starting());
  }
});

test('JournalState.records() add up to the same state', async (t) => {
  const directory = await temporary(t);
  const action = fc.record({
    task: fc.constantFrom('taskaaaaaa', 'taskbbbbbb', 'taskcccccc'),
    attempt: fc.integer({ min: 1, max: 2 }),
    kind: fc.constantFrom('accept', 'end', 'stop', 'acknowledge'),
  });
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 20 }), async (actions) => {
      const path = join(directory, `journal-${runs++}`);
      const clock = new FakeClock();
      const journal = await Journal.open({ path, clock, log });
      for (const { task: taskId, attempt, kind } of actions) {
        if (kind === 'accept') await journal.accept(start(taskId, attempt), 'boot', starting(attempt));
        if (kind === 'end') await journal.report(taskId, ended(attempt));
        if (kind === 'stop') await journal.note(stopRecord(taskId, attempt, stop));
        if (kind === 'acknowledge') journal.acknowledge(journal.state.lastEvent);
      }
      await journal[Symbol.asyncDispose]();
      await using again = await Journal.open({ path, clock, log });
      assert.deepEqual(new Set(again.state.attempts.keys()), new Set(journal.state.attempts.keys()));
      assert.deepEqual(new Set(again.state.remembered.keys()), new Set(journal.state.remembered.keys()));
      assert.deepEqual(again.state.unacknowledged, journal.state.unacknowledged);
      for (const [key, { latest, stop }] of journal.state.attempts) {
        assert.deepEqual(again.state.attempts.get(key)?.latest, latest);
        assert.deepEqual(again.state.attempts.get(key)?.stop, stop);
      }
    }),
    { numRuns: 50 },
  );
});
