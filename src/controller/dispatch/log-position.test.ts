import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { LogChunkSchema, LogSource } from '#protocol/gen/drover/v1/task_pb.ts';
import { LogPosition } from './log-position.ts';

const { STDOUT, STDERR, UNSPECIFIED } = LogSource;
const request = {
  attempt: 0,
  source: UNSPECIFIED,
  stdoutOffset: 0n,
  stderrOffset: 0n,
  tailLines: 0,
  follow: true,
};

function chunk(source: LogSource, offset: bigint, length: number, goneBytes = 0n) {
  return create(LogChunkSchema, { attempt: 1, source, offset, goneBytes, data: new Uint8Array(length) });
}

test('LogPosition goes past each chunk that joins on, whatever their sources', () => {
  const pieces = fc.array(fc.tuple(fc.constantFrom(STDOUT, STDERR), fc.nat(99), fc.nat(9)));
  fc.assert(
    fc.property(pieces, (steps) => {
      const position = new LogPosition(request);
      const at = { [STDOUT]: 0n, [STDERR]: 0n };
      for (const [source, length, gone] of steps) {
        const offset = at[source] + BigInt(gone);
        assert.equal(position.advance(chunk(source, offset, length, BigInt(gone))), undefined);
        at[source] = offset + BigInt(length);
        assert.notEqual(position.advance(chunk(source, at[source] + 1n, 1)), undefined);
        if (at[source] > 0n) assert.notEqual(position.advance(chunk(source, at[source] - 1n, 1)), undefined);
      }
      const { stdoutOffset, stderrOffset, attempt } = position.next();
      assert.deepEqual([stdoutOffset, stderrOffset], [at[STDOUT], at[STDERR]]);
      assert.equal(attempt, steps.length > 0 ? 1 : 0);
    }),
  );
});

test('LogPosition takes a tail from where it begins, and goes on by offset', () => {
  const position = new LogPosition({ ...request, tailLines: 10 });
  assert.equal(position.next().tailLines, 10);
  assert.equal(position.advance(chunk(STDOUT, 500n, 10)), undefined);
  assert.deepEqual(position.next(), { attempt: 1, stdoutOffset: 510n, stderrOffset: 0n, tailLines: 0 });
  assert.equal(position.advance(chunk(STDOUT, 500n, 10)), 'output from byte 500 where byte 510 was due');
  assert.equal(position.advance(chunk(STDERR, 7n, 1)), undefined);
});
