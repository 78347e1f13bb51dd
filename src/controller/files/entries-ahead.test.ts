import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { CopyProgressSchema } from '#protocol/gen/drover/v1/file_pb.ts';
import { limits } from '#protocol/limits.ts';
import { EntriesAhead } from './entries-ahead.ts';

const never = new AbortController().signal;
const progress = (entries: number, problems = 0) =>
  create(CopyProgressSchema, { entries: BigInt(entries), problems: BigInt(problems) });

/** Whether there is room now. */
async function hasRoom(ahead: EntriesAhead): Promise<boolean> {
  let room = false;
  const abort = new AbortController();
  const waiting = ahead.room(abort.signal).then(
    () => {
      room = true;
    },
    () => {},
  );
  await new Promise((resolve) => setImmediate(resolve));
  const found = room;
  abort.abort();
  await waiting;
  return found;
}

test('EntriesAhead has room while a receiver that tells its progress is not too far behind', async () => {
  const ahead = new EntriesAhead();
  ahead.sent(3 * limits.fileEntriesAheadMax);
  assert.equal(await hasRoom(ahead), true, 'of one that tells nothing nothing is known');
  ahead.hear(progress(0));
  assert.equal(await hasRoom(ahead), false);
  ahead.hear(progress(2 * limits.fileEntriesAheadMax - 1));
  assert.equal(await hasRoom(ahead), false);
  ahead.hear(progress(2 * limits.fileEntriesAheadMax - 1, 1));
  assert.equal(await hasRoom(ahead), true);
});

test('EntriesAhead lets whoever waits go on, and gives up with its signal', async () => {
  const ahead = new EntriesAhead();
  ahead.sent(limits.fileEntriesAheadMax + 1);
  ahead.hear(progress(0));
  const going = ahead.room(never);
  ahead.hear(progress(1));
  await going;
  ahead.sent(1);
  const abort = new AbortController();
  const given = assert.rejects(ahead.room(abort.signal), { message: 'over' });
  abort.abort(new Error('over'));
  await given;
});
