import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { ConnectError } from '@connectrpc/connect';
import { formatHostPort, parseHostPort } from '#base/host-port.ts';
import { FollowTasksResponseSchema, TaskService } from '#protocol/gen/drover/v1/api_pb.ts';
import { TcpProxy } from '#test/fault-proxy/tcp-proxy.ts';
import { connectCluster } from './connect-cluster.ts';
import { isConnectionLost } from './failure.ts';
import { startFakeApi } from './testing/fake-api.ts';

test('connectCluster() notices a controller that has become silent', async () => {
  await using api = await startFakeApi((router) => {
    router.service(TaskService, {
      async *followTasks(_, { signal }) {
        yield create(FollowTasksResponseSchema, { kind: { case: 'selected', value: 1 } });
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
      },
    });
  });
  const target = parseHostPort(api.access.address);
  assert.ok(target);
  await using proxy = await TcpProxy.start(target);
  const access = { ...api.access, address: formatHostPort(proxy.address) };
  using connection = connectCluster(access, { pingIntervalMs: 50, pingTimeoutMs: 200 });
  await assert.rejects(
    async () => {
      for await (const { kind } of connection.tasks.followTasks({})) {
        assert.equal(kind.case, 'selected');
        proxy.strand();
      }
    },
    (error) => {
      assert.ok(error instanceof ConnectError && isConnectionLost(error), `${error}`);
      return true;
    },
  );
});
