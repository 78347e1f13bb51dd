import assert from 'node:assert/strict';
import { linkSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { type ReceiverFrame, ReceiverFrameSchema } from '#protocol/gen/drover/v1/file_pb.ts';
import { limits } from '#protocol/limits.ts';
import { temporaryDirectory } from '#test/fixture/temporary-directory.ts';
import { DirectoryHandle } from './directory-handle.ts';
import { FrameQueue } from './frame-queue.ts';
import { sendTree } from './send-tree.ts';

function said(kind: MessageInitShape<typeof ReceiverFrameSchema>['kind']): ReceiverFrame {
  return create(ReceiverFrameSchema, kind ? { kind } : {});
}

test('sendTree() waits for a receiver that says how far it is and has very many entries to do', async (t) => {
  const from = temporaryDirectory(t);
  const many = limits.fileEntriesAheadMax + 64;
  for (let at = 0; at < many; at += 1) {
    const directory = join(from, `d${Math.floor(at / 10_000)}`);
    // A second name costs a fraction of a file.
    if (at % 10_000 > 0) linkSync(join(directory, '0'), join(directory, `${at}`));
    else {
      mkdirSync(directory);
      writeFileSync(join(directory, '0'), '');
    }
  }
  using directory = await DirectoryHandle.open(from);
  const receiver = new FrameQueue<ReceiverFrame>(8);
  receiver.put(said({ case: 'progress', value: {} }));
  const tops = [0, 1, 2, 3, 4, 5, 6].map((at) => ({ directory, name: `d${at}` }));
  const frames = sendTree({ tops, recursive: true }, receiver.taken(), new AbortController().signal);
  let entries = 0;
  while (entries <= limits.fileEntriesAheadMax) {
    const { value } = await frames.next();
    if (value?.kind.case === 'entry') entries += 1;
  }
  let isSent = false;
  const next = frames.next().then((step) => {
    isSent = true;
    return step;
  });
  for (let turn = 0; turn < 200; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(isSent, false);
  receiver.put(said({ case: 'progress', value: { entries: 1_000n } }));
  for (let step = await next; !step.done; step = await frames.next()) {
    if (step.value.kind.case === 'entry') entries += 1;
    if (step.value.kind.case === 'end') receiver.put(said({ case: 'done', value: {} }));
  }
  assert.equal(entries, many + tops.length);
});
