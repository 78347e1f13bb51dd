import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '#base/clock.ts';
import { nodeStateWord } from '#core/liveness.ts';
import type { NodeName } from '#protocol/ids.ts';
import { Changes } from './changes.ts';
import type { NodeLiveness } from './dispatch.ts';
import { LivenessTracker } from './liveness-tracker.ts';

/** A tracker that ticks, and what it told: "node state" each. */
function start(known: { name: NodeName; seenAtMs: number | undefined }[]) {
  const clock = new FakeClock();
  const changes = new Changes<[NodeName, NodeLiveness]>();
  const told: string[] = [];
  changes.listen((node, { state }) => void told.push(`${node} ${nodeStateWord(state)}`));
  const tracker = new LivenessTracker(clock, changes, known);
  const pass = async (seconds: number) => {
    for (let i = 0; i < seconds; i++) {
      await clock.advance(1_000);
      tracker.tick();
    }
  };
  const word = (node: NodeName) => nodeStateWord(tracker.liveness(node).state);
  return { clock, tracker, told, pass, word };
}

test('LivenessTracker judges nobody before it has been there for a minute', async () => {
  const { told, pass, word } = start([
    { name: 'old', seenAtMs: 5 },
    { name: 'new', seenAtMs: undefined },
  ]);
  assert.deepEqual([word('old'), word('new'), word('stranger')], ['disconnected', 'joined', 'joined']);
  await pass(59);
  assert.deepEqual(told, []);
  await pass(1);
  assert.deepEqual(told, ['old unreachable']);
  await pass(260);
  assert.deepEqual(told, ['old unreachable', 'old lost']);
  assert.equal(word('new'), 'joined');
});

test('LivenessTracker tells of a node that goes and comes, but not of a blink', async () => {
  const { tracker, told, pass } = start([]);
  await pass(100);
  tracker.connected('n1');
  await pass(100);
  tracker.disconnected('n1');
  tracker.connected('n1');
  assert.deepEqual(told, ['n1 connected']);
  tracker.heard('n1');
  tracker.disconnected('n1');
  await pass(20);
  tracker.connected('n1');
  assert.deepEqual(told.slice(1), ['n1 disconnected', 'n1 unreachable', 'n1 connected']);
});

test('LivenessTracker adds to every deadline what this process stood still', async () => {
  const { clock, tracker, told, pass, word } = start([]);
  await pass(100);
  tracker.connected('n1');
  tracker.disconnected('n1');
  await pass(5);
  await clock.advance(600_000);
  tracker.tick();
  await pass(4);
  assert.equal(word('n1'), 'disconnected');
  await pass(20);
  assert.deepEqual(told.at(-1), 'n1 unreachable');
});

test('takeSeen() gives each news once, and again what was put back', async () => {
  const { clock, tracker, pass } = start([{ name: 'n1', seenAtMs: 5 }]);
  assert.equal(tracker.takeSeen().size, 0);
  tracker.heard('n1');
  const seen = tracker.takeSeen();
  assert.deepEqual([...seen], [['n1', clock.wallMs()]]);
  assert.equal(tracker.takeSeen().size, 0);
  await pass(1);
  tracker.putBackSeen(seen.keys());
  assert.deepEqual(tracker.takeSeen(), seen);
});
