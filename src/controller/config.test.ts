import assert from 'node:assert/strict';
import { it } from 'node:test';
import { UsageError } from '#base/command-line.ts';
import { readCommand } from './config.ts';

it('readCommand() has defaults that listen on loopback only', () => {
  const command = readCommand(['--data', '/d'], {});
  assert.deepEqual(command, {
    kind: 'run',
    config: {
      dataDirectory: '/d',
      listen: { host: '127.0.0.1', port: 7443 },
      agentListen: { host: '127.0.0.1', port: 7444 },
      fileCacheBytes: 4 * 2 ** 30,
      auditCheckpoints: [],
      auditKeyFile: undefined,
      oidcFile: undefined,
      siteFiles: undefined,
      logLevel: 'info',
      untilStdinCloses: false,
      shell: false,
      failpoints: undefined,
      clockRate: 1,
    },
  });
});

it('readCommand() takes every option', () => {
  const argv = [
    '--data d --listen [::1]:0 --agent-listen 0.0.0.0:9 --file-cache 10g',
    '--audit-checkpoints /w --audit-checkpoints syslog --audit-checkpoints https://h/a --audit-key /k',
    '--log-level debug --until-stdin-closes --oidc /o.yaml',
  ];
  const command = readCommand(argv.join(' ').split(' '), {});
  assert.ok(command.kind === 'run');
  const { dataDirectory, ...others } = command.config;
  assert.ok(dataDirectory.endsWith('/d') && dataDirectory.startsWith('/'));
  assert.deepEqual(others, {
    listen: { host: '::1', port: 0 },
    agentListen: { host: '0.0.0.0', port: 9 },
    fileCacheBytes: 10 * 2 ** 30,
    auditCheckpoints: [{ to: 'directory', path: '/w' }, { to: 'syslog' }, { to: 'url', url: 'https://h/a' }],
    auditKeyFile: '/k',
    oidcFile: '/o.yaml',
    siteFiles: undefined,
    logLevel: 'debug',
    untilStdinCloses: true,
    shell: false,
    failpoints: undefined,
    clockRate: 1,
  });
});

it('readCommand() finds the data directory beneath DROVER_DATA', () => {
  const command = readCommand([], { DROVER_DATA: '/somewhere' });
  assert.ok(command.kind === 'run');
  assert.equal(command.config.dataDirectory, '/somewhere/controller');
});

it('readCommand() knows help and version', () => {
  assert.deepEqual(readCommand(['-h', '--listen', 'x']), { kind: 'help' });
  assert.deepEqual(readCommand(['--version']), { kind: 'version' });
});

for (const argv of [
  ['--listen', 'here'],
  ['--agent-listen', ':1'],
  ['--log-level', 'loud'],
  ['--file-cache', '63m'],
  ['--file-cache', 'much'],
  ['--shell', '--until-stdin-closes'],
  ['--nope'],
  ['word'],
]) {
  it(`readCommand() refuses ${argv.join(' ')}`, () => assert.throws(() => readCommand(argv, {}), UsageError));
}
