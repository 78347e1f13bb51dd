/**
 * `npm test`: every test of the project, or those whose path contains one of the words given. Afterwards no process that
 * a test started may be left: each inherits a mark in its environment, which is looked for in /proc.
 */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { globSync, readdirSync, readFileSync } from 'node:fs';
import { installationRoot } from '#base/installation.ts';

const mark = 'DROVER_TEST_RUN';
const concurrency = 3; // two cores, and end-to-end tests mostly wait

const words = process.argv.slice(2);
const files = globSync('{src,test,native,tools}/**/*.test.ts', { cwd: installationRoot })
  .filter((file) => words.length === 0 || words.some((word) => file.includes(word)))
  .sort();
if (files.length === 0) {
  console.error(`drover: no test has ${words.join(' or ')} in its path`);
  process.exitCode = 2;
} else {
  const run = randomUUID();
  const failed = await runTests(files, run);
  const left = processesOf(run);
  for (const line of left) console.error(`left behind: ${line}`);
  if (failed || left.length > 0) process.exitCode = 1;
}

async function runTests(paths: readonly string[], run: string): Promise<boolean> {
  const args = ['--disable-warning=ExperimentalWarning', '--test', `--test-concurrency=${concurrency}`];
  const child = spawn(process.execPath, [...args, '--test-timeout=180000', ...paths], {
    cwd: installationRoot,
    stdio: 'inherit',
    env: { ...process.env, [mark]: run },
  });
  const [code] = await once(child, 'exit');
  return code !== 0;
}

/** Pid and command line of every process that carries this run's mark, but for this one. */
function processesOf(run: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((pid) => readProc(pid, 'environ').includes(`${mark}=${run}`))
    .map((pid) => `${pid} ${readProc(pid, 'cmdline').replaceAll('\0', ' ')}`);
}

function readProc(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1');
  } catch {
    return ''; // it has ended, or is another user's
  }
}
