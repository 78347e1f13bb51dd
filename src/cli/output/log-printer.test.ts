import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { captureOutput } from '#cli/testing/captured-output.ts';
import { LogChunkSchema, LogSource } from '#protocol/gen/drover/v1/task_pb.ts';
import { LogPrinter, type LogPrinterOptions } from './log-printer.ts';

type ChunkInit = Omit<MessageInitShape<typeof LogChunkSchema>, '$typeName' | 'data'>;

function chunk(text: string, init: ChunkInit = {}) {
  const data = new TextEncoder().encode(text);
  const defaults = { taskId: 'k3', node: 'n1', attempt: 1, source: LogSource.STDOUT };
  return create(LogChunkSchema, { ...defaults, ...init, data });
}

function make(options: Partial<LogPrinterOptions> = {}) {
  const printed = captureOutput();
  const printer = new LogPrinter(printed.output, {
    prefix: ({ node }) => `${node}: `,
    raw: false,
    ...options,
  });
  return { printed, printer };
}

test('LogPrinter keeps the lines of tasks and outputs apart, each to where it was printed', async () => {
  const { printed, printer } = make();
  await printer.print(chunk('one '));
  await printer.print(chunk('other\n', { taskId: 'k4', node: 'n2' }));
  await printer.print(chunk('bad\n', { source: LogSource.STDERR }));
  await printer.print(chunk('two\nthr'));
  printer.flush('k4');
  assert.equal(printed.stdout(), 'n2: other\nn1: one two\n');
  printer.flush();
  assert.equal(printed.stdout(), 'n2: other\nn1: one two\nn1: thr\n');
  assert.equal(printed.stderr(), 'n1: bad\n');
});

test('LogPrinter begins lines with the time by which they were written', async () => {
  const { printed, printer } = make({ times: true });
  await printer.print(chunk('on', { writtenAt: timestampFromMs(1_700_000_000_001) }));
  await printer.print(chunk('e\ntwo\nthree', { writtenAt: timestampFromMs(1_700_000_000_002) }));
  await printer.print(chunk('\n'));
  const lines = printed.stdout().trimEnd().split('\n');
  assert.match(lines[0] ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:20\.002[+-]\d\d:\d\d n1: one$/);
  assert.match(lines[1] ?? '', /20\.002\S+ n1: two$/);
  assert.equal(lines[2], '- n1: three');
});

test('LogPrinter prints only what matches, without looking at the prefix', async () => {
  const { printed, printer } = make({ grep: /n1|two/u });
  await printer.print(chunk('one\ntwo\nthree n1\n'));
  assert.equal(printed.stdout(), 'n1: two\nn1: three n1\n');
});

test('LogPrinter says where bytes are gone, and joins no line over them', async () => {
  const { printed, printer } = make();
  await printer.print(chunk('begun'));
  await printer.print(chunk('ended\n', { goneBytes: 12_582_912n }));
  await printer.print(chunk('x\n', { goneBytes: 1n, source: LogSource.STDERR }));
  assert.equal(printed.stdout(), 'n1: begun\nn1: ended\n');
  assert.equal(
    printed.stderr(),
    [
      'drover: 12582912 bytes (12 MiB) of standard output of task k3 on n1 are gone here',
      'drover: 1 byte of standard error of task k3 on n1 is gone here',
      'n1: x',
      '',
    ].join('\n'),
  );
});

test('LogPrinter says where another attempt begins, and what comes too late for its place', async () => {
  const { printed, printer } = make();
  await printer.print(chunk('crash'));
  await printer.print(chunk('again\n', { attempt: 2, late: true }));
  await printer.print(chunk('and on\n', { attempt: 2, late: true }));
  assert.equal(printed.stdout(), 'n1: crash\nn1: again\nn1: and on\n');
  assert.equal(
    printed.stderr(),
    [
      'drover: attempt 2 of task k3 on n1 begins here',
      'drover: n1 did not answer in time: the output of task k3 comes out of order',
      '',
    ].join('\n'),
  );
});

test('LogPrinter prints raw bytes as they are', async () => {
  const { printed, printer } = make({ raw: true });
  await printer.print(chunk('\u001b[1mbold'));
  await printer.print(chunk('err', { source: LogSource.STDERR, goneBytes: 2000n }));
  printer.flush();
  assert.equal(printed.stdout(), '\u001b[1mbold');
  assert.match(printed.stderr(), /^drover: 2000 bytes \(2\.0 KiB\) of standard error .* are gone here\nerr$/);
});
