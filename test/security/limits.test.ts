/**
 * Limits of src/protocol/limits.ts that are on by default, each passed once. Those on time, and five hundred peers that pass them at once,
 * are in test/chaos/hostile-peers.test.ts.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { test } from 'node:test';
import { Code, ConnectError, createClient } from '@connectrpc/connect';
import { TaskHost } from '#agent/process/task-host.ts';
import { systemClock } from '#base/clock.ts';
import { ApiFixture } from '#controller/api/testing/api-fixture.ts';
import { describeOutcome } from '#core/outcome.ts';
import { JoinService, NodeService } from '#protocol/gen/drover/v1/api_pb.ts';
import { limits } from '#protocol/limits.ts';
import { newTask, sh, silentLog } from '#test/fixture/task-node.ts';
import { temporaryDirectory } from '#test/fixture/temporary-directory.ts';
import { until } from '#test/fixture/until.ts';

const isExhausted = (error: unknown) => ConnectError.from(error).code === Code.ResourceExhausted;

test('a request is refused above anonymousRequestBytesMax before its caller is known, above messageBytesMax after', async () => {
  await using api = await ApiFixture.start();
  const join = createClient(JoinService, api.anonymousTransport());
  const certificateRequest = new Uint8Array(limits.anonymousRequestBytesMax);
  await assert.rejects(join.join({ certificateRequest }), isExhausted);
  const within = new Uint8Array(limits.anonymousRequestBytesMax - 100);
  await assert.rejects(join.join({ certificateRequest: within }), (error) => !isExhausted(error));
  const nodes = createClient(NodeService, api.transport());
  await assert.rejects(nodes.getNode({ name: 'x'.repeat(limits.messageBytesMax) }), isExhausted);
  await assert.rejects(
    nodes.getNode({ name: 'x'.repeat(limits.messageBytesMax - 100) }),
    (error) => !isExhausted(error),
  );
});

test('an address that has failed failedHandshakesMax handshakes has suspectConnectionsMax under way, and no more', async (t) => {
  await using api = await ApiFixture.start();
  const sockets: Socket[] = [];
  t.after(() => {
    for (const socket of sockets) socket.destroy();
  });
  const open = async () => {
    const socket = connectTcp(api.server.port, '127.0.0.1');
    socket.on('error', () => {}).resume();
    sockets.push(socket);
    await once(socket, 'connect');
    return socket;
  };
  for (let i = 0; i <= limits.failedHandshakesMax; i++) {
    const socket = await open();
    socket.write('this is no handshake');
    if (!socket.destroyed) await once(socket, 'close');
  }
  // Who behind that address means well is served all the same.
  await api.client(NodeService).listNodes({});
  const silent: Socket[] = [];
  for (let i = 0; i < limits.suspectConnectionsMax + 20; i++) silent.push(await open());
  await until(
    'those above the limit are closed',
    () => silent.filter(({ destroyed }) => destroyed).length >= 20,
  );
  assert.equal(silent.filter(({ destroyed }) => !destroyed).length, limits.suspectConnectionsMax);
});

test('a node takes agentTasksMax tasks, and has agentStartsMax starts under way', async (t) => {
  let underWay = 0;
  const undecided = new Promise<never>(() => {});
  await using host = await TaskHost.open({
    directory: temporaryDirectory(t),
    clock: systemClock,
    log: silentLog,
    decideLaunch: () => {
      underWay++;
      return undecided;
    },
    decideSignal: () => ({ allowed: true }),
  });
  await using _supervisor = { [Symbol.asyncDispose]: async () => void (await host.shutdownSupervisor()) };
  const ended = new Map<string, string>();
  using _ = host.listen(0n, ({ taskId, attempt }) => {
    if (attempt?.outcome) ended.set(taskId, describeOutcome(attempt.outcome));
  });
  const tasks = Array.from({ length: limits.agentTasksMax + 1 }, newTask);
  for (const task of tasks) host.start(sh(task, 'true'));
  await until('one has ended', () => ended.size > 0);
  const reason = `limit: this node has ${limits.agentTasksMax} tasks, its maximum`;
  assert.deepEqual([...ended.keys()], tasks.slice(-1));
  assert.match([...ended.values()].join(), new RegExp(reason));
  assert.equal(underWay, limits.agentStartsMax);
});
