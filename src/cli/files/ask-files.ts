/** Reads what nodes answer about files, shows it, and says at the end how it went. Of every call but the copies. */
import type { CommandContext } from '#cli/command.ts';
import { paint } from '#cli/output/colors.ts';
import { printJsonLine } from '#cli/output/json.ts';
import {
  type FileEnd,
  FileOutcome,
  type NodeFileAnswer,
  NodeFileAnswerSchema,
} from '#protocol/gen/drover/v1/api_pb.ts';
import type { FileEntry } from '#protocol/gen/drover/v1/file_pb.ts';
import { exitCodeOfFiles, renderFileEnds } from './file-ends.ts';
import { FileProblems } from './file-problems.ts';
import { NodeText, type TextStyle } from './node-text.ts';

/** How answers are shown. */
export interface AnswerView {
  readonly style: TextStyle;
  /** Each answer as JSON instead. */
  readonly jsonl: boolean;
  /** An entry as lines; none where it is not shown. */
  readonly lines: (entry: FileEntry) => readonly string[];
  /** What was done on the nodes where it was, such as "removed on"; undefined where the answers themselves say it. */
  readonly done: string | undefined;
}

/** Resolves to the exit code. */
export async function showAnswers(
  { out }: CommandContext,
  answers: AsyncIterable<NodeFileAnswer>,
  view: AnswerView,
): Promise<number> {
  const text = new NodeText(out, view.style);
  const problems = new FileProblems();
  const ends = new Map<string, FileEnd>();
  let nodes: readonly string[] = [];
  for await (const answer of answers) {
    if (view.jsonl) printJsonLine(out, NodeFileAnswerSchema, answer);
    const { kind } = answer;
    if (kind.case === 'selected') nodes = kind.value.nodes;
    else if (kind.case === 'end') {
      ends.set(kind.value.node, kind.value);
      if (!view.jsonl) text.end(kind.value.node);
    } else if (kind.case === 'answer' && !view.jsonl) await show(kind.value);
    if (view.jsonl) await out.drained();
  }
  const done = (node: string) => ends.get(node)?.outcome === FileOutcome.DONE;
  if (!view.jsonl) {
    const shown = nodes.filter((node) => done(node) || ends.get(node)?.outcome === FileOutcome.FAILED);
    await text.finish(shown.map((node) => ({ node, succeeded: done(node) })));
    for (const line of problems.render()) out.errLine(paint('error', `drover: ${line}`, out.errColors));
    const isClear = view.done === undefined && nodes.every(done);
    if (!isClear)
      for (const line of renderFileEnds({ nodes, ends }, view.done ?? 'done on')) out.errLine(line);
  }
  return exitCodeOfFiles({ nodes, ends });

  async function show({ node, answer }: { node: string; answer?: { kind: AnswerKind } | undefined }) {
    switch (answer?.kind.case) {
      case 'entry':
        return await text.pushLines(node, view.lines(answer.kind.value));
      case 'data':
        return await text.push(node, answer.kind.value);
      case 'problem':
        problems.add(node, answer.kind.value);
    }
  }
}

type AnswerKind = NonNullable<Extract<NodeFileAnswer['kind'], { case: 'answer' }>['value']['answer']>['kind'];
