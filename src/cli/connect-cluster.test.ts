import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { ConnectError } from '@connectrpc/connect';
import { FollowTasksResponseSchema, TaskService } from '#protocol/gen/drover/v1/api_pb.ts';
import { SwallowingProxy } from '#test/fixture/swallowing-proxy.ts';
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
  await using proxy = await SwallowingProxy.start(Number(api.access.address.split(':').at(-1)));
  const access = { ...api.access, address: `127.0.0.1:${proxy.port}` };
  using connection = connectCluster(access, { pingIntervalMs: 50, pingTimeoutMs: 200 });
  await assert.rejects(
    async () => {
      for await (const { kind } of connection.tasks.followTasks({})) {
        assert.equal(kind.case, 'selected');
        proxy.swallow();
      }
    },
    (error) => {
      assert.ok(error instanceof ConnectError && isConnectionLost(error), `${error}`);
      return true;
    },
  );
});
