import { test } from 'node:test';
import { RunService } from '#protocol/gen/drover/v1/api_pb.ts';
import { startFakeApi } from './testing/fake-api.ts';
import { connectCluster } from './connect-cluster.ts';
import { inspect } from 'node:util';
test('x', async () => {
  let cut = () => {};
  await using api = await startFakeApi((r) => { r.service(RunService, { createRun() { cut(); return {}; } }); });
  cut = api.cut;
  using c = connectCluster(api.access);
  try { await c.runs.createRun({id:'x'}); } catch (e) { console.log(inspect(e,{depth:5})); }
});
