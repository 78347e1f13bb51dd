/** The prompt: reads lines, calls commands, until it is left. Knows no cluster but through the commands. */
import { UsageError } from '#base/command-line.ts';
import { callCommand } from '#cli/call-command.ts';
import { callOptions } from '#cli/call-options.ts';
import type { CommandContext } from '#cli/command.ts';
import { printFailure } from '#cli/print-failure.ts';
import { exitCodes } from '#core/exit-code.ts';
import { interrupt, type Lines } from './lines.ts';
import { planLine } from './plan-line.ts';
import { UnfinishedLineError } from './split-words.ts';

/** How a prompt is run. */
export interface PromptOptions {
  /** Ends the prompt, also while it waits for a line. */
  readonly leave: AbortSignal;
  /** Said at Ctrl-C on an empty line; a second one in a row leaves. Undefined: Ctrl-C never leaves. */
  readonly leaveHint?: string;
}

/**
 * Runs lines until `exit`, the end of input, or `leave`.
 *
 * @returns where nobody types, the exit code of the last line that failed; else 0.
 */
export async function runPrompt(
  context: CommandContext,
  lines: Lines,
  { leave, leaveHint }: PromptOptions,
): Promise<number> {
  const left = onceAborted(leave);
  const session = new PromptSession(context);
  let lastFailure: number = exitCodes.success;
  let interrupts = 0;
  while (!leave.aborted) {
    const line = await Promise.race([lines.next(session.prompt), left]);
    if (line === undefined) break;
    if (line === interrupt) {
      interrupts += 1;
      if (leaveHint === undefined) continue;
      if (interrupts > 1) break;
      lines.notice(leaveHint);
      continue;
    }
    interrupts = 0;
    const code = await session.run(line, leave);
    if (code === 'leave') break;
    if (code !== exitCodes.success) lastFailure = code;
  }
  return lines.interactive ? exitCodes.success : lastFailure;
}

function onceAborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}

/** What a prompt remembers from line to line: the nodes that are selected. */
class PromptSession {
  readonly #context: CommandContext;
  #selection = '@all';

  constructor(context: CommandContext) {
    this.#context = context;
  }

  /** Shows the selected nodes. */
  get prompt(): string {
    const set = this.#selection;
    return `drover ${set.startsWith('@') ? set : `@${set}`}> `;
  }

  /** Runs a line; gives its exit code, or "leave". */
  async run(line: string, leave: AbortSignal): Promise<number | 'leave'> {
    const cancel = new AbortController();
    using _listening = this.#context.interrupts.listen(() => cancel.abort());
    const abort = AbortSignal.any([cancel.signal, leave]);
    const context = { ...this.#context, abort, selection: this.#selection };
    try {
      const step = planLine(line, context.commands);
      switch (step.kind) {
        case 'nothing':
          return exitCodes.success;
        case 'leave':
          return 'leave';
        case 'select':
          return await this.#select(context, step.nodes);
        case 'call':
          return await callCommand(context, step.words);
      }
    } catch (error) {
      if (abort.aborted) return exitCodes.interrupted;
      const usage = error instanceof UnfinishedLineError ? new UsageError(error.message) : error;
      return await printFailure(context, usage, context.connectedTo());
    }
  }

  /** Asks the cluster first: a selection that means nothing would fail at the next command only. */
  async #select(context: CommandContext, nodes: string): Promise<number> {
    const connection = await context.connect();
    const found = await connection.nodes.listNodes({ nodes }, callOptions(context));
    if (found.nodes.length === 0) {
      context.out.errLine('drover: no node matched: the selection stays as it is');
      return exitCodes.noNode;
    }
    this.#selection = nodes;
    return exitCodes.success;
  }
}
