import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import fc from 'fast-check';
import { type LogChunk, LogChunkSchema, LogSource } from '#protocol/gen/drover/v1/task_pb.ts';
import { LogPosition, type LogStart } from './log-position.ts';

const { STDOUT, STDERR, UNSPECIFIED } = LogSource;
const request = {
  attempt: 0,
  source: UNSPECIFIED,
  stdoutOffset: 0n,
  stderrOffset: 0n,
  tailLines: 0,
  follow: true,
};

function chunk(source: LogSource, offset: bigint, length: number, goneBytes = 0n, skippedBytes = 0n) {
  const data = new Uint8Array(length);
  return create(LogChunkSchema, { attempt: 1, source, offset, goneBytes, skippedBytes, data });
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
  assert.equal(position.advance(chunk(STDOUT, 500n, 10)), 'output from byte 500 where byte 0 was due');
  assert.equal(position.advance(chunk(STDOUT, 500n, 10, 0n, 500n)), undefined);
  const { attempt, stdoutOffset, stderrOffset, tailLines } = position.next();
  assert.deepEqual([attempt, stdoutOffset, stderrOffset, tailLines], [1, 510n, 0n, 0]);
  assert.equal(position.advance(chunk(STDOUT, 500n, 10)), 'output from byte 500 where byte 510 was due');
  assert.equal(position.advance(chunk(STDOUT, 511n, 1, 0n, 1n)), '1 bytes left out at byte 511');
  assert.equal(position.advance(chunk(STDERR, 8n, 1, 1n, 7n)), undefined);
});

test('LogPosition lets nothing be left out where everything was asked for', () => {
  const position = new LogPosition(request);
  assert.equal(position.advance(chunk(STDOUT, 7n, 1, 0n, 7n)), '7 bytes left out at byte 7');
  assert.equal(position.advance(chunk(STDOUT, 7n, 1, 7n)), undefined);
});

/** What a node answers to `from`: the rest of both outputs in chunks, without what lies below the floors. */
function* answer(
  from: LogStart,
  sizes: Record<1 | 2, number>,
  floor: number,
  sinceAt: number,
  length: number,
): Generator<LogChunk> {
  for (const source of [STDOUT, STDERR] as const) {
    const asked = Number(source === STDOUT ? from.stdoutOffset : from.stderrOffset);
    const begin = from.since ? Math.max(asked, sinceAt) : asked;
    let skipped = begin - asked;
    for (let offset = begin; offset < sizes[source]; ) {
      const start = Math.min(sizes[source], Math.max(offset, floor));
      const bytes = Math.min(length, sizes[source] - start);
      yield chunk(source, BigInt(start), bytes, BigInt(start - offset), BigInt(skipped));
      skipped = 0;
      offset = start + bytes;
    }
  }
}

test('LogPosition gets every byte once over any number of cuts, while the floor moves', () => {
  const cuts = fc.array(fc.record({ chunks: fc.nat(4), floor: fc.nat(60) }), { maxLength: 8 });
  const size = fc.nat(80);
  fc.assert(
    fc.property(cuts, size, size, fc.option(fc.nat(60)), fc.nat(9), (sessions, out, err, since, more) => {
      const sizes = { [STDOUT]: out, [STDERR]: err };
      const from = since === null ? {} : { since: timestampFromMs(1) };
      const position = new LogPosition({ ...request, ...from });
      const seen = { [STDOUT]: new Set<number>(), [STDERR]: new Set<number>() };
      const gone = { [STDOUT]: 0, [STDERR]: 0 };
      let floor = 0;
      const last = { chunks: Number.POSITIVE_INFINITY, floor: 0 };
      for (const session of [...sessions, last]) {
        floor = Math.max(floor, session.floor);
        let left = session.chunks;
        for (const one of answer(position.next(), sizes, floor, since ?? 0, more + 1)) {
          if (left-- === 0) break;
          assert.equal(position.advance(one), undefined);
          const source = one.source as 1 | 2;
          gone[source] += Number(one.goneBytes);
          for (let i = 0; i < one.data.length; i++) {
            assert.ok(!seen[source].has(Number(one.offset) + i));
            seen[source].add(Number(one.offset) + i);
          }
        }
      }
      for (const source of [STDOUT, STDERR] as const) {
        assert.equal(seen[source].size + gone[source], Math.max(0, sizes[source] - (since ?? 0)));
      }
    }),
  );
});
