import assert from 'node:assert/strict';
import { test } from 'node:test';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { FakeClock } from '#base/clock.ts';
import { callCommand } from '#cli/call-command.ts';
import { callWithApi } from '#cli/testing/call-with-api.ts';
import { startFakeApi } from '#cli/testing/fake-api.ts';
import { createTestContext } from '#cli/testing/test-context.ts';
import { EventService, type FollowEventsRequest } from '#protocol/gen/drover/v1/event_pb.ts';

const nowMs = 1_700_000_000_000;
const event = (sequence: bigint) => ({
  kind: {
    case: 'event' as const,
    value: {
      sequence,
      at: timestampFromMs(nowMs),
      kind: 'task.ended',
      node: 'web1',
      taskId: 'aaaaaaaaaa',
      runId: 'r',
      data: { outcome: 'exit 1', reason: 'it \u001b[31mfailed', attempt: '1' },
    },
  },
});
const position = (through: bigint, gone = 0n) => ({
  kind: { case: 'position' as const, value: { through, gone } },
});

test('events prints those of the last hour, a line each, and says how many are gone', async () => {
  const asked: FollowEventsRequest[] = [];
  const { code, lines, stderr } = await callWithApi(
    (router) =>
      router.service(EventService, {
        async *followEvents(request) {
          asked.push(request);
          yield position(8n, 7n);
          yield event(9n);
        },
      }),
    ['events', '-w', 'web[1-3]', '-k', 'task', '-k', 'run.ended'],
    { clock: new FakeClock(nowMs) },
  );
  assert.equal(code, 0);
  assert.match(
    lines[0] ?? '',
    /^\S+T\S+ {2}task\.ended +web1 {2}aaaaaaaaaa {2}exit 1 {2}it failed {2}attempt=1$/,
  );
  assert.equal(stderr, 'drover: 7 events before this are no longer kept\n');
  const [request] = asked;
  assert.deepEqual(request?.query?.since, timestampFromMs(nowMs - 3_600_000));
  assert.deepEqual(
    [request?.query?.nodes, request?.query?.kinds, request?.follow],
    ['web[1-3]', ['task', 'run.ended'], false],
  );
});

test('events -f resumes behind the last one that it has printed', async () => {
  const asked: FollowEventsRequest[] = [];
  await using api = await startFakeApi((router) => {
    router.service(EventService, {
      async *followEvents(request) {
        asked.push(request);
        if (asked.length === 1) {
          yield position(4n);
          yield event(5n);
          yield event(6n);
          setImmediate(() => api.cut());
          await new Promise(() => {});
        }
        yield position(6n);
        yield event(7n);
      },
    });
  });
  using made = createTestContext({ access: api.access });
  assert.equal(await callCommand(made.context, ['events', '-f', '-o', 'jsonl']), 0);
  const sequences = made.printed
    .stdout()
    .trim()
    .split('\n')
    .map((line: string) => JSON.parse(line).sequence);
  assert.deepEqual(sequences, ['5', '6', '7']);
  assert.deepEqual(
    asked.map(({ onlyNew, afterSequence, follow }) => ({ onlyNew, afterSequence, follow })),
    [
      { onlyNew: true, afterSequence: 0n, follow: true },
      { onlyNew: false, afterSequence: 6n, follow: true },
    ],
  );
});

test('events refuses what cannot be', async () => {
  const call = (...words: string[]) => callWithApi(() => {}, ['events', ...words]);
  const json = await call('-f', '-o', 'json');
  assert.deepEqual(
    [json.code, json.stderr],
    [2, 'drover events: -o json has an end, -f has none: use -o jsonl\n'],
  );
  assert.equal((await call('--since', 'yesterday')).code, 2);
  assert.equal((await call('-k', 'nothing')).code, 2);
});
