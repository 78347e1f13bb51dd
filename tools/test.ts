/**
 * `npm test`: every test of the project, or those whose path contains one of the words given. Afterwards nothing that a
 * test made may be left: no file in the temporary directory of the run, and no process that carries the run's mark in its
 * environment or names that directory in its command line.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { globSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installationRoot } from '#base/installation.ts';

const mark = 'DROVER_TEST_RUN';
/** The name that Node.js itself gives it. */
const compileCache = 'node-compile-cache';
const concurrency = 3; // two cores, and end-to-end tests mostly wait

const words = process.argv.slice(2);
const files = globSync('{src,test,native,tools}/**/*.test.ts', { cwd: installationRoot })
  .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
  .sort();
if (files.length === 0) {
  console.error(`drover: no test has ${words.join(' or ')} in its path`);
  process.exitCode = 2;
} else {
  const directory = mkdtempSync(join(tmpdir(), 'drover-tests-'));
  const failed = await runTests(files, directory);
  const left = [...processesOf(directory), ...filesIn(directory)];
  for (const line of left) console.error(`left behind: ${line}`);
  rmSync(directory, { recursive: true, force: true });
  if (failed || left.length > 0) process.exitCode = 1;
}

async function runTests(paths: readonly string[], directory: string): Promise<boolean> {
  const args = ['--disable-warning=ExperimentalWarning', '--test', `--test-concurrency=${concurrency}`];
  const child = spawn(process.execPath, [...args, '--test-timeout=180000', ...paths], {
    cwd: installationRoot,
    stdio: 'inherit',
    env: {
      ...process.env,
      TMPDIR: directory,
      // Some hundred programs start from the same sources: half of the CPU of a start is compiling them.
      NODE_COMPILE_CACHE: join(directory, compileCache),
      [mark]: directory,
    },
  });
  const [code] = await once(child, 'exit');
  return code !== 0;
}

/** Pid and command line of every process of this run, but for this one. */
function processesOf(directory: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => (readProc(pid, 'environ') + readProc(pid, 'cmdline')).includes(directory))
    .map((pid) => `process ${pid} ${readProc(pid, 'cmdline').replaceAll('\0', ' ')}`);
}

/** What is in the directory, but for what Node.js itself keeps there. */
function filesIn(directory: string): string[] {
  const names = readdirSync(directory).filter((name) => name !== compileCache);
  return names.map((name) => `file ${join(directory, name)}`);
}

function readProc(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return ''; // it has ended, or is another user's
  }
}
