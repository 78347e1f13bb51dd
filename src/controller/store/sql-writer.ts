/** StoreWriter over SQL: gives each statement the transaction and its words. Decides nothing. */
import type { HostFacts } from '#protocol/gen/drover/v1/node_pb.ts';
import type { Task } from '#protocol/gen/drover/v1/task_pb.ts';
import type { NodeName, RunId } from '#protocol/ids.ts';
import { insertAudit } from './audit.ts';
import { insertEvents, pruneEvents } from './events.ts';
import {
  confirmGeneration,
  insertNode,
  nextGeneration,
  removeNode,
  setAcknowledgedEvents,
  setNodeLabels,
  setNodesDrain,
  updateNodeSession,
  updateNodesFacts,
  updateNodesSeen,
} from './nodes.ts';
import { insertRun, setRunEnded } from './runs.ts';
import { SqlReader } from './sql-reader.ts';
import type { Scope } from './sql-scope.ts';
import type {
  AuditRecord,
  EventRecord,
  EventRetention,
  JoinTokenRecord,
  NodeDrain,
  NodeRecord,
  NodeSession,
  RemovedNode,
  RoleRecord,
  RunRecord,
  StoreWriter,
  UserRecord,
  UserTokenRecord,
} from './store.ts';
import { insertTasks, updateTasks } from './task-writes.ts';
import { consumeJoinToken, insertJoinToken, revokeJoinToken } from './tokens.ts';
import {
  insertUser,
  insertUserToken,
  putRole,
  removeExpiredUserTokens,
  removeRole,
  removeUser,
  revokeUserToken,
  updateUser,
  updateUserTokensUsed,
} from './users.ts';

/** @see StoreWriter */
export class SqlWriter extends SqlReader implements StoreWriter {
  readonly #scope: Scope;
  readonly #events: EventRecord[] = [];
  #hasAudited = false;

  constructor(scope: Scope) {
    super(scope);
    this.#scope = scope;
  }

  /** What was recorded by it. */
  get events(): readonly EventRecord[] {
    return this.#events;
  }

  /** Whether a decision was recorded by it. */
  get hasAudited(): boolean {
    return this.#hasAudited;
  }

  insertNode(node: NodeRecord): Promise<void> {
    return this.#scope.run(`record node ${node.name}`, (db) => insertNode(db, node));
  }

  updateNodeSession(name: NodeName, session: NodeSession): Promise<void> {
    return this.#scope.run(`record the session of node ${name}`, (db) =>
      updateNodeSession(db, name, session),
    );
  }

  nextGeneration(name: NodeName): Promise<number> {
    return this.#scope.run(`number a certificate of node ${name}`, (db) => nextGeneration(db, name));
  }

  confirmGeneration(name: NodeName, generation: number): Promise<void> {
    return this.#scope.run(`record which certificate node ${name} has`, (db) =>
      confirmGeneration(db, name, generation),
    );
  }

  updateNodesSeen(seenAtMs: ReadonlyMap<NodeName, number>): Promise<void> {
    return this.#scope.run(`record when ${seenAtMs.size} nodes were heard of`, (db) =>
      updateNodesSeen(db, seenAtMs),
    );
  }

  updateNodesFacts(facts: ReadonlyMap<NodeName, HostFacts>): Promise<void> {
    return this.#scope.run(`record the facts of ${facts.size} nodes`, (db) => updateNodesFacts(db, facts));
  }

  setNodeLabels(labels: ReadonlyMap<NodeName, Readonly<Record<string, string>>>): Promise<void> {
    return this.#scope.run(`record the labels of ${labels.size} nodes`, (db) => setNodeLabels(db, labels));
  }

  setNodesDrain(names: readonly NodeName[], drain: NodeDrain | undefined): Promise<void> {
    return this.#scope.run(`record the drain of ${names.length} nodes`, (db) =>
      setNodesDrain(db, names, drain),
    );
  }

  removeNode(removed: RemovedNode): Promise<void> {
    return this.#scope.run(`remove node ${removed.name}`, (db) => removeNode(db, removed));
  }

  setAcknowledgedEvents(events: ReadonlyMap<NodeName, bigint>): Promise<void> {
    return this.#scope.run(`record the events of ${events.size} nodes`, (db) =>
      setAcknowledgedEvents(db, events),
    );
  }

  insertRun(run: RunRecord): Promise<void> {
    return this.#scope.run(`record run ${run.run.id}`, (db) => insertRun(db, run));
  }

  setRunEnded(id: RunId, endedAtMs: number): Promise<void> {
    return this.#scope.run(`record the end of run ${id}`, (db) => setRunEnded(db, id, endedAtMs));
  }

  insertTasks(tasks: readonly Task[]): Promise<void> {
    return this.#scope.run(`record ${tasks.length} tasks`, (db) => insertTasks(db, tasks));
  }

  updateTasks(tasks: readonly Task[]): Promise<void> {
    return this.#scope.run(`record changes of ${tasks.length} tasks`, (db) => updateTasks(db, tasks));
  }

  insertUser(user: UserRecord): Promise<void> {
    return this.#scope.run(`record user ${user.name}`, (db) => insertUser(db, user));
  }

  updateUser(user: UserRecord): Promise<void> {
    return this.#scope.run(`record changes of user ${user.name}`, (db) => updateUser(db, user));
  }

  removeUser(name: string): Promise<void> {
    return this.#scope.run(`remove user ${name}`, (db) => removeUser(db, name));
  }

  removeExpiredUserTokens(user: string, nowMs: number): Promise<void> {
    return this.#scope.run(`forget expired tokens of user ${user}`, (db) =>
      removeExpiredUserTokens(db, user, nowMs),
    );
  }

  insertUserToken(token: UserTokenRecord): Promise<void> {
    return this.#scope.run(`record token ${token.id}`, (db) => insertUserToken(db, token));
  }

  updateUserTokensUsed(usedAtMs: ReadonlyMap<string, number>): Promise<void> {
    return this.#scope.run(`record when ${usedAtMs.size} tokens were used`, (db) =>
      updateUserTokensUsed(db, usedAtMs),
    );
  }

  revokeUserToken(id: string): Promise<boolean> {
    return this.#scope.run(`revoke token ${id}`, (db) => revokeUserToken(db, id));
  }

  putRole(role: RoleRecord): Promise<void> {
    return this.#scope.run(`record role ${role.name}`, (db) => putRole(db, role));
  }

  removeRole(name: string): Promise<boolean> {
    return this.#scope.run(`remove role ${name}`, (db) => removeRole(db, name));
  }

  insertJoinToken(token: JoinTokenRecord): Promise<void> {
    return this.#scope.run(`record join token ${token.id}`, (db) => insertJoinToken(db, token));
  }

  consumeJoinToken(id: string, secretHash: string, nowMs: number): Promise<boolean> {
    return this.#scope.run(`use join token ${id}`, (db) => consumeJoinToken(db, id, secretHash, nowMs));
  }

  revokeJoinToken(id: string): Promise<boolean> {
    return this.#scope.run(`revoke join token ${id}`, (db) => revokeJoinToken(db, id));
  }

  async insertAudit(record: AuditRecord): Promise<void> {
    await this.#scope.run('record a decision', (db) => insertAudit(db, record));
    this.#hasAudited = true;
  }

  async insertEvents(records: readonly EventRecord[]): Promise<void> {
    if (records.length === 0) return;
    await this.#scope.run(`record ${records.length} events`, (db) => insertEvents(db, records));
    for (const record of records) this.#events.push(record);
  }

  pruneEvents(retention: EventRetention): Promise<number> {
    return this.#scope.run('give up old events', (db) => pruneEvents(db, retention));
  }
}
