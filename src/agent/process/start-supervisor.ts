/** Starts a supervisor, which goes into the background by itself and outlives us. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Exit code of a supervisor that finds another one in its state directory. */
const alreadyRunning = 3;

/** It makes a socket and forks: far less than a second, but for a machine that is drowning. */
const startTimeoutMs = 30_000;

const messageBytesMax = 1_000;

/** No supervisor could be started; the message says why. */
export class SupervisorStartError extends Error {
  override readonly name = 'SupervisorStartError';
}

/**
 * Resolves when a supervisor listens in `directory`, be it a new one or one that was there.
 *
 * @param binary path of drover-supervisor.
 * @throws SupervisorStartError
 */
export async function startSupervisor(binary: string, directory: string): Promise<void> {
  const child = spawn(binary, ['--state', directory], {
    stdio: ['ignore', 'ignore', 'pipe'],
    cwd: '/',
    env: {},
    signal: AbortSignal.timeout(startTimeoutMs),
    killSignal: 'SIGKILL',
  });
  let message = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    message = (message + text).slice(0, messageBytesMax);
  });
  const [code, signal] = await exitOf(child, binary);
  child.stderr.destroy();
  if (code === 0 || code === alreadyRunning) return;
  const how = signal ? `it was ended by ${signal}` : `it ended with ${code}`;
  throw new SupervisorStartError(`the supervisor ${binary} did not start: ${message.trim() || how}`);
}

async function exitOf(child: ReturnType<typeof spawn>, binary: string) {
  try {
    return (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  } catch (error) {
    throw new SupervisorStartError(`the supervisor ${binary} cannot be run`, { cause: error });
  }
}
