/** What a prompt remembers from line to line (the selected nodes, folding, the last run), and what it does with a line. */
import { UsageError } from '#base/command-line.ts';
import { callCommand } from '#cli/call-command.ts';
import { callOptions } from '#cli/call-options.ts';
import type { CommandContext } from '#cli/command.ts';
import { findCommand } from '#cli/find-command.ts';
import { listTasks } from '#cli/list-tasks.ts';
import { formatDuration } from '#cli/output/format-duration.ts';
import { printFailure } from '#cli/print-failure.ts';
import { exitCodes } from '#core/exit-code.ts';
import { foldNodeNames } from '#core/node-set/fold-node-names.ts';
import type { Node } from '#protocol/gen/drover/v1/node_pb.ts';
import type { Task } from '#protocol/gen/drover/v1/task_pb.ts';
import type { Lines } from './lines.ts';
import { runLocally } from './local-shell.ts';
import { mapNodeSets } from './map-node-sets.ts';
import { type PromptStep, planLine } from './plan-line.ts';
import { hasResultSet, writeResultSets } from './result-sets.ts';
import { changeSelection, isUnion, renderPrompt, renderStates, type SelectionChange } from './selection.ts';
import { showHistory } from './show-history.ts';
import { UnfinishedLineError } from './split-words.ts';

/** One prompt from its start to its end. */
export class PromptSession {
  readonly #context: CommandContext;
  readonly #lines: Lines;
  #selection = '@all';
  #folding = false;
  #lastRunId: string | undefined;

  constructor(context: CommandContext, lines: Lines) {
    this.#context = context;
    this.#lines = lines;
  }

  /** Shows the selected nodes, and whether output is folded. */
  get prompt(): string {
    return renderPrompt(this.#selection, this.#folding, this.#context.out.columns);
  }

  /**
   * Runs a line; gives its exit code, or "leave".
   *
   * @param leave ends it at once.
   */
  async run(line: string, leave: AbortSignal): Promise<number | 'leave'> {
    const cancel = new AbortController();
    using _listening = this.#context.interrupts.listen(() => cancel.abort());
    const abort = AbortSignal.any([cancel.signal, leave]);
    const context: CommandContext = {
      ...this.#context,
      abort,
      selection: this.#selection,
      folding: this.#folding,
      input: undefined,
      noteRun: (runId) => {
        this.#lastRunId = runId;
      },
    };
    try {
      const step = planLine(line, context.commands);
      if (step.kind === 'leave') return 'leave';
      using _watched = this.#watch(context, line);
      return await this.#take(context, step);
    } catch (error) {
      if (abort.aborted) return exitCodes.interrupted;
      const usage = error instanceof UnfinishedLineError ? new UsageError(error.message) : error;
      return await printFailure(context, usage, context.connectedTo());
    }
  }

  async #take(context: CommandContext, step: Exclude<PromptStep, { kind: 'leave' }>): Promise<number> {
    switch (step.kind) {
      case 'nothing':
        return exitCodes.success;
      case 'select':
        return await this.#select(context, step.change, step.nodes);
      case 'show':
        return await this.#show(context);
      case 'fold':
        this.#folding = !this.#folding;
        context.out.errLine(this.#folding ? 'equal output is folded' : 'output is shown as it comes');
        return exitCodes.success;
      case 'local':
        return await runLocally(context, step.line);
      case 'history':
        return showHistory(context.out, this.#lines, step.words);
      case 'call':
        return await this.#call(context, step.words);
    }
  }

  /** Enter and Ctrl-C while the line runs. */
  #watch({ clock, inquiries, interrupts, out }: CommandContext, line: string): Disposable {
    const startMs = clock.monotonicMs();
    const watched = new DisposableStack();
    watched.use(
      inquiries.listen(() => {
        out.errLine(
          `drover: ${line.trim()}: no answer yet, ${formatDuration(clock.monotonicMs() - startMs)}`,
        );
      }),
    );
    watched.use(this.#lines.watch({ enter: () => inquiries.raise(), interrupt: () => interrupts.raise() }));
    return watched;
  }

  /** Asks the cluster first: a selection that means nothing would fail at the next command only. */
  async #select(context: CommandContext, change: SelectionChange, typed: string): Promise<number> {
    const set = await this.#writeSet(context, typed);
    const isPlain = change === '@' || isUnion(set);
    const names = isPlain ? set : foldNodeNames((await listNodes(context, set)).map(({ name }) => name));
    const selection = changeSelection(this.#selection, change, names || set);
    const found = await listNodes(context, selection);
    if (found.length === 0) {
      context.out.errLine('drover: no node matched: the selection stays as it is');
      return exitCodes.noNode;
    }
    this.#selection = selection;
    return exitCodes.success;
  }

  async #show(context: CommandContext): Promise<number> {
    const nodes = await listNodes(context, this.#selection);
    for (const line of renderStates(nodes, context.clock.wallMs())) context.out.outLine(line);
    return exitCodes.success;
  }

  async #call(context: CommandContext, words: readonly string[]): Promise<number> {
    const found = findCommand(context.commands, words);
    if (!found) return await callCommand(context, words);
    const { command, length } = found;
    const rest = await mapNodeSets(command.syntax, words.slice(length), (set) =>
      this.#writeSet(context, set),
    );
    return await callCommand(context, [...words.slice(0, length), ...rest]);
  }

  /** The names in place of $failed and its kin; nothing is asked where there is none. */
  async #writeSet(context: CommandContext, set: string): Promise<string> {
    return hasResultSet(set) ? writeResultSets(set, await this.#tasksOfLastRun(context, set)) : set;
  }

  async #tasksOfLastRun(context: CommandContext, named: string): Promise<readonly Task[]> {
    if (this.#lastRunId === undefined) {
      throw new UsageError(`${named} is about the last run, and nothing was run at this prompt yet`);
    }
    return await listTasks(await context.connect(), { runId: this.#lastRunId }, callOptions(context));
  }
}

async function listNodes(context: CommandContext, nodes: string): Promise<Node[]> {
  const connection = await context.connect();
  return (await connection.nodes.listNodes({ nodes }, callOptions(context))).nodes;
}
