/** Records for the contract suite, complete and plain; a test gives what it is about. */
import assert from 'node:assert/strict';
import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { newNode } from '#controller/store/new-node.ts';
import {
  type AuditRecord,
  type JoinTokenRecord,
  type NodeRecord,
  type RunRecord,
  type Store,
  StoreError,
} from '#controller/store/store.ts';
import { WhenUnreachable } from '#protocol/gen/drover/v1/api_pb.ts';
import { type Run, RunSchema, type Task, TaskSchema, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';

/** When everything here was made. */
export const madeAtMs = 1_700_000_000_123;

/** A node that has not connected yet. */
export function nodeRecord(name: string, more: Partial<NodeRecord> = {}): NodeRecord {
  return {
    ...newNode({ name, keyFingerprint: `key of ${name}`, labels: {}, joinedAtMs: madeAtMs }),
    ...more,
  };
}

/** A run of `true`. */
export function runRecord(id: string, more: Partial<Run> = {}): RunRecord {
  const run = create(RunSchema, {
    id,
    name: 'a run',
    spec: { argv: ['true'] },
    nodes: 'web[1-3]',
    createdBy: 'ada',
    createdAt: timestampFromMs(madeAtMs),
  });
  Object.assign(run, more);
  return { run, digest: `digest of ${id}`, whenUnreachable: WhenUnreachable.WAIT };
}

/** A pending task of a run of `runRecord`. */
export function pendingTask(id: string, runId: string, node: string, more: Partial<Task> = {}): Task {
  const task = create(TaskSchema, {
    id,
    runId,
    node,
    spec: { argv: ['true'] },
    state: TaskState.PENDING,
    createdAt: timestampFromMs(madeAtMs),
  });
  return Object.assign(task, more);
}

/** A token for one node and an hour. */
export function joinToken(id: string, more: Partial<JoinTokenRecord> = {}): JoinTokenRecord {
  return {
    id,
    secretHash: `hash of ${id}`,
    names: 'web[1-3]',
    labels: { site: 'north' },
    usesLeft: 1,
    createdBy: 'ada',
    createdAtMs: madeAtMs,
    expiresAtMs: madeAtMs + 3_600_000,
    ...more,
  };
}

/** An allowed launch. */
export function auditRecord(who: string): AuditRecord {
  return {
    atMs: madeAtMs,
    who,
    verb: 'task.launch',
    decision: 'allowed',
    nodes: 'web[1-3]',
    targets: 'r1',
    request: '{"spec":{"argv":["true"]}}',
    reason: '',
  };
}

/** Records a run and its tasks. */
export function recordRun(store: Store, run: RunRecord, tasks: readonly Task[]): Promise<void> {
  return store.transact(async (writer) => {
    await writer.insertRun(run);
    await writer.insertTasks(tasks);
  });
}

/** Passes when `promise` rejects with a StoreError of that reason. */
export async function rejectsWith(promise: Promise<unknown>, reason: StoreError['reason']): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert.ok(error instanceof StoreError, String(error));
    assert.equal(error.reason, reason, error.message);
    return true;
  });
}
