import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Heartbeats } from './heartbeats.ts';

/** Heartbeats every second, dead after 2.5, on a clock that the test sets; and what they did. */
function start(random = 0.5, onRoundTrip = (_ms: number) => {}) {
  const clock = { nowMs: 0 };
  const sent: string[] = [];
  const silences: number[] = [];
  const heartbeats = new Heartbeats({
    now: () => clock.nowMs,
    random: () => random,
    intervalMs: 1_000,
    silentIntervalsMax: 2.5,
    send: (sequence, answers) => void sent.push(`${sequence} answers ${answers} at ${clock.nowMs}`),
    onRoundTrip,
    onSilence: (silentMs) => void silences.push(silentMs),
  });
  const tick = (nowMs: number) => {
    clock.nowMs = nowMs;
    return heartbeats.tick();
  };
  return { heartbeats, sent, silences, tick };
}

test('Heartbeats.tick() sends what is due, and says when it wants to be called again', () => {
  const { heartbeats, sent, tick } = start();
  assert.equal(tick(0), 500);
  assert.equal(tick(499), 1);
  heartbeats.received({ sequence: 41n, answers: 0n });
  assert.equal(tick(500), 1_000);
  heartbeats.heard();
  assert.equal(tick(1_700), 1_000);
  assert.deepEqual(sent, ['1 answers 41 at 500', '2 answers 41 at 1700']);
});

test('Heartbeats spread by a fifth of the interval', () => {
  const early = start(0);
  assert.equal(early.tick(0), 800);
  assert.equal(early.tick(800), 800);
  const late = start(0.999_999);
  assert.equal(Math.round(late.tick(0)), 1_000);
  assert.equal(Math.round(late.tick(1_000)), 1_200);
});

test('Heartbeats notice silence, and any sign of life ends it', () => {
  const { heartbeats, silences, tick } = start();
  tick(2_499);
  heartbeats.heard();
  tick(4_998);
  assert.deepEqual(silences, []);
  tick(4_999);
  assert.deepEqual(silences, [2_500]);
});

test('Heartbeats tell how long ours took there and back, once each, without the time that it was kept', () => {
  const took: number[] = [];
  const { heartbeats, tick } = start(0.5, (ms) => void took.push(ms));
  tick(500);
  tick(520);
  heartbeats.received({ sequence: 1n, answers: 0n, heldUs: 0n });
  heartbeats.received({ sequence: 2n, answers: 1n, heldUs: 15_500n });
  heartbeats.received({ sequence: 3n, answers: 1n, heldUs: 0n });
  tick(1_500);
  heartbeats.received({ sequence: 4n, answers: 2n });
  heartbeats.received({ sequence: 5n, answers: 1n, heldUs: 1n });
  assert.deepEqual(took, [4.5]);
});
