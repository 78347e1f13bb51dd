/** A context in which tests call commands: captured output, a clock of their own, a cluster that they choose. */
import type { Readable } from 'node:stream';
import { type Clock, systemClock } from '#base/clock.ts';
import type { Access } from '#cli/access-file.ts';
import type { CommandContext } from '#cli/command.ts';
import { commandTable } from '#cli/command-table.ts';
import { connectCluster } from '#cli/connect-cluster.ts';
import { Interrupts } from '#cli/interrupts.ts';
import type { Terminal } from '#cli/terminal.ts';
import { type CapturedOutput, captureOutput } from './captured-output.ts';

/** What a test may choose. */
export interface TestContextOptions {
  readonly access?: Access;
  /** Width of the terminal that it pretends to be; undefined: none. */
  readonly columns?: number;
  readonly clock?: Clock;
  readonly terminal?: Terminal;
  readonly selection?: string;
  readonly input?: Readable;
  readonly contextsFile?: string;
}

/** A context, and what was printed in it. Disposing of it closes its connection. */
export interface TestContext extends Disposable {
  readonly context: CommandContext;
  readonly printed: CapturedOutput;
}

/** Makes one. */
export function createTestContext(options: TestContextOptions = {}): TestContext {
  const { access, columns, clock = systemClock, terminal, selection, input } = options;
  const { contextsFile = '/nowhere/contexts.json' } = options;
  const printed = captureOutput(columns);
  const connection = access && connectCluster(access);
  const abort = new AbortController();
  return {
    printed,
    context: {
      out: printed.output,
      clock,
      abort: abort.signal,
      interrupts: new Interrupts(() => abort.abort()),
      readerGone: new Interrupts(() => abort.abort()),
      terminal,
      confirmAbove: 10,
      term: 'vt100',
      input,
      dataDirectory: '/nowhere',
      environment: {},
      selection,
      folding: false,
      inquiries: new Interrupts(),
      noteRun: () => {},
      historyFile: '/nowhere/history',
      contextsFile,
      commands: commandTable,
      connectedTo: () => access?.address,
      async connect() {
        if (!connection) throw new Error('this test has no cluster');
        return connection;
      },
    },
    [Symbol.dispose]: () => connection?.[Symbol.dispose](),
  };
}
