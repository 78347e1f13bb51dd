/**
 * The tables as Kysely sees them; `migrations/` makes them.
 *
 * A backend keeps to this: a column that is `number` here is a 64-bit integer there and comes back as a JavaScript
 * number, text compares byte by byte (PostgreSQL: a database with collation "C"), and messages are canonical JSON text
 * (ProtoJSON). Columns that end in `_at` are milliseconds since the epoch.
 */
import type { Kysely } from 'kysely';
import type { EventKind } from '#core/event-kinds.ts';
import type { Ending } from '#core/outcome.ts';
import type { WhenUnreachable } from '#protocol/gen/drover/v1/api_pb.ts';
import type { Cause, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';

/** Exactly one row. */
export interface ClusterTable {
  id: string;
}

/** Numbers that only grow and are never given twice, by what they number. */
export interface CountersTable {
  name: 'run' | 'audit' | 'event';
  /** The last one given. */
  value: number;
}

/** @see NodeRecord */
export interface NodesTable {
  name: string;
  key_fingerprint: string;
  /** JSON object. */
  labels: string;
  joined_at: number;
  seen_at: number | null;
  address: string;
  version: string;
  /** HostFacts. */
  facts: string | null;
  journal_id: string;
  /** Decimal, since it is the one number that may exceed 2^53. */
  acknowledged_event: string;
  /** Of its certificates: the highest that was used, and the highest that was given. */
  generation: number;
  generation_given: number;
  /** This and the next two: null unless the node is drained. */
  drain_reason: string | null;
  drained_by: string | null;
  drained_at: number | null;
}

/** @see RemovedNode */
export interface RemovedNodesTable {
  key_fingerprint: string;
  name: string;
  removed_at: number;
  removed_by: string;
}

/** @see RunRecord */
export interface RunsTable {
  /** In the order of recording: the bigger is the newer, whatever the clock did. */
  number: number;
  id: string;
  name: string;
  /** TaskSpec. */
  spec: string;
  nodes: string;
  created_by: string;
  created_at: number;
  ended_at: number | null;
  digest: string;
  when_unreachable: WhenUnreachable;
  /** Pacing; null where all tasks are started at once. */
  pacing: string | null;
}

/** Tasks with all their attempts. */
export interface TasksTable {
  id: string;
  /** `runs.number`. */
  run: number;
  /** Unique; the bigger is the newer, and within a run the earlier in its order. See task-order.ts. */
  recency: number;
  node: string;
  /** TaskSpec; null for that of its run. */
  spec: string | null;
  state: TaskState;
  reason: string;
  created_at: number;
  /** JSON array of Attempt. */
  attempts: string;
  /** Outcome. */
  outcome: string | null;
  cause: Cause;
  /** Class of the outcome; null exactly as long as the task has not ended. */
  ending: Ending | null;
  /** Leader of the latest attempt; null where there is none, and once the task has ended. */
  pid: number | null;
}

/** @see JoinTokenRecord */
export interface JoinTokensTable {
  id: string;
  secret_hash: string;
  names: string;
  /** JSON object. */
  labels: string;
  uses_left: number;
  created_by: string;
  created_at: number;
  expires_at: number;
}

/** @see UserRecord */
export interface UsersTable {
  name: string;
  /** JSON array of texts. */
  roles: string;
  /** Null where the user is not disabled. */
  disabled: 1 | null;
  /** Null for none. */
  subject: string | null;
  created_by: string;
  created_at: number;
}

/** @see UserTokenRecord */
export interface UserTokensTable {
  id: string;
  /** `users.name`. */
  user_name: string;
  description: string;
  /** JSON array of texts. */
  roles: string;
  /** JSON array of texts. */
  verbs: string;
  secret_hash: string;
  created_at: number;
  expires_at: number | null;
  used_at: number | null;
}

/** @see RoleRecord */
export interface RolesTable {
  name: string;
  description: string;
  /** JSON array of Rule. */
  rules: string;
  revision: string;
  changed_by: string;
  changed_at: number;
}

/** @see AuditRecord */
export interface AuditTable {
  sequence: number;
  at: number;
  who: string;
  verb: string;
  decision: 'allowed' | 'denied';
  nodes: string;
  targets: string;
  request: string;
  reason: string;
  /** SHA-256, hex, over the row and the hash of the one before: base/hash-chain.ts. */
  hash: string;
}

/** @see EventRecord */
export interface EventsTable {
  /** Without a gap, from the oldest that is kept. */
  sequence: number;
  at: number;
  kind: EventKind;
  /** Here and in the next three: empty for none. */
  node: string;
  task_id: string;
  run_id: string;
  who: string;
  /** JSON object of texts. */
  data: string;
}

/** All of them. */
export interface Schema {
  cluster: ClusterTable;
  counters: CountersTable;
  nodes: NodesTable;
  removed_nodes: RemovedNodesTable;
  runs: RunsTable;
  tasks: TasksTable;
  join_tokens: JoinTokensTable;
  users: UsersTable;
  user_tokens: UserTokensTable;
  roles: RolesTable;
  audit: AuditTable;
  events: EventsTable;
}

/** Runs statements: the database itself, one of its connections, or a transaction. */
export type Executor = Kysely<Schema>;
