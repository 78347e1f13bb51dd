/** The site's own certificate on the API, as it comes over the wire: by which name one gets which, and after a change. */
import 'reflect-metadata';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { connect } from 'node:tls';
import { parseHostPort } from '#base/host-port.ts';
import { createLog } from '#base/log.ts';
import { connectCluster } from '#cli/connect-cluster.ts';
import { issueController, issueIssuingCa, issueRoot } from '#controller/auth/certificates.ts';
import { encodePrivateKey } from '#controller/auth/identity-file.ts';
import { startController } from '#controller/controller.ts';
import { accessTo } from '#test/fixture/cluster.ts';
import { temporaryDirectory } from '#test/fixture/temporary-directory.ts';

const anyPort = { host: '127.0.0.1', port: 0 };

test('the API serves with the site’s certificate, and for the name controller.drover with the cluster’s, also after a reload', async (t) => {
  const directory = temporaryDirectory(t);
  const siteFiles = { certFile: join(directory, 'site.pem'), keyFile: join(directory, 'site-key.pem') };
  const ca = await issueIssuingCa(await issueRoot('site', Date.now()), 'controller', Date.now());
  const place = async (name: string) => {
    const { certificate, privateKey } = await issueController(ca, { dns: [name], ip: [] }, Date.now());
    writeFileSync(siteFiles.certFile, `${certificate.toString('pem')}\n${ca.certificate.toString('pem')}\n`);
    writeFileSync(siteFiles.keyFile, await encodePrivateKey(privateKey));
  };
  await place('one.example');
  await using controller = await startController({
    dataDirectory: join(directory, 'controller'),
    listen: anyPort,
    agentListen: anyPort,
    siteFiles,
    log: createLog('controller', 'silent'),
  });
  const address = parseHostPort(controller.address.slice('https://'.length));
  assert.ok(address);
  const shownTo = async (servername?: string) => {
    const socket = connect({ ...address, ...(servername && { servername }), rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const names = socket.getPeerX509Certificate()?.subjectAltName ?? '';
    socket.destroy();
    return names.split(', ')[0];
  };
  const everybody = async () => [
    await shownTo(),
    await shownTo('any.example'),
    await shownTo('controller.drover'),
  ];
  assert.deepEqual(await everybody(), ['DNS:one.example', 'DNS:one.example', 'DNS:controller.drover']);
  await place('two.example');
  await controller.reload();
  assert.deepEqual(await everybody(), ['DNS:two.example', 'DNS:two.example', 'DNS:controller.drover']);
  writeFileSync(siteFiles.keyFile, 'spoiled');
  await controller.reload();
  assert.deepEqual(await everybody(), ['DNS:two.example', 'DNS:two.example', 'DNS:controller.drover']);

  using connection = connectCluster(accessTo(controller));
  assert.deepEqual((await connection.nodes.listNodes({})).nodes, [], 'the access file is as good as before');
  const { rootCertificate } = JSON.parse(readFileSync(controller.accessPath, 'utf8'));
  assert.equal(rootCertificate, controller.rootCertificate);
});
