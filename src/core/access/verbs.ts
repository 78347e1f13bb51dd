/** The verbs that roles grant, by name, and what of a request each can be asked about. */
import { Verb } from '#protocol/gen/drover/v1/options_pb.ts';

/** What a rule can make its answer depend on. */
export type Condition = 'nodes' | 'run-as' | 'commands';

/** The verbs of this version: one without an entry below does not compile. */
type KnownVerb = (typeof Verb)[keyof typeof Verb];

/**
 * Of every verb, the conditions that can be asked of it; undefined for what no role grants. A call about no node in particular,
 * such as the stop of the cluster, is met by no rule that is about nodes.
 */
const conditionsOf: Readonly<Record<KnownVerb, readonly Condition[] | undefined>> = {
  [Verb.UNSPECIFIED]: undefined,
  [Verb.ANYONE]: undefined,
  [Verb.SELF]: undefined,
  [Verb.NODE_READ]: ['nodes'],
  [Verb.NODE_MANAGE]: ['nodes'],
  [Verb.TASK_READ]: ['nodes'],
  [Verb.TASK_LAUNCH]: ['nodes', 'run-as', 'commands'],
  [Verb.TASK_SIGNAL]: ['nodes', 'run-as', 'commands'],
  [Verb.TASK_SHELL]: ['nodes', 'run-as'],
  [Verb.LOGS_READ]: ['nodes', 'run-as', 'commands'],
  [Verb.FILE_READ]: ['nodes'],
  [Verb.FILE_WRITE]: ['nodes'],
  [Verb.FILE_REMOVE]: ['nodes'],
  [Verb.SHELL_OPEN]: ['nodes', 'run-as', 'commands'],
  [Verb.TOKEN_CREATE]: [],
  [Verb.USER_MANAGE]: [],
  [Verb.AUDIT_READ]: [],
};

const names: ReadonlyMap<number, string> = new Map(
  Object.entries(Verb).map(([name, verb]) => [verb, name.toLowerCase().replace('_', '.')]),
);

/** Name of a verb as roles and the audit write it, such as "task.launch". */
export function verbName(verb: Verb): string {
  return names.get(verb) ?? String(verb);
}

/** Every verb that a role can grant. */
export const grantableVerbs: readonly Verb[] = Object.values(Verb).filter(
  (verb) => conditionsOf[verb] !== undefined,
);

const verbsByName: ReadonlyMap<string, Verb> = new Map(grantableVerbs.map((verb) => [verbName(verb), verb]));

/** The verb of that name; undefined where no role can grant one. */
export function findVerb(name: string): Verb | undefined {
  return verbsByName.get(name);
}

/** Whether all of these can be asked of a verb. */
export function canBeAsked(verb: Verb, conditions: readonly Condition[]): boolean {
  const known = conditionsOf[verb as KnownVerb] ?? [];
  return conditions.every((condition) => known.includes(condition));
}
