/**
 * The `drover` command: composition root. Makes the context out of the process's own streams, signals and environment,
 * calls one command and sets the exit code. Everything else is elsewhere.
 */
import type { ReadStream } from 'node:tty';
import { systemClock } from '#base/clock.ts';
import { UsageError } from '#base/command-line.ts';
import { version } from '#base/installation.ts';
import { programArguments } from '#base/program-arguments.ts';
import { exitCodes } from '#core/exit-code.ts';
import { callCommand } from './call-command.ts';
import { createClusters } from './clusters.ts';
import type { CommandContext } from './command.ts';
import { commandTable } from './command-table.ts';
import { readConfig } from './config.ts';
import { readerGone } from './exit-code-table.ts';
import { Interrupts } from './interrupts.ts';
import { Output } from './output/output.ts';
import { printFailure } from './print-failure.ts';
import { createTerminal } from './terminal.ts';

/** Longer than any command: timers of ours do not keep the process alive, this does while a command runs. */
const keepAliveMs = 2 ** 30;

process.exitCode = await main(programArguments());

async function main(argv: readonly string[]): Promise<number> {
  const config = readConfig(process.env, process.geteuid?.());
  const out = new Output(process.stdout, process.stderr, config);
  if (argv[0] === '--version' || argv[0] === '-V') {
    out.outLine(`drover ${version}`);
    return exitCodes.success;
  }
  const abort = new AbortController();
  const interrupts = new Interrupts(() => abort.abort());
  const gone = new Interrupts(() => abort.abort());
  const keepAlive = setInterval(() => {}, keepAliveMs);
  const onInterrupt = () => interrupts.raise();
  let code: number | undefined;
  const onOutputError = (which: 'stdout' | 'stderr', error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    out.mute(which);
    if (code === undefined) gone.raise();
    code = readerGone;
  };
  process.on('SIGINT', onInterrupt);
  process.stdout.on('error', (error) => onOutputError('stdout', error));
  process.stderr.on('error', (error) => onOutputError('stderr', error));
  using clusters = createClusters({
    dataDirectory: config.dataDirectory,
    contextsFile: config.isDataChosen ? undefined : config.contextsFile,
  });
  try {
    const { words, dataDirectory } = leadingOptions(argv);
    const context: CommandContext = {
      out,
      clock: systemClock,
      abort: abort.signal,
      interrupts,
      readerGone: gone,
      terminal:
        process.stdin.isTTY && out.errIsTerminal
          ? createTerminal(process.stdin as ReadStream, out, systemClock)
          : undefined,
      confirmAbove: config.confirmAbove,
      term: config.term,
      get input() {
        return process.stdin;
      },
      dataDirectory: dataDirectory ?? config.dataDirectory,
      environment: config.environment,
      selection: undefined,
      folding: false,
      inquiries: new Interrupts(),
      noteRun: () => {},
      historyFile: config.historyFile,
      contextsFile: config.contextsFile,
      commands: commandTable,
      connect: (directory) => clusters.connect(directory ?? dataDirectory),
      connectedTo: clusters.connectedTo,
    };
    const exitCode = await callCommand(context, words);
    return code ?? exitCode;
  } catch (error) {
    return await printFailure({ out }, error);
  } finally {
    clearInterval(keepAlive);
    process.off('SIGINT', onInterrupt);
  }
}

/** Options before the command's word, and the words from there on. */
function leadingOptions(argv: readonly string[]): { words: readonly string[]; dataDirectory?: string } {
  const [first, second, ...rest] = argv;
  if (first === undefined || first === '--help' || first === '-h') return { words: ['help'] };
  if (first === '--data') {
    if (!second) throw new UsageError('--data needs the directory of a cluster');
    return { words: rest.length > 0 ? rest : ['help'], dataDirectory: second };
  }
  if (first.startsWith('-'))
    throw new UsageError(`there is no option ${first} here: options follow the command`);
  return { words: argv };
}
