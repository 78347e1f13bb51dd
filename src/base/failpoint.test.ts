import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { UsageError } from './command-line.ts';
import { armFailpoints, type Failpoint, failpoint, failpoints, parseFailpoints } from './failpoint.ts';

afterEach(() => armFailpoints(undefined));

test('parseFailpoints() arms nothing where nothing is named', () => {
  assert.equal(parseFailpoints(undefined), undefined);
  assert.equal(parseFailpoints(''), undefined);
});

test('parseFailpoints() reads names, actions and how often they are done', () => {
  const forever = Number.POSITIVE_INFINITY;
  const text =
    'agent.end-seen=kill,agent.end-recorded=stop@2,agent.journal-write=error:EIO@3-,agent.journal-sync=note@4-5';
  assert.deepEqual(
    [...(parseFailpoints(text) ?? [])],
    [
      ['agent.end-seen', { action: { kind: 'kill' }, first: 1, last: forever }],
      ['agent.end-recorded', { action: { kind: 'stop' }, first: 2, last: 2 }],
      ['agent.journal-write', { action: { kind: 'error', code: 'EIO' }, first: 3, last: forever }],
      ['agent.journal-sync', { action: { kind: 'note' }, first: 4, last: 5 }],
    ],
  );
});

for (const text of [
  'agent.no-such=kill',
  'constructor=kill',
  'agent.end-seen',
  'agent.end-seen=explode',
  'agent.end-seen=error:EWHATEVER',
  'agent.end-seen=kill@0',
  'agent.end-seen=kill,',
]) {
  test(`parseFailpoints() refuses ${text}`, () => {
    assert.throws(() => parseFailpoints(text), UsageError);
  });
}

test('failpoint() does nothing unless armed', () => {
  for (const name of Object.keys(failpoints)) failpoint(name as Failpoint);
});

test('failpoint() throws what the system would, as often as asked', () => {
  armFailpoints(parseFailpoints('agent.journal-sync=error:EIO@2-3'));
  const failed = [1, 2, 3, 4].map(() => {
    try {
      failpoint('agent.journal-sync');
      return 'passed';
    } catch (error) {
      const { code, errno } = error as NodeJS.ErrnoException;
      return `${code} ${errno}`;
    }
  });
  assert.deepEqual(failed, ['passed', 'EIO -5', 'EIO -5', 'passed']);
});

test('failpoint() ends its process before the next statement, and says so first', () => {
  const script = `
    const { armFailpoints, failpoint, parseFailpoints } = await import('${join(import.meta.dirname, 'failpoint.ts')}');
    armFailpoints(parseFailpoints('agent.end-seen=kill'));
    failpoint('agent.end-seen');
    process.stderr.write('survived');`;
  const args = ['--input-type=module', '--eval', script];
  const { signal, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  assert.equal(signal, 'SIGKILL');
  assert.equal(stderr, 'failpoint agent.end-seen kill\n');
});
