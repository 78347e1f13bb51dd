import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '#protocol/limits.ts';
import { renewalDueMs } from './renewals.ts';
import { DispatchFixture } from './testing/dispatch-fixture.ts';
import type { TestAgent } from './testing/test-agent.ts';

/** Good now, and by the clock of the fixture, which is in 2023, with more than half of it over. */
const halfOver = { notBefore: new Date('2000-01-01'), notAfter: new Date('2040-01-01') };

test('renewalDueMs() is half of the life, 10 % sooner or later', () => {
  const certificate = { generation: 1, beginsMs: 1_000, endsMs: 2_000 };
  assert.deepEqual(
    [0, 0.5, 1].map((random) => renewalDueMs(certificate, random)),
    [1_450, 1_500, 1_550],
  );
});

test('Renewals gives a node whose certificate is due another one, once, and notes it when it is on its disk', async () => {
  await using fixture = await DispatchFixture.start();
  await fixture.addNode('n1', halfOver);
  const agent = await fixture.join('n1', { takesCertificates: true });
  await fixture.clock.advance(1_000);
  const { commandId, certificates } = await agent.next('takeCertificate');
  assert.deepEqual(
    certificates.map((der) => Buffer.from(der).toString()),
    ['a certificate of n1'],
  );
  assert.equal((await fixture.store.read.findNode('n1'))?.generation, 0, 'the old one is as good until then');
  agent.send({ case: 'result', value: { commandId } });
  while ((await fixture.store.read.findNode('n1'))?.generation !== 1) await fixture.clock.advance(1);
  await fixture.clock.advance(10_000);
  assert.ok(!agent.frames.some((frame) => frame.case === 'takeCertificate'));
});

test('Renewals tries again after ten minutes where a node could not keep its certificate', async () => {
  await using fixture = await DispatchFixture.start();
  await fixture.addNode('n1', halfOver);
  const agent = await fixture.join('n1', { takesCertificates: true });
  await fixture.clock.advance(1_000);
  const first = await agent.next('takeCertificate');
  const error = 'the agent failed: the disk is full';
  agent.send({ case: 'result', value: { commandId: first.commandId, error } });
  const startedAtMs = fixture.clock.wallMs();
  while (!agent.frames.some((frame) => frame.case === 'takeCertificate')) {
    await fixture.clock.advance(1_000);
    await hearOf(fixture, agent);
  }
  assert.ok(fixture.clock.wallMs() >= startedAtMs + limits.renewalRetryMs);
  assert.equal((await fixture.store.read.findNode('n1'))?.generation, 0);
});

test('Renewals leaves those alone whose certificate is not due, and agents that know nothing of it', async () => {
  await using fixture = await DispatchFixture.start('young');
  await fixture.addNode('old', halfOver);
  const agents = [
    await fixture.join('young', { takesCertificates: true }),
    await fixture.join('old', { takesCertificates: false }),
  ];
  await fixture.clock.advance(10_000);
  for (const agent of agents) {
    assert.ok(!agent.frames.some((frame) => frame.case === 'takeCertificate'));
  }
});

/** So that it is no silent one, whose session would end. */
async function hearOf({ dispatch }: DispatchFixture, agent: TestAgent): Promise<void> {
  const usage = dispatch.usage('n1', new AbortController().signal);
  const { commandId } = await agent.next('askUsage');
  agent.send({ case: 'result', value: { commandId, usage: {} } });
  await usage;
}
