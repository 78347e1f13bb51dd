import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { temporaryDirectory } from '#test/fixture/temporary-directory.ts';
import { createClusters } from './clusters.ts';
import { writeContexts } from './contexts-file.ts';

test('connect() goes to the directory that is named, else to the context in use, else to the default directory', async (t) => {
  const directory = temporaryDirectory(t);
  const contextsFile = join(directory, 'contexts.json');
  const access = (address: string) => ({ address, rootCertificate: 'PEM', token: 'dvo1.a.b' });
  writeFileSync(join(directory, 'access.json'), JSON.stringify(access('https://here:1')));
  const contexts = { byName: new Map([['lab', access('lab:1')]]) };
  const addressOf = async (file: string | undefined, named?: string) => {
    using clusters = createClusters({ dataDirectory: directory, contextsFile: file });
    return (await clusters.connect(named)).address;
  };
  assert.equal(await addressOf(contextsFile), 'here:1');
  await writeContexts(contextsFile, { ...contexts, current: 'lab' });
  assert.equal(await addressOf(contextsFile), 'lab:1');
  assert.equal(await addressOf(contextsFile, directory), 'here:1');
  assert.equal(await addressOf(undefined), 'here:1');
  await writeContexts(contextsFile, { ...contexts, current: undefined });
  assert.equal(await addressOf(contextsFile), 'here:1');
});
