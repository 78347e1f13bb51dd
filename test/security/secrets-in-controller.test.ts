/**
 * Secrets of ours that end up where they do not belong, such as in an argument vector or a node's name, are in neither the audit nor the
 * controller's log nor its answers: tried on a real controller, with its log at its loudest. The other artefacts of a cluster have a
 * test of their own.
 */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ConnectError } from '@connectrpc/connect';
import { v7 } from 'uuid';
import { createLog } from '#base/log.ts';
import { connectCluster } from '#cli/connect-cluster.ts';
import { startController } from '#controller/controller.ts';
import { accessTo } from '#test/fixture/cluster.ts';

const loopback = { host: '127.0.0.1', port: 0 };

test('no token and no private key is in the audit, the log or an answer', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'drover-canaries-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const data = join(directory, 'data');
  const logPath = join(directory, 'log');
  const log = createLog('controller', 'debug', logPath);
  const answers: string[] = [];
  const hear = async (call: Promise<unknown>) => {
    const answer = await call.catch((error: unknown) => {
      const { rawMessage, details } = ConnectError.from(error);
      return `${rawMessage} ${JSON.stringify(details)}`;
    });
    answers.push(JSON.stringify(answer, (_, value) => (typeof value === 'bigint' ? `${value}` : value)));
  };
  const secrets: string[] = [];
  {
    await using controller = await startController({
      dataDirectory: data,
      listen: loopback,
      agentListen: loopback,
      log,
    });
    using connection = connectCluster(accessTo(controller));
    using stranger = connectCluster({ ...accessTo(controller), token: `${controller.adminToken}x` });
    const { token: joinToken } = await connection.joinTokens.createJoinToken({});
    const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    secrets.push(controller.adminToken.split('.')[2] ?? '', joinToken.split('.')[2] ?? '');
    secrets.push(pem.split('\n')[1] ?? '');
    for (const canary of [controller.adminToken, joinToken, pem]) {
      const { nodes, runs, tasks, joinTokens } = connection;
      await hear(runs.createRun({ id: v7(), nodes: 'web1', spec: { argv: ['login', canary] } }));
      await hear(runs.createRun({ id: canary, nodes: '@all', spec: { argv: ['x'] } }));
      await hear(nodes.getNode({ name: canary }));
      await hear(nodes.removeNode({ name: canary }));
      await hear(tasks.getTask({ ref: canary }));
      await hear(joinTokens.revokeJoinToken({ id: canary }));
      await hear(connection.users.createUser({ name: canary }));
      await hear(connection.audit.listAudit({ query: { verbs: [canary] } }));
      await hear(stranger.nodes.getNode({ name: canary }));
      log.warn({ canary }, `a line with ${canary}`);
      log.error({ err: new Error(`an error with ${canary}`) }, 'failed');
    }
    const { rows } = await connection.audit.listAudit({ pageSize: 1_000 });
    answers.push(rows.map(({ request, reason, targets }) => request + reason + targets).join('\n'));
  }
  assert.ok(
    secrets.every((secret) => secret.length >= 43),
    secrets.join(),
  );
  const own = readFileSync(join(data, 'access.json'), 'utf8');
  assert.ok(own.includes(secrets[0] ?? '-'), 'the canary is the real one');
  const artefacts = new Map([
    ['answers', answers.join('\n')],
    ['log', readFileSync(logPath, 'utf8')],
  ]);
  for (const name of readdirSync(data).filter((each) => each.startsWith('drover.db'))) {
    artefacts.set(name, readFileSync(join(data, name), 'latin1'));
  }
  for (const [name, text] of artefacts) {
    for (const secret of secrets)
      assert.equal(text.includes(secret.slice(0, 30)), false, `${name} has a secret`);
  }
  assert.match(artefacts.get('log') ?? '', /a line with dvo1\.\w+\.\[redacted\]/);
});
