import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { temporaryDirectory } from '#test/fixture/temporary-directory.ts';
import { OidcConfigError, readOidcConfig } from './oidc-config.ts';

const least = 'issuer: https://id.example.org\nclientId: drover\nroles: { admins: [admin] }\n';

it('readOidcConfig() reads the file and the secret beside it, and knows what is usual', async (t) => {
  const directory = temporaryDirectory(t);
  const path = join(directory, 'oidc.yaml');
  writeFileSync(path, least);
  const { issuer, roles, ...usual } = await readOidcConfig(path);
  assert.deepEqual([issuer.href, roles], ['https://id.example.org/', new Map([['admins', ['admin']]])]);
  assert.deepEqual(usual, {
    clientId: 'drover',
    clientSecret: undefined,
    scopes: ['openid', 'profile', 'email'],
    nameClaim: 'preferred_username',
    rolesClaim: 'groups',
    tokenTtlMs: 43_200_000,
  });
  writeFileSync(join(directory, 'secret'), 's3cret\n');
  writeFileSync(path, `${least}clientSecretFile: secret\nscopes: [groups]\ntokenHours: 0.5\n`);
  const more = await readOidcConfig(path);
  assert.deepEqual(
    [more.clientSecret, more.scopes, more.tokenTtlMs],
    ['s3cret', ['openid', 'groups'], 1_800_000],
  );
});

it('readOidcConfig() names the key that is wrong', async (t) => {
  const path = join(temporaryDirectory(t), 'oidc.yaml');
  const cases: readonly [text: string, message: RegExp][] = [
    ['', /oidc\.yaml: /],
    ['{', /oidc\.yaml: not YAML/],
    [least.replace('https', 'http'), /oidc\.yaml: issuer: takes an https address/],
    [`${least}colour: red\n`, /oidc\.yaml: .*colour/],
    [`${least}tokenHours: 721\n`, /oidc\.yaml: tokenHours: /],
    [least.replace('[admin]', 'admin'), /oidc\.yaml: roles\.admins: /],
    [`${least}clientSecretFile: nowhere\n`, /cannot read .*nowhere: ENOENT/],
  ];
  for (const [text, message] of cases) {
    writeFileSync(path, text);
    const isSaid = (error: unknown) => error instanceof OidcConfigError && message.test(error.message);
    await assert.rejects(readOidcConfig(path), isSaid, text);
  }
});
