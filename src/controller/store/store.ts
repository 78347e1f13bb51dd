/**
 * What the controller keeps, whatever database keeps it.
 *
 * GUARANTEES. `transact` is all or nothing and durable when its promise resolves (fsynced); transactions run one at a
 * time in the order of the calls, so what one reads is still true when it writes. `read` sees committed rows only and
 * may wait for the transaction under way; inside of `work` it is refused, as is another `transact`: use the writer.
 * Every method rejects with StoreError when the database fails; `find…` gives undefined where there is no row, an
 * update of a row that is not there rejects. The first method that rejects in a transaction dooms it: it is rolled back
 * and `transact` rejects, also where `work` caught the error. To try again, call `transact` again.
 * Rows come and go as the messages of `proto/` where there is one; freshness, node state and `active_tasks` in them are
 * left at their defaults unless said otherwise: the store knows only what was recorded. Times are milliseconds since the epoch.
 */
import type { EventKind } from '#core/event-kinds.ts';
import type { Ending } from '#core/outcome.ts';
import type { Rule } from '#protocol/gen/drover/v1/access_pb.ts';
import type { WhenUnreachable } from '#protocol/gen/drover/v1/api_pb.ts';
import type { HostFacts } from '#protocol/gen/drover/v1/node_pb.ts';
import type { Run, Task, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import type { NodeName, RunId, TaskId } from '#protocol/ids.ts';

/** A node as it was recorded. */
export interface NodeRecord {
  readonly name: NodeName;
  /** SHA-256 of the public key in its certificate (SPKI, DER), hex: its identity. */
  readonly keyFingerprint: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly joinedAtMs: number;
  /** When it was last heard of, as of the last time that was written; undefined before its first session. */
  readonly seenAtMs: number | undefined;
  readonly address: string;
  readonly version: string;
  readonly facts: HostFacts | undefined;
  /** Journal of its agent, and the last event of it that was applied. */
  readonly journalId: string;
  readonly acknowledgedEvent: bigint;
  /** The highest generation of its certificates that was used; 0 before its first session, and for those without one. */
  readonly generation: number;
  /** Undefined unless it takes no new tasks. */
  readonly drain: NodeDrain | undefined;
}

/** That a node takes no new tasks. */
export interface NodeDrain {
  /** For people; not empty. */
  readonly reason: string;
  /** Operator's name. */
  readonly by: string;
  readonly atMs: number;
}

/** A node that was removed: its key is refused for ever, its name is free. */
export interface RemovedNode {
  readonly keyFingerprint: string;
  readonly name: NodeName;
  readonly removedAtMs: number;
  /** Operator's name. */
  readonly removedBy: string;
}

/** What a session tells of its node. */
export type NodeSession = Pick<
  NodeRecord,
  'address' | 'version' | 'facts' | 'seenAtMs' | 'journalId' | 'acknowledgedEvent' | 'generation'
>;

/** A run with what the controller needs and the public message does not tell. */
export interface RunRecord {
  readonly run: Run;
  /** SHA-256 over the request that made it, hex: tells a retry from another run under the same id. */
  readonly digest: string;
  readonly whenUnreachable: WhenUnreachable;
}

/** A join token; its secret is kept as a hash only. */
export interface JoinTokenRecord {
  readonly id: string;
  /** SHA-256 of the secret, hex. */
  readonly secretHash: string;
  readonly names: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly usesLeft: number;
  readonly createdBy: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
}

/** Somebody who may use the cluster. */
export interface UserRecord {
  readonly name: string;
  /** Names of roles, in order; a role that is not there grants nothing. */
  readonly roles: readonly string[];
  /** No token of theirs is taken. */
  readonly disabled: boolean;
  /** The identity provider's id of the user; empty for one that has none there. */
  readonly subject: string;
  /** Name of a user; empty for the first, and for one that came by the identity provider. */
  readonly createdBy: string;
  readonly createdAtMs: number;
}

/** A token of a user; kept as a hash only. */
export interface UserTokenRecord {
  readonly id: string;
  /** Name of a recorded user. */
  readonly user: string;
  readonly description: string;
  /** Good for these roles of the user only; empty for all. */
  readonly roles: readonly string[];
  /** Good for the verbs of these names only; empty for all. */
  readonly verbs: readonly string[];
  /** SHA-256 of the secret, hex. */
  readonly secretHash: string;
  readonly createdAtMs: number;
  /** Undefined: never. */
  readonly expiresAtMs: number | undefined;
  /** As of the last time that was written; undefined before the first use. */
  readonly usedAtMs: number | undefined;
}

/** A role that was written; those of every cluster are not recorded. */
export interface RoleRecord {
  readonly name: string;
  readonly description: string;
  readonly rules: readonly Rule[];
  /** Another with each change. */
  readonly revision: string;
  /** Name of a user. */
  readonly changedBy: string;
  readonly changedAtMs: number;
}

/** One decision, for the audit. */
export interface AuditRecord {
  readonly atMs: number;
  /** Operator's name; "-" where nobody was known. */
  readonly who: string;
  /** Name of the verb, such as "task.launch". */
  readonly verb: string;
  readonly decision: 'allowed' | 'denied';
  /** Folded node set that it was about; empty for none. */
  readonly nodes: string;
  /** What else it was about: ids of a run, of tasks, of a token; empty for nothing. */
  readonly targets: string;
  /** What was asked, canonical JSON. Never a secret. */
  readonly request: string;
  /** Why it was denied; empty where it was allowed. */
  readonly reason: string;
}

/** One decision as it was recorded. */
export interface AuditRow extends AuditRecord {
  /** From 1, without a gap. */
  readonly sequence: number;
  /** Hex, by base/hash-chain.ts: over all the rest with `atMs` as `at`, and the hash of the row before. */
  readonly hash: string;
}

/** Something that happened, as it is recorded. Texts are empty where there is nothing to say. */
export interface EventRecord {
  readonly atMs: number;
  readonly kind: EventKind;
  readonly node: NodeName | '';
  readonly taskId: TaskId | '';
  readonly runId: RunId | '';
  /** Operator's name. */
  readonly who: string;
  readonly data: Readonly<Record<string, string>>;
}

/** Selects events; all conditions together. Empty arrays match nothing, undefined matches everything. */
export interface EventFilter {
  readonly kinds?: readonly EventKind[];
  readonly nodes?: readonly NodeName[];
  readonly taskIds?: readonly TaskId[];
  readonly runIds?: readonly RunId[];
  readonly sinceMs?: number;
}

/** Which events there are. */
export interface EventSpan {
  /** The first that is kept; `latest` + 1 where none is. */
  readonly oldest: number;
  /** The last that was recorded; 0 before the first. */
  readonly latest: number;
}

/** A stretch of events. */
export interface EventPage {
  /** Those that match, in their order. */
  readonly events: readonly (EventRecord & { readonly sequence: number })[];
  /** Every event up to here was looked at; as many as one call looks at may be fewer than there are. */
  readonly through: number;
  /** The last that was recorded at that moment. */
  readonly latest: number;
  /** So many behind the one that was asked for are no longer kept; 0 where the first that is kept was asked for. */
  readonly gone: number;
}

/** What is no longer to be kept. */
export interface EventRetention {
  /** Events beyond so many, the oldest first. */
  readonly keepMax: number;
  /** And those recorded before this. */
  readonly beforeMs: number;
  /** At most so many at once. */
  readonly limit: number;
}

/** Selects tasks; all conditions together. Empty arrays match nothing, undefined matches everything. */
export interface TaskFilter {
  readonly ids?: readonly TaskId[];
  readonly runIds?: readonly RunId[];
  readonly nodes?: readonly NodeName[];
  readonly states?: readonly TaskState[];
}

/** One page of a list, newest first. */
export interface Page<T> {
  readonly rows: readonly T[];
  /** Where the next page begins; undefined on the last one. Opaque. */
  readonly next: string | undefined;
}

/** Where a page begins and how long it is. */
export interface PageRequest {
  /** 1 to limits.pageMax. */
  readonly size: number;
  /** `next` of the previous page. */
  readonly after?: string | undefined;
}

/** Everything that can be asked. */
export interface StoreReader {
  /** Random id of the cluster, made with the database. */
  clusterId(): Promise<string>;

  findNode(name: NodeName): Promise<NodeRecord | undefined>;
  findNodeByKey(keyFingerprint: string): Promise<NodeRecord | undefined>;
  listNodes(): Promise<readonly NodeRecord[]>;
  /** The drains of those that are drained. */
  listDrains(): Promise<ReadonlyMap<NodeName, NodeDrain>>;
  findRemovedNode(keyFingerprint: string): Promise<RemovedNode | undefined>;
  listRemovedNodes(): Promise<readonly RemovedNode[]>;
  /** Number of tasks that have not ended, by node; nodes without any are absent. */
  countActiveTasks(): Promise<ReadonlyMap<NodeName, number>>;

  /** With its counts. */
  findRun(id: RunId): Promise<RunRecord | undefined>;
  /** Ids that begin with `prefix`, at most `limit`. */
  runIdsByPrefix(prefix: string, limit: number): Promise<readonly RunId[]>;
  /** Those with a pacing that have not ended, oldest first, with their counts. */
  pacedRuns(): Promise<readonly RunRecord[]>;
  /** Newest first, with their counts. @throws StoreError reason "invalid" for a page that cannot be. */
  listRuns(page: PageRequest): Promise<Page<Run>>;
  /** Number of ended tasks of a run by ending. */
  countEndings(id: RunId): Promise<ReadonlyMap<Ending, number>>;

  /**
   * With all their attempts, in no order; an id twice gives its task once. Tasks of one answer, here and below, may
   * share their spec, which nobody changes.
   *
   * @throws StoreError reason "failed" when one is not recorded.
   */
  getTasks(ids: readonly TaskId[]): Promise<readonly Task[]>;
  /** All tasks that match, in no order; for dispatch and for waiting, where a page would be wrong. */
  selectTasks(filter: TaskFilter): Promise<readonly Task[]>;
  /**
   * Newest first (by the order of recording, whatever the clock did); those of one run in the order of their insertion.
   *
   * @throws StoreError reason "invalid" for a page that cannot be.
   */
  listTasks(filter: TaskFilter, page: PageRequest): Promise<Page<Task>>;
  /** Ids that begin with `prefix`, at most `limit`. */
  taskIdsByPrefix(prefix: string, limit: number): Promise<readonly TaskId[]>;
  /** Tasks that have not ended and whose latest attempt has this leader, on any node. */
  tasksByPid(pid: number): Promise<readonly Task[]>;

  findUser(name: string): Promise<UserRecord | undefined>;
  findUserBySubject(subject: string): Promise<UserRecord | undefined>;
  /** By name. */
  listUsers(): Promise<readonly UserRecord[]>;
  /** By id, expired or not. */
  findUserToken(id: string): Promise<UserTokenRecord | undefined>;
  /** Tokens that could still be used at `nowMs`, newest first; of one user, or of all. */
  listUserTokens(user: string | undefined, nowMs: number): Promise<readonly UserTokenRecord[]>;
  findRole(name: string): Promise<RoleRecord | undefined>;
  /** By name. */
  listRoles(): Promise<readonly RoleRecord[]>;
  /** Tokens that could still be used at `nowMs`, newest first. */
  listJoinTokens(nowMs: number): Promise<readonly JoinTokenRecord[]>;
  /** By id, used up or not. */
  findJoinToken(id: string): Promise<JoinTokenRecord | undefined>;
  /** Oldest first, from the row after `afterSequence` (0: from the first). */
  listAudit(afterSequence: number, limit: number): Promise<readonly AuditRow[]>;
  /** Newest first, from the row before `beforeSequence`. */
  listAuditBefore(beforeSequence: number, limit: number): Promise<readonly AuditRow[]>;
  /** The first row whose time is not before `sinceMs`; Number.MAX_SAFE_INTEGER where there is none yet. */
  auditSince(sinceMs: number): Promise<number>;

  eventSpan(): Promise<EventSpan>;
  /** Oldest first, from the one after `afterSequence` (0: from the first that is kept), at most `limit`. */
  listEvents(filter: EventFilter, afterSequence: number, limit: number): Promise<EventPage>;
}

/** Everything that can be changed; exists inside a transaction only. */
export interface StoreWriter extends StoreReader {
  /** @throws StoreError reason "duplicate" when the name or key is taken. */
  insertNode(node: NodeRecord): Promise<void>;
  /** What a new session tells of a node. */
  updateNodeSession(name: NodeName, session: NodeSession): Promise<void>;
  /** A number for a new certificate of the node, higher than every one before. */
  nextGeneration(name: NodeName): Promise<number>;
  /** The node has used a certificate of this generation. Never lowers it. */
  confirmGeneration(name: NodeName, generation: number): Promise<void>;
  /** When these nodes were last heard of. Those that are not recorded (any more) are passed over. */
  updateNodesSeen(seenAtMs: ReadonlyMap<NodeName, number>): Promise<void>;
  /** The hosts of these nodes as they are now. Those that are not recorded (any more) are passed over. */
  updateNodesFacts(facts: ReadonlyMap<NodeName, HostFacts>): Promise<void>;
  /** All labels of each of these nodes, in place of those that it had. */
  setNodeLabels(labels: ReadonlyMap<NodeName, Readonly<Record<string, string>>>): Promise<void>;
  /** These nodes take no new tasks, or do again (undefined). */
  setNodesDrain(names: readonly NodeName[], drain: NodeDrain | undefined): Promise<void>;
  /** Takes the node out; its tasks stay as they are recorded. */
  removeNode(removed: RemovedNode): Promise<void>;
  /**
   * The last event that was applied of each of these nodes' journals. Those that are not recorded (any more) are passed over.
   */
  setAcknowledgedEvents(events: ReadonlyMap<NodeName, bigint>): Promise<void>;

  /** @throws StoreError reason "duplicate" when the id is taken. */
  insertRun(run: RunRecord): Promise<void>;
  setRunEnded(id: RunId, endedAtMs: number): Promise<void>;
  /** In this order, each of a recorded run. @throws StoreError reason "duplicate" when an id is taken. */
  insertTasks(tasks: readonly Task[]): Promise<void>;
  /** Replaces everything of these tasks, each named once, that may change: state, reason, outcome, cause and attempts. */
  updateTasks(tasks: readonly Task[]): Promise<void>;

  /** @throws StoreError reason "duplicate" when the name or the subject is taken. */
  insertUser(user: UserRecord): Promise<void>;
  /** Replaces everything of a user but the name. */
  updateUser(user: UserRecord): Promise<void>;
  /** With all tokens of theirs. */
  removeUser(name: string): Promise<void>;
  /** Forgets tokens of a user that cannot be used any more at `nowMs`. */
  removeExpiredUserTokens(user: string, nowMs: number): Promise<void>;
  /** @throws StoreError reason "duplicate" when the id is taken. */
  insertUserToken(token: UserTokenRecord): Promise<void>;
  /** When tokens were last used. Those that are not recorded (any more) are passed over. */
  updateUserTokensUsed(usedAtMs: ReadonlyMap<string, number>): Promise<void>;
  /** False when there is none. */
  revokeUserToken(id: string): Promise<boolean>;
  /** In place of one of the same name, if there is one. */
  putRole(role: RoleRecord): Promise<void>;
  /** False when there is none. */
  removeRole(name: string): Promise<boolean>;
  insertJoinToken(token: JoinTokenRecord): Promise<void>;
  /** Takes one use by one conditional UPDATE; false when it is used up, expired at `nowMs`, or its hash is another. */
  consumeJoinToken(id: string, secretHash: string, nowMs: number): Promise<boolean>;
  /** False when there is none. */
  revokeJoinToken(id: string): Promise<boolean>;

  /** Under the next number, chained to the row before; with the commit `onAudit` tells of it. */
  insertAudit(record: AuditRecord): Promise<void>;

  /** In this order, under the next numbers; with the commit `onEvents` tells of them. */
  insertEvents(records: readonly EventRecord[]): Promise<void>;
  /** Gives up the oldest events. @returns how many. */
  pruneEvents(retention: EventRetention): Promise<number>;
}

/** The store, open. Disposing of it waits for all that was asked of it before, and closes the database. */
export interface Store extends AsyncDisposable {
  readonly read: StoreReader;
  transact<T>(work: (writer: StoreWriter) => Promise<T>): Promise<T>;
  /**
   * Calls `listener`, which must not throw, after each commit that has recorded events. A hint to look, without content.
   * Dispose of the result to stop.
   */
  onEvents(listener: () => void): Disposable;
  /** The same for commits that have recorded decisions. */
  onAudit(listener: () => void): Disposable;
}

/** The database refused or failed. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  /**
   * "duplicate": a key is taken; "newer": written by a newer version of Drover; "invalid": a page's size is out of
   * range or its token not one of that list; "failed": all else.
   */
  readonly reason: 'duplicate' | 'newer' | 'invalid' | 'failed';

  constructor(reason: StoreError['reason'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}
