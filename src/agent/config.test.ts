import assert from 'node:assert/strict';
import { homedir } from 'node:os';
import { test } from 'node:test';
import { UsageError } from '#base/command-line.ts';
import { readConfig } from './config.ts';

const user = { environment: {}, uid: 1000 };
const named = ['--name', 'node1'];

test('readConfig() has defaults for everything but the token', () => {
  const config = readConfig(named, user);
  assert.deepEqual(config, {
    directory: `${homedir()}/.local/share/drover/agent`,
    token: undefined,
    controller: undefined,
    name: 'node1',
    policyFile: `${homedir()}/.local/share/drover/agent/policy.yaml`,
    preset: undefined,
    logQuota: { streamBytesMax: 64 << 20, nodeBytesMax: 2 * 2 ** 30 },
    logLevel: 'info',
    untilStdinCloses: false,
    failpoints: undefined,
    clockRate: 1,
    show: undefined,
  });
  assert.equal(readConfig(named, { ...user, uid: 0 }).directory, '/var/lib/drover/agent');
});

test('readConfig() takes the token from where ps cannot show it', () => {
  const environment = { DROVER_JOIN_TOKEN: 'from-environment' };
  assert.deepEqual(readConfig(named, { ...user, environment }).token, {
    from: 'text',
    text: 'from-environment',
  });
  const options = [...named, '--join-file', 'token'];
  assert.deepEqual(readConfig(options, { ...user, environment }).token, { from: 'file', path: 'token' });
});

test('readConfig() reads every option', () => {
  const argv = [
    '--data',
    '/d',
    '--controller',
    '[::1]:99',
    '--policy',
    '/p',
    '--preset',
    'open',
    '--name',
    'n',
    '--log-quota',
    '64k',
    '--log-node-quota',
    '3g',
  ];
  const config = readConfig([...argv, '--log-level', 'warn', '--until-stdin-closes', '--join', 't'], user);
  assert.deepEqual(config, {
    directory: '/d',
    token: { from: 'text', text: 't' },
    controller: { host: '::1', port: 99 },
    name: 'n',
    policyFile: '/p',
    preset: 'open',
    logQuota: { streamBytesMax: 65_536, nodeBytesMax: 3 * 2 ** 30 },
    logLevel: 'warn',
    untilStdinCloses: true,
    failpoints: undefined,
    clockRate: 1,
    show: undefined,
  });
});

const wrong: Record<string, [string[], RegExp]> = {
  'a word': [['up'], /"up" is one too many/],
  'an unknown option': [['--frob'], /--frob/],
  'an address without a port': [['--controller', 'host'], /--controller takes HOST:PORT, not "host"/],
  'an address without a host': [['--controller', ':7443'], /--controller takes HOST:PORT/],
  'a name with capitals': [['--name', 'Web1'], /--name "Web1": a node's name is up to 63 of/],
  'an unknown preset': [['--preset', 'lax'], /--preset takes confined, open, not "lax"/],
  'a quota that is none': [['--log-quota', '1.5m'], /--log-quota takes a size from 64k on.*not "1.5m"/],
  'a quota below a block': [['--log-node-quota', '63k'], /--log-node-quota takes a size from 64k on/],
  'two tokens': [['--join', 'a', '--join-file', 'b'], /exclude each other/],
  'standard input twice': [['--join-file', '-', '--until-stdin-closes'], /cannot share standard input/],
};

for (const [name, [argv, message]] of Object.entries(wrong)) {
  test(`readConfig() refuses ${name}`, () => {
    assert.throws(
      () => readConfig(argv, user),
      (error) => error instanceof UsageError && message.test(error.message),
    );
  });
}
