import assert from 'node:assert/strict';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { test } from 'node:test';
import { type CompiledQuery, Kysely } from 'kysely';
import { activeStates } from '#core/task-state.ts';
import { TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { auditRecord, pendingTask, runRecord } from './contract/records.ts';
import { migrate } from './migrate.ts';
import { newEvent } from './new-event.ts';
import { nodeSqliteDialect } from './node-sqlite-dialect.ts';
import type { Schema } from './schema.ts';
import { SqlWriter } from './sql-writer.ts';

const page = { size: 50 };

/** Everything that is asked or changed while a cluster works, but for what reads a whole table on purpose. */
const questions: Readonly<Record<string, (store: SqlWriter) => Promise<unknown>>> = {
  'listTasks()': (store) => store.listTasks({}, page),
  'listTasks() active': (store) => store.listTasks({ states: activeStates }, page),
  'listTasks() ended': (store) => store.listTasks({ states: [TaskState.ENDED] }, page),
  'listTasks() of nodes': (store) => store.listTasks({ nodes: ['web1', 'web2'] }, page),
  'listTasks() of a run': (store) => store.listTasks({ runIds: ['r1'] }, page),
  'selectTasks() active of a node': (store) => store.selectTasks({ nodes: ['web1'], states: activeStates }),
  'selectTasks() active of a run': (store) => store.selectTasks({ runIds: ['r1'], states: activeStates }),
  'getTasks()': (store) => store.getTasks(['a']),
  'taskIdsByPrefix()': (store) => store.taskIdsByPrefix('a', 10),
  'tasksByPid()': (store) => store.tasksByPid(7),
  'countActiveTasks()': (store) => store.countActiveTasks(),
  'findRun()': (store) => store.findRun('r1'),
  'pacedRuns()': (store) => store.pacedRuns(),
  'listRuns()': (store) => store.listRuns(page),
  'runIdsByPrefix()': (store) => store.runIdsByPrefix('r', 10),
  'countEndings()': (store) => store.countEndings('r1'),
  'listAudit()': (store) => store.listAudit(0, 10),
  'listAuditBefore()': (store) => store.listAuditBefore(9, 10),
  'auditSince()': (store) => store.auditSince(1),
  'insertAudit()': (store) => store.insertAudit(auditRecord('ada')),
  'eventSpan()': (store) => store.eventSpan(),
  'listEvents()': (store) => store.listEvents({ sinceMs: 1 }, 0, 10),
  'listEvents() of a run': (store) => store.listEvents({ runIds: ['r1'] }, 0, 10),
  'pruneEvents()': (store) => store.pruneEvents({ keepMax: 0, beforeMs: 2, limit: 10 }),
  'insertTasks()': (store) => store.insertTasks([pendingTask('b', 'r1', 'web2')]),
  'updateTasks()': (store) => store.updateTasks([pendingTask('a', 'r1', 'web1')]),
  'setRunEnded()': (store) => store.setRunEnded('r1', 1),
};

test('statements on tables that grow for ever use an index', async (t) => {
  const database = new DatabaseSync(':memory:');
  const asked: CompiledQuery[] = [];
  await using db = new Kysely<Schema>({
    dialect: nodeSqliteDialect(database),
    log: ({ query }) => void asked.push(query),
  });
  await migrate(db);
  const store = new SqlWriter({ run: (_, query) => query(db) });
  await store.insertRun(runRecord('r1'));
  await store.insertTasks([pendingTask('a', 'r1', 'web1')]);
  await store.insertEvents([newEvent(1, 'node.lost'), newEvent(3, 'node.lost')]);
  for (const [name, ask] of Object.entries(questions)) {
    asked.length = 0;
    await ask(store);
    const steps = asked.flatMap((query) => explain(database, query));
    await t.test(name, () => {
      assert.ok(steps.length > 0);
      // A scan of an index of what is active reads as many rows as it answers for.
      const scans = steps.filter((step) =>
        /^SCAN (tasks|runs|audit|events)\b(?!.* (?:active_tasks|paced_runs))/.test(step),
      );
      assert.deepEqual(scans, []);
    });
  }
});

function explain(database: DatabaseSync, { sql, parameters }: CompiledQuery): string[] {
  const rows = database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...(parameters as SQLInputValue[]));
  return rows.map((row) => String(row['detail']));
}
