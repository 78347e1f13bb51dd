/**
 * What a command is: its syntax, and a body that is loaded when it is called. The command line and the prompt call the
 * same commands; all that differs is the context that they give.
 */
import type { Readable } from 'node:stream';
import type { Clock } from '#base/clock.ts';
import {
  type CommandLine,
  type CommandSyntax,
  type OptionSpecs,
  parseCommandLine,
  renderHelp,
} from '#base/command-line.ts';
import { exitCodes } from '#core/exit-code.ts';
import type { Connection } from './connect-cluster.ts';
import type { Interrupts } from './interrupts.ts';
import type { Output } from './output/output.ts';
import type { Terminal } from './terminal.ts';

/** What a command works with. */
export interface CommandContext {
  readonly out: Output;
  readonly clock: Clock;
  /** Aborts when the command shall end at once, by Ctrl-C for example. */
  readonly abort: AbortSignal;
  /** A command that has its own answer to Ctrl-C listens here; `abort` then stays as it is. */
  readonly interrupts: Interrupts;
  /** Says that the reader of our output has gone. The latest listener hears it; without any, `abort` aborts. */
  readonly readerGone: Interrupts;
  /** Somebody who can be asked; undefined where nobody is. */
  readonly terminal: Terminal | undefined;
  /** A launch on more nodes than that is confirmed, where somebody can be asked. */
  readonly confirmAbove: number;
  /** TERM: what the terminal understands; empty where nobody says. */
  readonly term: string;
  /** What tasks can be given; undefined where somebody else reads it, such as the prompt. */
  readonly input: Readable | undefined;
  /** Where the cluster of this machine keeps its state, where the command is not told otherwise. */
  readonly dataDirectory: string;
  /** What daemons are started with, beside what is theirs. */
  readonly environment: NodeJS.ProcessEnv;
  /** The nodes that the prompt has selected; undefined on the command line, where there is no default. */
  readonly selection: string | undefined;
  /** Equal output is folded where the command line does not say: `=` at the prompt. */
  readonly folding: boolean;
  /** Somebody asks how far the command is: Enter at the prompt. The latest listener answers. */
  readonly inquiries: Interrupts;
  /** Hears of each run that is created: what $failed and its kin at the prompt are about. */
  noteRun(runId: string): void;
  /** Where the lines that are typed at the prompt are kept. */
  readonly historyFile: string;
  /** Where the clusters are that this person has logged in to. */
  readonly contextsFile: string;
  /** The cluster, connected to on the first call. `dataDirectory` is the value of --data; without it the context in use counts. */
  connect(dataDirectory?: string): Promise<Connection>;
  /** Every command: the table, for help and for the prompt. */
  readonly commands: readonly Command[];
  /** HOST:PORT of the cluster that was asked for last; undefined before the first. */
  connectedTo(): string | undefined;
}

/** What a command does. Resolves to its exit code; rejects with what `describeFailure` knows. */
export type CommandBody<O extends OptionSpecs> = (
  context: CommandContext,
  line: CommandLine<O>,
) => Promise<number>;

/** A command as the table has it. */
export interface Command {
  readonly syntax: CommandSyntax;
  /** It is for programs: no list shows it. */
  readonly hidden: boolean;
  /** Calls it with the words after its name. */
  call(context: CommandContext, argv: readonly string[]): Promise<number>;
}

/** The option that every command has. */
export const helpOption = {
  help: { type: 'boolean', short: 'h', help: 'show this help' },
} as const satisfies OptionSpecs;

/**
 * A command of the table.
 *
 * @param load imports the body, so that a command costs nothing until it is called.
 */
export function command<O extends OptionSpecs & typeof helpOption>(
  syntax: CommandSyntax<O>,
  load: () => Promise<CommandBody<O>>,
  { hidden = false } = {},
): Command {
  return {
    syntax,
    hidden,
    async call(context, argv) {
      const line = parseCommandLine(syntax, argv);
      if (line.options.help) {
        context.out.out(renderHelp(syntax, context.out.columns));
        return exitCodes.success;
      }
      const [{ checkExpressions }, body] = await Promise.all([import('./check-expressions.ts'), load()]);
      checkExpressions(syntax, line);
      return await body(context, line);
    },
  };
}
