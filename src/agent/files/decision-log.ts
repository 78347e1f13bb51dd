/**
 * What the agent's log and the node's audit say of one order about files: what the policy decided by its paths, and what was refused only where the paths
 * led, such as a root, a mount point or the agent's own state. Decides nothing.
 */
import type { NodeAudit } from '#agent/audit/node-audit.ts';
import type { Logger } from '#base/log.ts';
import type { FileProblem } from '#protocol/gen/drover/v1/file_pb.ts';
import type { FilesUp } from '#protocol/gen/drover/v1/link_pb.ts';
import type { FileDecision } from './decide-files.ts';

/** Paths, and refusals, of one order that are logged. */
const loggedMax = 20;

/** A path as it was asked for, and what the policy says of it. */
export interface DecidedPath {
  readonly asked: string;
  readonly decision: FileDecision;
}

/** Of one order. Dispose of it when the order is over. */
export class DecisionLog implements Disposable {
  readonly #log: Logger;
  readonly #audit: NodeAudit;
  readonly #who: { readonly operator: string; readonly order: string };
  /** What is in the log already, and comes again as a problem. */
  readonly #denied = new Set<string>();
  #refusals = 0;

  constructor(log: Logger, audit: NodeAudit, operator: string, order: string) {
    this.#log = log;
    this.#audit = audit;
    this.#who = { operator, order };
  }

  /** The policy has decided. */
  decided(paths: readonly DecidedPath[]): void {
    const denied = paths.filter(({ decision }) => !decision.allowed);
    for (const { asked } of denied) this.#denied.add(asked);
    const isDenied = paths.length > 0 && denied.length === paths.length;
    this.#audit.record({
      what: 'files',
      decision: isDenied ? 'denied' : 'allowed',
      ...this.#who,
      paths: paths.map(({ asked }) => asked),
      ...(denied.length > 0 && { denied: denied.map(({ asked }) => asked) }),
    });
    const first = (some: readonly DecidedPath[]) =>
      some.slice(0, loggedMax).map(({ decision }) => decision.path);
    this.#log.info(
      {
        ...this.#who,
        paths: first(paths),
        ...(paths.length > loggedMax && { pathsInAll: paths.length }),
        ...(denied.length > 0 && { denied: first(denied) }),
      },
      denied.length > 0 ? 'files: denied by the policy' : 'files: allowed by the policy',
    );
  }

  /** The order tells this: a refusal is logged. */
  told({ kind }: FilesUp): void {
    const told = kind.value?.kind;
    if (told?.case === 'problem') this.#problem(told.value);
  }

  /** Of all that it is about, for that reason. */
  refused(reason: string): void {
    this.#audit.record({ what: 'files', decision: 'denied', ...this.#who, reason });
    this.#log.info({ ...this.#who, reason }, 'files: refused');
  }

  [Symbol.dispose](): void {
    if (this.#refusals <= loggedMax) return;
    this.#log.info({ ...this.#who, refusals: this.#refusals }, 'files: refused');
  }

  #problem({ path, error, denied }: FileProblem): void {
    if (!denied || this.#denied.has(path)) return;
    this.#refusals += 1;
    if (this.#refusals > loggedMax) return;
    this.#audit.record({ what: 'files', decision: 'denied', ...this.#who, paths: [path], reason: error });
    this.#log.info({ ...this.#who, path, reason: error }, 'files: refused');
  }
}
