/**
 * The rules of this code base that no linter knows. Each says why it is one.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { failpoints } from '#base/failpoint.ts';
import { installationRoot } from '#base/installation.ts';

const linesMax = 500;

function trackedFiles(...patterns: string[]): string[] {
  const output = execFileSync(
    'git',
    ['ls-files', '--cached', '--others', '--exclude-standard', ...patterns],
    {
      cwd: installationRoot,
      encoding: 'utf8',
    },
  );
  return output.split('\n').filter((file) => file !== '');
}

function read(file: string): string {
  return readFileSync(join(installationRoot, file), 'utf8');
}

function offenders(files: readonly string[], offends: (text: string, file: string) => boolean): string[] {
  return files.filter((file) => offends(read(file), file));
}

const sources = trackedFiles('src/*.ts', 'test/*.ts', 'bench/*.ts', 'tools/*.ts', 'native/*.c', 'native/*.h');
const handWritten = sources.filter((file) => !file.startsWith('src/protocol/gen/'));
const programs = handWritten.filter((file) => file.startsWith('src/') && !file.endsWith('.test.ts'));

test('files stay short enough to be read at once', () => {
  assert.deepEqual(
    offenders(handWritten, (text) => text.split('\n').length > linesMax),
    [],
  );
});

test('every source file of the programs opens with what it is for', () => {
  assert.deepEqual(
    offenders(programs, (text) => !/^(#!.*\n)?\/\*\*?|^import 'reflect-metadata';/.test(text)),
    [],
  );
});

test('only the store writes SQL, so that a second database is a second backend and not a second store', () => {
  const outside = programs.filter((file) => !file.startsWith('src/controller/store/'));
  assert.deepEqual(
    offenders(outside, (text) => /from 'kysely|from 'node:sqlite'/.test(text)),
    [
      'src/base/directory-lock.ts', // SQLite's lock, no SQL of ours
    ],
  );
});

test('only config.ts reads the environment, so that what a program depends on is in one place', () => {
  assert.deepEqual(
    offenders(programs, (text, file) => text.includes('process.env') && basename(file) !== 'config.ts'),
    ['src/cli/main.ts'], // hands it to config.ts
  );
});

test('programs end by emptying the loop: process.exit would cut off writes', () => {
  assert.deepEqual(
    offenders(programs, (text) => /process\.exit\(/.test(text)),
    [],
  );
});

test('only agent/process talks to the supervisor', () => {
  const outside = programs.filter((file) => !file.startsWith('src/agent/process/'));
  assert.deepEqual(
    offenders(outside, (text) => /supervisor-(client|codec)/.test(text)),
    [],
  );
});

test('every failpoint is called in one place, by its name', () => {
  const calls = programs.flatMap((file) => [...read(file).matchAll(/\bfailpoint\('([^']+)'\)/g)]);
  assert.deepEqual(calls.map(([, name]) => name).sort(), Object.keys(failpoints).sort());
});

test('every failpoint is one at which a test of faults has a daemon die', () => {
  const tests = trackedFiles('test/chaos/*-death.test.ts').map(read).join('\n');
  assert.deepEqual(
    Object.keys(failpoints).filter((name) => !tests.includes(`'${name}'`)),
    [],
  );
});

test('the generated code is that of the schema', (t) => {
  const fresh = mkdtempSync(join(tmpdir(), 'drover-gen-'));
  t.after(() => rmSync(fresh, { recursive: true }));
  const bin = join(installationRoot, 'node_modules/.bin');
  execFileSync(join(bin, 'buf'), ['generate', '--output', fresh], {
    cwd: installationRoot,
    env: { ...process.env, PATH: `${bin}:${process.env['PATH']}` },
  });
  const generated = 'src/protocol/gen/drover/v1';
  assert.deepEqual(readdirSync(join(fresh, generated)), readdirSync(join(installationRoot, generated)));
  for (const file of readdirSync(join(fresh, generated))) {
    assert.equal(
      readFileSync(join(fresh, generated, file), 'utf8'),
      read(join(generated, file)),
      `${file} is stale`,
    );
  }
});

test('the lockfile names no address: whoever installs chooses the registry', () => {
  assert.doesNotMatch(read('package-lock.json'), /"resolved":/);
});
