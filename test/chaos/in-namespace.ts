/**
 * Tests that need a machine of their own in one respect: a full disk, few process ids, another boot. The whole cluster and the test
 * itself run in namespaces made by unshare(1), and nothing of that is seen outside. Needs root.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { type TestContext, test } from 'node:test';

/** Names the test that this process is to run, inside of its namespaces. */
const insideVariable = 'DROVER_TEST_INSIDE';

/** What such a test needs. */
export interface NamespaceOptions {
  /** The test's own file. */
  readonly file: string;
  /** The kinds, as unshare(1) has them; that of mounts is always among them. */
  readonly unshare: readonly string[];
  /** Why it cannot run here, where it cannot. */
  readonly skip?: string | false;
}

/** Declares a test whose body runs in namespaces of its own; elsewhere than as root it is skipped. */
export function testInNamespace(
  name: string,
  { file, unshare, skip }: NamespaceOptions,
  body: (t: TestContext) => Promise<void>,
): void {
  const inside = process.env[insideVariable];
  if (inside === name) test(name, body);
  if (inside !== undefined) return;
  const withoutRoot = process.getuid?.() !== 0 && 'needs root, to make namespaces';
  test(name, { skip: skip || withoutRoot }, () => {
    // A shell as the first process reaps what is orphaned there, as init does.
    const command = ['sh', '-c', '"$@"; exit $?', 'sh', process.execPath, ...process.execArgv, file];
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const options = ['--mount', '--propagation', 'private', ...unshare];
    const { status, stdout, stderr, signal } = spawnSync('unshare', [...options, ...command], {
      encoding: 'utf8',
      env: { ...env, [insideVariable]: name },
      timeout: 120_000,
    });
    assert.equal(status, 0, `${signal ?? status}\n${stdout}\n${stderr}`);
    assert.match(stdout, /^ℹ pass [1-9]/m);
  });
}
