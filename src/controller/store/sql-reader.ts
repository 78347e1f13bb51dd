/** StoreReader over SQL: gives each query its scope and its words. Decides nothing. */
import type { Ending } from '#core/outcome.ts';
import type { Run, Task } from '#protocol/gen/drover/v1/task_pb.ts';
import type { NodeName, RunId, TaskId } from '#protocol/ids.ts';
import { auditSince, listAudit, listAuditBefore } from './audit.ts';
import { clusterId } from './cluster.ts';
import { eventSpan, listEvents } from './events.ts';
import {
  findNode,
  findNodeByKey,
  findRemovedNode,
  listDrains,
  listNodes,
  listRemovedNodes,
} from './nodes.ts';
import { countEndings, findRun, listRuns, pacedRuns, runIdsByPrefix } from './runs.ts';
import type { Scope } from './sql-scope.ts';
import type {
  AuditRow,
  EventFilter,
  EventPage,
  EventSpan,
  JoinTokenRecord,
  NodeDrain,
  NodeRecord,
  Page,
  PageRequest,
  RemovedNode,
  RoleRecord,
  RunRecord,
  StoreReader,
  TaskFilter,
  UserRecord,
  UserTokenRecord,
} from './store.ts';
import {
  countActiveTasks,
  getTasks,
  listTasks,
  selectTasks,
  taskIdsByPrefix,
  tasksByPid,
} from './task-queries.ts';
import { findJoinToken, listJoinTokens } from './tokens.ts';
import {
  findRole,
  findUser,
  findUserBySubject,
  findUserToken,
  listRoles,
  listUsers,
  listUserTokens,
} from './users.ts';

/** @see StoreReader */
export class SqlReader implements StoreReader {
  readonly #scope: Scope;

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  clusterId(): Promise<string> {
    return this.#scope.run('read the id of the cluster', clusterId);
  }

  findNode(name: NodeName): Promise<NodeRecord | undefined> {
    return this.#scope.run(`read node ${name}`, (db) => findNode(db, name));
  }

  findNodeByKey(keyFingerprint: string): Promise<NodeRecord | undefined> {
    return this.#scope.run('find a node by its key', (db) => findNodeByKey(db, keyFingerprint));
  }

  listNodes(): Promise<readonly NodeRecord[]> {
    return this.#scope.run('list the nodes', listNodes);
  }

  listDrains(): Promise<ReadonlyMap<NodeName, NodeDrain>> {
    return this.#scope.run('list the drained nodes', listDrains);
  }

  findRemovedNode(keyFingerprint: string): Promise<RemovedNode | undefined> {
    return this.#scope.run('find a removed node by its key', (db) => findRemovedNode(db, keyFingerprint));
  }

  listRemovedNodes(): Promise<readonly RemovedNode[]> {
    return this.#scope.run('list the removed nodes', listRemovedNodes);
  }

  countActiveTasks(): Promise<ReadonlyMap<NodeName, number>> {
    return this.#scope.run('count the active tasks', countActiveTasks);
  }

  findRun(id: RunId): Promise<RunRecord | undefined> {
    return this.#scope.run(`read run ${id}`, (db) => findRun(db, id));
  }

  runIdsByPrefix(prefix: string, limit: number): Promise<readonly RunId[]> {
    return this.#scope.run('find runs by prefix', (db) => runIdsByPrefix(db, prefix, limit));
  }

  pacedRuns(): Promise<readonly RunRecord[]> {
    return this.#scope.run('read the paced runs', pacedRuns);
  }

  listRuns(page: PageRequest): Promise<Page<Run>> {
    return this.#scope.run('list the runs', (db) => listRuns(db, page));
  }

  countEndings(id: RunId): Promise<ReadonlyMap<Ending, number>> {
    return this.#scope.run(`count the endings of run ${id}`, (db) => countEndings(db, id));
  }

  getTasks(ids: readonly TaskId[]): Promise<readonly Task[]> {
    return this.#scope.run(`read ${ids.length} tasks`, (db) => getTasks(db, ids));
  }

  selectTasks(filter: TaskFilter): Promise<readonly Task[]> {
    return this.#scope.run('select tasks', (db) => selectTasks(db, filter));
  }

  listTasks(filter: TaskFilter, page: PageRequest): Promise<Page<Task>> {
    return this.#scope.run('list tasks', (db) => listTasks(db, filter, page));
  }

  taskIdsByPrefix(prefix: string, limit: number): Promise<readonly TaskId[]> {
    return this.#scope.run('find tasks by prefix', (db) => taskIdsByPrefix(db, prefix, limit));
  }

  tasksByPid(pid: number): Promise<readonly Task[]> {
    return this.#scope.run(`find the tasks of process ${pid}`, (db) => tasksByPid(db, pid));
  }

  findUser(name: string): Promise<UserRecord | undefined> {
    return this.#scope.run(`read user ${name}`, (db) => findUser(db, name));
  }

  findUserBySubject(subject: string): Promise<UserRecord | undefined> {
    return this.#scope.run('find a user by subject', (db) => findUserBySubject(db, subject));
  }

  listUsers(): Promise<readonly UserRecord[]> {
    return this.#scope.run('list the users', listUsers);
  }

  findUserToken(id: string): Promise<UserTokenRecord | undefined> {
    return this.#scope.run('find a token', (db) => findUserToken(db, id));
  }

  listUserTokens(user: string | undefined, nowMs: number): Promise<readonly UserTokenRecord[]> {
    return this.#scope.run('list the tokens of users', (db) => listUserTokens(db, user, nowMs));
  }

  findRole(name: string): Promise<RoleRecord | undefined> {
    return this.#scope.run(`read role ${name}`, (db) => findRole(db, name));
  }

  listRoles(): Promise<readonly RoleRecord[]> {
    return this.#scope.run('list the roles', listRoles);
  }

  listJoinTokens(nowMs: number): Promise<readonly JoinTokenRecord[]> {
    return this.#scope.run('list the join tokens', (db) => listJoinTokens(db, nowMs));
  }

  findJoinToken(id: string): Promise<JoinTokenRecord | undefined> {
    return this.#scope.run(`read join token ${id}`, (db) => findJoinToken(db, id));
  }

  listAudit(afterSequence: number, limit: number): Promise<readonly AuditRow[]> {
    return this.#scope.run('read the audit', (db) => listAudit(db, afterSequence, limit));
  }

  listAuditBefore(beforeSequence: number, limit: number): Promise<readonly AuditRow[]> {
    return this.#scope.run('read the audit', (db) => listAuditBefore(db, beforeSequence, limit));
  }

  auditSince(sinceMs: number): Promise<number> {
    return this.#scope.run('find a time in the audit', (db) => auditSince(db, sinceMs));
  }

  eventSpan(): Promise<EventSpan> {
    return this.#scope.run('read which events there are', eventSpan);
  }

  listEvents(filter: EventFilter, afterSequence: number, limit: number): Promise<EventPage> {
    return this.#scope.run('read the events', (db) => listEvents(db, filter, afterSequence, limit));
  }
}
