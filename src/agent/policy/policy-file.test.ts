import assert from 'node:assert/strict';
import { chmod, chown, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { FakeClock } from '#base/clock.ts';
import type { Policy } from './policy.ts';
import { PolicyFile, type PolicyStanding, readPolicyFile } from './policy-file.ts';
import { starterPolicy, writeStarterPolicy } from './starter-policy.ts';

const users = { task: undefined, own: 'worker' };
const { uid } = userInfo();

async function inDirectory(body: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'drover-policy-'));
  try {
    await body(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}

function policyOf(file: PolicyFile): Policy {
  const state = file.current();
  assert.ok('policy' in state, JSON.stringify(state));
  return state.policy;
}

function problem(path: string, own = uid): string {
  const state = readPolicyFile(path, own);
  return 'problem' in state ? state.problem : '';
}

test('readPolicyFile() says how to make a file where there is none', async () => {
  await inDirectory(async (directory) => {
    const path = join(directory, 'policy.yaml');
    assert.equal(
      problem(path),
      `policy ${path}: there is no such file, so nothing is allowed ("drover agent --preset confined" writes one)`,
    );
  });
});

test('readPolicyFile() refuses a file that group or others can write', async () => {
  await inDirectory(async (directory) => {
    const path = join(directory, 'policy.yaml');
    await writeFile(path, starterPolicy('open', users));
    for (const [mode, refused] of [
      [0o644, false],
      [0o600, false],
      [0o664, true],
      [0o646, true],
      [0o620, true],
    ] as const) {
      await chmod(path, mode);
      assert.equal(/others than its owner can write it/.test(problem(path)), refused, mode.toString(8));
    }
  });
});

test("readPolicyFile() refuses a file that is neither root's nor the agent's own", async () => {
  await inDirectory(async (directory) => {
    const path = join(directory, 'policy.yaml');
    await writeFile(path, starterPolicy('open', users), { mode: 0o600 });
    // Only root can give a file away; anybody else can look at it as another agent would.
    if (uid === 0) await chown(path, 65_534, 65_534);
    assert.match(
      problem(path, uid === 0 ? uid : uid + 1),
      /belongs to user \d+, neither root nor the agent's own$/,
    );
  });
});

test('readPolicyFile() names the file before what is wrong in it', async () => {
  await inDirectory(async (directory) => {
    const path = join(directory, 'policy.yaml');
    await writeFile(path, `${starterPolicy('open', users)}mounts: any\n`, { mode: 0o600 });
    assert.match(problem(path), /^policy \/.*policy\.yaml: line \d+: unknown key "mounts"$/);
  });
});

test('readPolicyFile() resolves the directories of commands, and leaves their names', async () => {
  await inDirectory(async (directory) => {
    const path = join(directory, 'policy.yaml');
    await symlink('/usr/bin', join(directory, 'link'));
    const text = starterPolicy('open', users).replace(
      'commands: any',
      `commands: [${directory}/link/env, /none/x]`,
    );
    await writeFile(path, text, { mode: 0o600 });
    const state = readPolicyFile(path, uid);
    assert.ok('policy' in state);
    const { commands } = state.policy;
    assert.ok(commands !== 'any');
    assert.deepEqual(
      commands.map(({ binary }) => binary),
      ['/usr/bin/env', '/none/x'],
    );
  });
});

test('PolicyFile.current() sees a change within a second', async () => {
  await inDirectory(async (directory) => {
    const path = join(directory, 'policy.yaml');
    const clock = new FakeClock();
    const file = new PolicyFile({ path, uid, clock });
    assert.ok('problem' in file.current());
    assert.equal(await writeStarterPolicy(path, 'open', users), true);
    await clock.advance(999);
    assert.ok('problem' in file.current());
    await clock.advance(1);
    assert.equal(policyOf(file).shell, true);
    await writeFile(path, starterPolicy('open', users).replace('shell: true', 'shell: false'));
    await clock.advance(1_000);
    assert.equal(policyOf(file).shell, false);
  });
});

test('PolicyFile resolves the directories of commands anew, also where the text is the same', async () => {
  await inDirectory(async (directory) => {
    const path = join(directory, 'policy.yaml');
    const link = join(directory, 'current');
    const text = starterPolicy('open', users).replace('commands: any', `commands: [${link}/env]`);
    await writeFile(path, text, { mode: 0o600 });
    const clock = new FakeClock();
    const file = new PolicyFile({ path, uid, clock });
    const binaries = () => {
      const { commands } = policyOf(file);
      return commands === 'any' ? [] : commands.map(({ binary }) => binary);
    };
    await symlink('/usr/bin', link);
    assert.deepEqual(binaries(), ['/usr/bin/env']);
    await rm(link);
    await symlink('/usr/lib', link);
    await clock.advance(1_000);
    assert.deepEqual(binaries(), ['/usr/lib/env']);
  });
});

test('PolicyFile keeps what was good when the file is bad, and says so; one that is gone takes all away', async () => {
  await inDirectory(async (directory) => {
    const path = join(directory, 'policy.yaml');
    const clock = new FakeClock();
    const told: PolicyStanding[] = [];
    const file = new PolicyFile({ path, uid, clock, onChange: (standing) => told.push(standing) });
    await writeStarterPolicy(path, 'open', users);
    const { digest, sinceMs } = file.standing();
    assert.match(digest, /^[0-9a-f]{64}$/);
    await clock.advance(500);
    await writeFile(path, 'shell: [');
    file.reload();
    assert.equal(policyOf(file).shell, true);
    assert.equal(file.standing().digest, digest);
    assert.equal(file.standing().sinceMs, sinceMs);
    assert.match(file.standing().problem, /not YAML/);
    await writeFile(path, starterPolicy('open', users));
    await chmod(path, 0o666);
    file.reload();
    assert.match(file.standing().problem, /others than its owner can write it/);
    await chmod(path, 0o644);
    await writeFile(path, starterPolicy('open', users).replace('shell: true', 'shell: false'));
    file.reload();
    assert.equal(policyOf(file).shell, false);
    assert.notEqual(file.standing().digest, digest);
    assert.equal(file.standing().sinceMs, sinceMs + 500);
    await rm(path);
    file.reload();
    assert.ok('problem' in file.current());
    assert.equal(file.standing().digest, '');
    assert.deepEqual(
      told.map(({ problem: wrong }) => wrong === ''),
      [false, false, true, false],
    );
  });
});

test('writeStarterPolicy() leaves a file that is there as it is', async () => {
  await inDirectory(async (directory) => {
    const path = join(directory, 'deep', 'policy.yaml');
    assert.equal(await writeStarterPolicy(path, 'confined', users), true);
    assert.equal(await writeStarterPolicy(path, 'open', users), false);
    assert.equal(await readFile(path, 'utf8'), starterPolicy('confined', users));
  });
});
