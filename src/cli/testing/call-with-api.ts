/** Calls one command against a small API, and gives everything that it printed. */
import type { ConnectRouter } from '@connectrpc/connect';
import { callCommand } from '#cli/call-command.ts';
import { startFakeApi } from './fake-api.ts';
import { createTestContext, type TestContextOptions } from './test-context.ts';

/** What became of a command. */
export interface CalledCommand {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** Of standard output; the last one is empty. */
  readonly lines: readonly string[];
}

/** @param words the command's name, and what follows it. */
export async function callWithApi(
  routes: (router: ConnectRouter) => void,
  words: readonly string[],
  options: TestContextOptions = {},
): Promise<CalledCommand> {
  await using api = await startFakeApi(routes);
  using made = createTestContext({ access: api.access, ...options });
  const code = await callCommand(made.context, words);
  const stdout = made.printed.stdout();
  return { code, stdout, stderr: made.printed.stderr(), lines: stdout.split('\n') };
}
