import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { RefusedOrderError } from '#agent/workload.ts';
import { FakeClock } from '#base/clock.ts';
import { StartSchema } from '#protocol/gen/drover/v1/link_pb.ts';
import { LiveAttempt } from './live-attempt.ts';
import { sampleAttempts } from './sample-attempts.ts';
import { SupervisorGoneError, SupervisorRefusedError } from './supervisor-errors.ts';
import { supervisorErrors } from './supervisor-messages.ts';

const clock = new FakeClock();
const sampled = {
  processes: 2,
  threads: 3,
  userUs: 4n,
  systemUs: 5n,
  rssBytes: 6n,
  groupMemoryBytes: 7n,
  stdoutBytes: 8n,
  stderrBytes: 9n,
};

function attemptOf(taskId: string, pid = 7): LiveAttempt {
  const live = new LiveAttempt(create(StartSchema, { taskId, attempt: 1 }), clock);
  live.life = { ...live.life, attempt: { ...live.life.attempt, pid } };
  return live;
}

test('sampleAttempts() leaves out what does not run, or ends meanwhile', async () => {
  const sample = async (id: string) => {
    if (id === 'over.1') throw new SupervisorRefusedError(supervisorErrors.over, 0, 'over.1 is over');
    return sampled;
  };
  const attempts = [attemptOf('one'), attemptOf('over'), attemptOf('young', 0)];
  const [first, ...others] = await sampleAttempts(attempts, { sample }, clock);
  assert.deepEqual(others, []);
  assert.deepEqual(
    [first?.taskId, first?.processes, first?.rssBytes, first?.outputBytes],
    ['one', 2, 6n, 17n],
  );
  assert.equal(first?.sampledAt?.seconds, BigInt(clock.wallMs() / 1000));
});

test('sampleAttempts() asks for many at once, and never for more than it may', async () => {
  let underWay = 0;
  let most = 0;
  const sample = async () => {
    most = Math.max(most, ++underWay);
    await new Promise((resolve) => setImmediate(resolve));
    underWay--;
    return sampled;
  };
  const attempts = Array.from({ length: 100 }, (_, i) => attemptOf(`task${i}`));
  assert.equal((await sampleAttempts(attempts, { sample }, clock)).length, 100);
  assert.equal(most, 16);
});

test('sampleAttempts() fails when the supervisor cannot be asked', async () => {
  const sample = () => Promise.reject(new SupervisorGoneError('gone'));
  await assert.rejects(sampleAttempts([attemptOf('one')], { sample }, clock), RefusedOrderError);
});
