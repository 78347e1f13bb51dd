import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { NodeService, RunService } from '#protocol/gen/drover/v1/api_pb.ts';
import { limits } from '#protocol/limits.ts';
import { ApiFixture } from './testing/api-fixture.ts';

async function denials(api: ApiFixture) {
  const rows = await api.parts.store.read.listAudit(0, 100);
  return rows
    .filter(({ decision }) => decision === 'denied')
    .map(({ who, verb, request }) => [who, verb, (JSON.parse(request) as { repeated?: number }).repeated]);
}

async function nobody(api: ApiFixture) {
  return api.transport(await api.addUser('vera'));
}

async function isRefused(call: Promise<unknown>, code: Code): Promise<void> {
  await assert.rejects(call, (error) => ConnectError.from(error).code === code);
}

it('RefusalRecorder records the first refusal of a kind at once, and counts the others of a minute', async () => {
  await using api = await ApiFixture.start();
  const transport = await nobody(api);
  const nodes = createClient(NodeService, transport);
  for (let i = 0; i < 5; i++) await isRefused(nodes.listNodes({}), Code.PermissionDenied);
  await isRefused(createClient(RunService, transport).listRuns({}), Code.PermissionDenied);
  const first = [
    ['vera', 'node.read', undefined],
    ['vera', 'task.read', undefined],
  ];
  assert.deepEqual(await denials(api), first);
  await api.parts.clock.advance(limits.auditRepeatsMs);
  await api.parts.store.transact(async () => {});
  assert.deepEqual(await denials(api), [...first, ['vera', 'node.read', 4]]);
  await isRefused(nodes.listNodes({}), Code.PermissionDenied);
  assert.equal((await denials(api)).length, 4);
});

it('RefusalRecorder lets strangers together have two rows a minute', async () => {
  await using api = await ApiFixture.start();
  const stranger = createClient(NodeService, api.anonymousTransport());
  const liar = createClient(RunService, api.transport('dvo1.abc.nonsense'));
  for (let i = 0; i < 20; i++) {
    await isRefused(stranger.listNodes({}), Code.Unauthenticated);
    await isRefused(liar.listRuns({}), Code.Unauthenticated);
  }
  await api.parts.clock.advance(limits.auditRepeatsMs);
  await api.parts.store.transact(async () => {});
  assert.deepEqual(await denials(api), [
    ['-', 'node.read', undefined],
    ['-', 'node.read', 39],
  ]);
});
