/**
 * A run at its end: output that is equal is shown once, under the folded set of the nodes that printed it. What is missing
 * in an output stands where it is missing, as a line of it, so that such output equals no whole one.
 */
import type { Followed } from '#cli/follow/follow-tasks.ts';
import { LinePrefixer } from '#cli/output/line-prefixer.ts';
import { LogPrinter } from '#cli/output/log-printer.ts';
import type { Output } from '#cli/output/output.ts';
import { renderGroupDiff } from '#cli/output/render-diff.ts';
import { type FindRest, renderGroup } from '#cli/output/render-groups.ts';
import { oneLine } from '#cli/output/strip-control.ts';
import { OutputCollector, type OutputStream } from '#core/fold-output/collect-output.ts';
import { mergeSimilar } from '#core/fold-output/merge-similar.ts';
import type { FoldedTask, OutputGroup } from '#core/fold-output/output-group.ts';
import { describeEnd, endingOf } from '#core/outcome.ts';
import { type LogChunk, LogSource, type Task, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import type { FoldPlan } from './plan-view.ts';
import type { RunView } from './run-view.ts';
import type { SpilledLines } from './spilled-lines.ts';

/** Lines that are printed before looking whether somebody reads them. */
const linesAtOnce = 1_000;

/** One output of one task, on its way to the collector. */
interface Taking {
  readonly taskId: string;
  readonly stream: OutputStream;
  readonly lines: LinePrefixer;
  attempt: number;
}

/** Collects, and prints at the end. */
export class FoldedView implements RunView {
  readonly wantsOutput = true;
  readonly hasFooter = true;
  readonly #out: Output;
  readonly #plan: FoldPlan;
  readonly #collector = new OutputCollector();
  /** What the collector does not keep. */
  readonly #spilled: SpilledLines;
  readonly #takings = new Map<string, Taking>();
  /** Standard error as it comes, where it is not folded. */
  readonly #live: LogPrinter;

  /** @param spilled is the caller's, and must outlive this. */
  constructor(out: Output, plan: FoldPlan, spilled: SpilledLines) {
    this.#out = out;
    this.#plan = plan;
    this.#spilled = spilled;
    this.#live = new LogPrinter(out, { prefix: ({ node }) => `${node}: `, raw: false });
  }

  task({ id, state }: Task): void {
    if (state !== TaskState.ENDED) return;
    this.#live.flush(id);
    for (const source of [LogSource.STDOUT, LogSource.STDERR]) {
      const key = `${id} ${source}`;
      this.#complete(this.#takings.get(key));
      this.#takings.delete(key);
    }
  }

  async log(chunk: LogChunk): Promise<void> {
    if (chunk.source === LogSource.STDERR && !this.#plan.withStderr) await this.#live.print(chunk);
    else this.#take(chunk);
  }

  flush(): void {
    this.#live.flush();
    for (const taking of this.#takings.values()) this.#complete(taking);
  }

  async finish({ tasks }: Followed): Promise<void> {
    const groups = this.#groups(tasks.flatMap((task) => foldedTask(task) ?? []));
    for (const group of groups) {
      let unsent = 0;
      for (const line of this.#render(group, groups[0])) {
        this.#out.outLine(line);
        unsent = (unsent + 1) % linesAtOnce;
        if (unsent === 0) await this.#out.drained();
      }
      await this.#out.drained();
    }
  }

  #groups(tasks: readonly FoldedTask[]): OutputGroup[] {
    const groups = this.#collector.group(tasks);
    return this.#plan.similar ? mergeSimilar(groups) : groups;
  }

  #render(group: OutputGroup, largest: OutputGroup | undefined): Iterable<string> {
    const style = { width: this.#out.columns, colors: this.#out.outColors };
    const findRest: FindRest = (id, stream, lines) => this.#spilled.find(spillKey(id, stream), lines);
    if (!this.#plan.diff || largest === undefined || group === largest)
      return renderGroup(group, style, findRest);
    return renderGroupDiff(group, largest, style, findRest);
  }

  #take(chunk: LogChunk): void {
    const { taskId, source, attempt, goneBytes, data } = chunk;
    const key = `${taskId} ${source}`;
    const known = this.#takings.get(key);
    const stream = source === LogSource.STDERR ? 'stderr' : 'stdout';
    const taking = known ?? { taskId, stream, lines: new LinePrefixer(''), attempt };
    if (!known) this.#takings.set(key, taking);
    if (taking.attempt !== attempt) this.#say(taking, `attempt ${attempt} begins here`);
    taking.attempt = attempt;
    if (goneBytes > 0n) this.#say(taking, `${goneBytes} bytes are gone here`);
    this.#add(taking, taking.lines.push(data));
  }

  #say(taking: Taking, what: string): void {
    this.#complete(taking);
    this.#add(taking, `drover: ${what}\n`);
  }

  #complete(taking: Taking | undefined): void {
    if (taking) this.#add(taking, taking.lines.end());
  }

  #add({ taskId, stream }: Taking, text: string): void {
    if (text === '') return;
    const lines = text.slice(0, -1).split('\n');
    const kept = lines.findIndex((line) => !this.#collector.add(taskId, stream, line));
    if (kept < 0) return;
    for (const line of lines.slice(kept + 1)) this.#collector.add(taskId, stream, line);
    this.#spilled.add(spillKey(taskId, stream), lines.slice(kept));
  }
}

function spillKey(taskId: string, stream: OutputStream): string {
  return `${taskId} ${stream}`;
}

/** Undefined for one that no process ever ran of: it printed nothing, and the footer says why. */
function foldedTask({ id, node, outcome, cause }: Task): FoldedTask | undefined {
  const kind = outcome?.kind.case;
  if (kind === 'skipped' || kind === 'unreachable' || kind === 'notStarted') return undefined;
  const ending = outcome ? oneLine(describeEnd(outcome, cause)) : 'not ended';
  return { id, node, ending, succeeded: outcome !== undefined && endingOf(outcome) === 'succeeded' };
}
