/** What somebody sees of a copy, in either direction: how far it is, what was done, the problems, and how it ended on each node. */
import type { CommandContext } from '#cli/command.ts';
import { paint } from '#cli/output/colors.ts';
import { oneLine } from '#cli/output/strip-control.ts';
import { exitCodes } from '#core/exit-code.ts';
import { formatSize } from '#core/format-size.ts';
import type { FileEnd } from '#protocol/gen/drover/v1/api_pb.ts';
import {
  FileAction,
  type FileProblem,
  type FileResult,
  type ManifestEnd,
  type ReceiverFrame,
} from '#protocol/gen/drover/v1/file_pb.ts';
import { CopyProgressLine } from './copy-progress.ts';
import { exitCodeOfFiles, renderFileEnds } from './file-ends.ts';
import { FileProblems } from './file-problems.ts';
import { NodeText } from './node-text.ts';

const actions: Readonly<Record<FileAction, string>> = {
  [FileAction.UNSPECIFIED]: 'done',
  [FileAction.CREATED]: 'new',
  [FileAction.REPLACED]: 'replaced',
  [FileAction.UNCHANGED]: 'unchanged',
};

/** How to report. */
export interface ReportOptions {
  /** What was done, such as "copied to". */
  readonly done: string;
  /** Somebody prints the responses as JSON: nothing but the exit code is made here. */
  readonly jsonl: boolean;
}

/** Of one copy. Dispose of it to take the progress line away. */
export class CopyReport implements Disposable {
  readonly #context: CommandContext;
  readonly #options: ReportOptions;
  readonly #progress: CopyProgressLine;
  readonly #text: NodeText;
  readonly #problems = new FileProblems();
  readonly #here: string[] = [];
  readonly #ends = new Map<string, FileEnd>();
  #nodes: readonly string[] = [];

  constructor(context: CommandContext, options: ReportOptions) {
    this.#context = context;
    this.#options = options;
    this.#progress = new CopyProgressLine(context.out, context.clock);
    this.#text = new NodeText(context.out, 'named');
  }

  [Symbol.dispose](): void {
    this.#progress[Symbol.dispose]();
  }

  /** These nodes take part. */
  select(nodes: readonly string[]): void {
    this.#nodes = nodes;
    for (const node of nodes) this.#progress.update(node, {});
  }

  /** The same tree goes to every node, and so much is in it. */
  totalOfAll({ bytes }: ManifestEnd): void {
    for (const node of this.#nodes) this.#progress.update(node, { totalBytes: Number(bytes) });
  }

  /** So much is in the tree of one node. */
  total(node: string, { bytes }: ManifestEnd): void {
    this.#progress.update(node, { totalBytes: Number(bytes) });
  }

  /** Something here could not be read, or written. */
  problemHere({ path, error }: FileProblem): void {
    this.#here.push(`${oneLine(path)}: ${oneLine(error)}`);
  }

  /** Something of a node could not be read, or written. */
  problem(node: string, problem: FileProblem): void {
    this.#problems.add(node, problem);
  }

  /** From the receiver of a node's tree, or there. */
  async receiver(node: string, { kind }: ReceiverFrame): Promise<void> {
    if (kind.case === 'problem') this.problem(node, kind.value);
    else if (kind.case === 'progress' || kind.case === 'done') {
      this.#progress.update(node, { bytes: Number(kind.value.bytes) });
    } else if (kind.case === 'result' && !this.#options.jsonl) await this.#showResult(node, kind.value);
  }

  /** It ended on a node. @returns whether it has on all of them. */
  end(end: FileEnd): boolean {
    this.#ends.set(end.node, end);
    this.#progress.update(end.node, { isOver: true });
    return this.#ends.size === this.#nodes.length;
  }

  /** Says what becomes of a copy that somebody broke off. */
  interrupted(): void {
    this[Symbol.dispose]();
    if (this.#nodes.length === 0 || this.#options.jsonl) return;
    this.#context.out.errLine('interrupted: nothing is half there, and the same copy goes on where it was');
  }

  /** Says how it went. @returns the exit code. */
  finish(): number {
    this[Symbol.dispose]();
    const ends = { nodes: this.#nodes, ends: this.#ends };
    const code = exitCodeOfFiles(ends);
    if (!this.#options.jsonl) this.#print(ends);
    return code === exitCodes.success && this.#here.length > 0 ? exitCodes.taskFailed : code;
  }

  #print(ends: { nodes: readonly string[]; ends: ReadonlyMap<string, FileEnd> }): void {
    const { out } = this.#context;
    for (const line of [...this.#here, ...this.#problems.render()]) {
      out.errLine(paint('error', `drover: ${line}`, out.errColors));
    }
    const [counts = '', ...reasons] = renderFileEnds(ends, this.#options.done);
    out.errLine(`${counts}${this.#amount()}`);
    for (const line of reasons) out.errLine(line);
  }

  /** ` · 12 entries, 10 MiB each` of those that have all: where they differ, the most. */
  #amount(): string {
    const all = [...this.#ends.values()].flatMap(({ progress }) => progress ?? []);
    const most = all.reduce((a, b) => (b.entries > a ? b.entries : a), 0n);
    const bytes = all.reduce((a, b) => (b.bytes > a ? b.bytes : a), 0n);
    const unchanged = all.reduce((a, b) => a + b.unchanged, 0n);
    if (most === 0n) return '';
    const each = this.#nodes.length > 1 ? ' each' : '';
    const left = unchanged === 0n ? '' : `, ${unchanged} unchanged in all`;
    return ` · ${most} ${most === 1n ? 'entry' : 'entries'}, ${formatSize(bytes)}${each}${left}`;
  }

  async #showResult(node: string, { path, action }: FileResult): Promise<void> {
    const word = actions[action] ?? actions[FileAction.UNSPECIFIED];
    await this.#text.pushLines(node, [`${word.padEnd(9)} ${oneLine(path)}`]);
  }
}
