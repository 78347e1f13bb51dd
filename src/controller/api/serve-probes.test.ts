import assert from 'node:assert/strict';
import { request } from 'node:https';
import { test } from 'node:test';
import { newEvent } from '#controller/store/new-event.ts';
import { RunService } from '#protocol/gen/drover/v1/api_pb.ts';
import { ApiFixture } from './testing/api-fixture.ts';

const runId = '01979c5e-7d0c-7000-8000-000000000001';

interface Asked {
  readonly token?: string;
  readonly method?: string;
}

function ask(api: ApiFixture, path: string, { token, method = 'GET' }: Asked = {}) {
  return new Promise<{ status: number | undefined; type: string | undefined; text: string }>(
    (resolve, reject) => {
      const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
      const ca = api.parts.authority.rootPem;
      request({ host: '127.0.0.1', port: api.server.port, path, ca, method, headers, agent: false })
        .on('error', reject)
        .on('response', async (response) => {
          const text = (await response.setEncoding('utf8').toArray()).join('');
          resolve({ status: response.statusCode, type: response.headers['content-type'], text });
        })
        .end();
    },
  );
}

test('/healthz and /readyz answer anybody, and say nothing but yes or no', async () => {
  await using api = await ApiFixture.start();
  const type = 'text/plain; charset=utf-8';
  assert.deepEqual(await ask(api, '/healthz'), { status: 200, type, text: 'ok\n' });
  assert.deepEqual(await ask(api, '/readyz?verbose'), { status: 200, type, text: 'ready\n' });
  assert.equal((await ask(api, '/healthz', { method: 'POST' })).status, 405);
  api.parts.dispatch.listening = false;
  assert.deepEqual(await ask(api, '/readyz'), { status: 503, type, text: 'not ready\n' });
  api.parts.dispatch.listening = true;
  await api.parts.store[Symbol.asyncDispose]();
  assert.deepEqual(await ask(api, '/readyz'), { status: 503, type, text: 'not ready\n' });
  assert.equal((await ask(api, '/healthz')).status, 200);
});

test('/metrics needs a token that may read nodes', async () => {
  await using api = await ApiFixture.start();
  assert.equal((await ask(api, '/metrics')).status, 401);
  assert.equal((await ask(api, '/metrics', { token: 'nonsense' })).status, 401);
  assert.equal((await ask(api, '/metrics', { token: await api.addUser('vera') })).status, 403);
});

test('/metrics counts what was committed, without a label that could grow', async () => {
  await using api = await ApiFixture.start();
  await api.addNodes('web1', 'web2');
  await api.client(RunService).createRun({ id: runId, nodes: 'web[1-2]', spec: { argv: ['true'] } });
  const atMs = api.parts.clock.wallMs() + 300;
  const data = { attempt: '1', ending: 'failed' };
  await api.parts.store.transact((writer) =>
    writer.insertEvents([
      newEvent(atMs, 'task.running', { node: 'web1', runId, data }),
      newEvent(atMs, 'task.ended', { node: 'web1', runId, data }),
      newEvent(atMs, 'task.ended', { node: 'web2', runId: 'of an earlier process', data }),
    ]),
  );
  api.parts.metrics.roundTrip(2);
  api.parts.metrics.fileBytes('to_nodes', 700);
  api.parts.metrics.chunkGiven('cache');
  const { status, type, text } = await ask(api, '/metrics', { token: api.adminToken });
  assert.equal(status, 200);
  assert.match(type ?? '', /^text\/plain; version=0\.0\.4/);
  for (const line of [
    'drover_nodes{state="connected"} 2',
    'drover_nodes{state="lost"} 0',
    'drover_sessions{state="open"} 3',
    'drover_tasks_active 2',
    'drover_tasks_launched_total 2',
    'drover_tasks_ended_total{ending="failed"} 2',
    'drover_tasks_ended_total{ending="succeeded"} 0',
    'drover_events_total{kind="run.created"} 1',
    'drover_task_start_seconds_bucket{le="0.25"} 0',
    'drover_task_start_seconds_bucket{le="0.5"} 1',
    'drover_task_end_seconds_count 1',
    'drover_link_round_trip_seconds_count 1',
    'drover_file_bytes_total{direction="to_nodes"} 700',
    'drover_file_bytes_total{direction="from_callers"} 0',
    'drover_file_chunks_total{source="cache"} 1',
    'drover_file_cache_bytes 0',
  ]) {
    assert.ok(text.split('\n').includes(line), line);
  }
  assert.match(text, /^drover_store_transaction_seconds_count [1-9]/m);
  assert.match(text, /^nodejs_eventloop_lag_p99_seconds /m);
  assert.match(text, /^process_resident_memory_bytes /m);
  assert.doesNotMatch(text, /web1|admin|01979c5e/);
});
