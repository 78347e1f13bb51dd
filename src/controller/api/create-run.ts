/**
 * Takes a run on: run, tasks and audit row in one transaction, which is the acknowledgement; then dispatch. The same id
 * with the same content is the same run, however often it comes, and launches nothing again.
 */
import { createHash, randomBytes } from 'node:crypto';
import { clone, create, toJson } from '@bufbuild/protobuf';
import { timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import { canonicalJson, type Json } from '#base/canonical-json.ts';
import { failpoint } from '#base/failpoint.ts';
import { auditRecord } from '#controller/auth/audit-entry.ts';
import type { Operator } from '#controller/auth/authorize.ts';
import { changesBy } from '#controller/dispatch/describe-change.ts';
import { waitsForTurn } from '#controller/dispatch/pending-reason.ts';
import { recordChanges } from '#controller/dispatch/record-changes.ts';
import { skipDrained } from '#controller/dispatch/skip-drained.ts';
import { newEvent } from '#controller/store/new-event.ts';
import {
  type EventRecord,
  type NodeRecord,
  type RunRecord,
  StoreError,
  type StoreWriter,
} from '#controller/store/store.ts';
import { compareNames } from '#core/node-set/compare-names.ts';
import { foldNodeNames } from '#core/node-set/fold-node-names.ts';
import { runCounts } from '#core/run-counts.ts';
import { RefusedError } from '#protocol/errors.ts';
import {
  type CreateRunRequest,
  CreateRunRequestSchema,
  WhenUnreachable,
} from '#protocol/gen/drover/v1/api_pb.ts';
import { Verb } from '#protocol/gen/drover/v1/options_pb.ts';
import {
  RunSchema,
  type Task,
  TaskSchema,
  type TaskSpec,
  TaskState,
} from '#protocol/gen/drover/v1/task_pb.ts';
import { type NodeName, type TaskId, taskIdFromBytes } from '#protocol/ids.ts';
import { limits } from '#protocol/limits.ts';
import { launchTargets } from './access-targets.ts';
import type { ApiParts } from './api-parts.ts';
import { auditableRequest } from './auditable-request.ts';
import { requireAllowed } from './caller.ts';
import { normalizeSpec } from './normalize-spec.ts';
import { resolveNodes } from './resolve-nodes.ts';
import { isUnpaced } from './validate-pacing.ts';
import { findRunProblem } from './validate-run.ts';

type Parts = Pick<ApiParts, 'store' | 'dispatch' | 'clock' | 'log' | 'stopSwitch'>;

/** The run as recorded, its tasks in natural order of their nodes, and whether it is new. */
export interface CreatedRun {
  readonly record: RunRecord;
  readonly tasks: readonly Task[];
  readonly isNew: boolean;
}

/** Characters of the command in the event of a run: for people, who have all of it in the run. */
const commandShownMax = 200;

/** Ten random bytes are taken twice about once in 10^15 runs; three draws are beyond doubt. */
const drawsMax = 3;

/**
 * Records and launches a run.
 *
 * @throws RefusedError INVALID, LIMIT, NO_SUCH_NODE, NO_NODE_MATCHED, RUN_EXISTS, STOPPING
 */
export async function createRun(
  parts: Parts,
  operator: Operator,
  asked: CreateRunRequest,
): Promise<CreatedRun> {
  const problem = findRunProblem(asked);
  if (problem !== undefined) throw new RefusedError('INVALID', problem);
  const request = normalized(asked);
  const created = await record(parts, operator, request);
  if (created.isNew) {
    failpoint('controller.run-committed');
    await launch(parts, operator, created);
    failpoint('controller.run-dispatched');
  }
  return created;
}

/** Recorded is acknowledged: what fails after that is the log's business, and of the next connection of the node. */
async function launch(
  { dispatch, log }: Parts,
  operator: Operator,
  { record, tasks }: CreatedRun,
): Promise<void> {
  try {
    const pending = tasks.filter((task) => task.state === TaskState.PENDING);
    if (record.run.pacing) dispatch.pace(record, tasks);
    else if (pending.length > 0) await dispatch.launch(pending, operator.name, record.whenUnreachable);
  } catch (error) {
    log.error({ err: error, run: record.run.id }, 'cannot dispatch a recorded run');
  }
}

/** So that two ways of asking for one thing are one. */
function normalized(asked: CreateRunRequest): CreateRunRequest & { spec: TaskSpec } {
  const request = clone(CreateRunRequestSchema, asked);
  if (!request.spec) throw new Error('a validated run has no spec');
  request.whenUnreachable ||= WhenUnreachable.FAIL;
  if (request.pacing && isUnpaced(request.pacing)) delete request.pacing;
  return { ...request, spec: normalizeSpec(request.spec) };
}

async function record(
  parts: Parts,
  operator: Operator,
  request: CreateRunRequest & { spec: TaskSpec },
): Promise<CreatedRun> {
  for (let draw = 1; ; draw++) {
    try {
      return await parts.store.transact((writer) => recordOnce(parts, writer, operator, request));
    } catch (error) {
      const taken = error instanceof StoreError && error.reason === 'duplicate';
      if (!taken || draw === drawsMax) throw error;
    }
  }
}

async function recordOnce(
  { clock, stopSwitch }: Parts,
  writer: StoreWriter,
  operator: Operator,
  request: CreateRunRequest & { spec: TaskSpec },
): Promise<CreatedRun> {
  const asked = toJson(CreateRunRequestSchema, request) as Json;
  const digest = createHash('sha256').update(canonicalJson(asked)).digest('hex');
  const known = await writer.findRun(request.id);
  if (known) return sameRun(writer, operator, known, digest);
  stopSwitch.requireOpen();
  const records = await targets(writer, operator, request);
  const nodes = records.map((node) => node.name);
  const atMs = clock.wallMs();
  const folded = foldNodeNames(nodes);
  const record = runRecord(request, { digest, operator, atMs, folded, count: nodes.length });
  const tasks = nodes.map((node) => newTask(request, node, atMs));
  await writer.insertRun(record);
  await writer.insertTasks(tasks);
  await writer.insertEvents([runCreated(record, operator, nodes.length)]);
  const skipped = await skipOnDrained(writer, tasks, records, atMs);
  const verb = request.spec.shell ? Verb.TASK_SHELL : Verb.TASK_LAUNCH;
  const who = operator.name;
  await writer.insertAudit(
    auditRecord({
      atMs,
      who,
      verb,
      decision: 'allowed',
      nodes: folded,
      targets: request.id,
      request: auditableRequest(asked),
    }),
  );
  return { record, tasks: tasks.map((task) => skipped.get(task.id) ?? task), isNew: true };
}

async function targets(
  writer: StoreWriter,
  operator: Operator,
  request: CreateRunRequest & { spec: TaskSpec },
): Promise<readonly NodeRecord[]> {
  const records = await resolveNodes(writer, { operator, verb: Verb.TASK_LAUNCH }, request);
  const { shell, terminal } = request.spec;
  const asked = launchTargets(records, request.spec);
  requireAllowed(operator, Verb.TASK_LAUNCH, asked);
  if (shell) requireAllowed(operator, Verb.TASK_SHELL, asked);
  if (terminal) requireAllowed(operator, Verb.SHELL_OPEN, asked);
  if (records.length <= limits.runNodesMax) return records;
  throw new RefusedError(
    'LIMIT',
    `a run can have ${limits.runNodesMax} nodes at the most, not ${records.length}`,
  );
}

/** The tasks on drained nodes end at once; gives those by id, as they are then. */
async function skipOnDrained(
  writer: StoreWriter,
  tasks: readonly Task[],
  nodes: readonly NodeRecord[],
  atMs: number,
): Promise<ReadonlyMap<TaskId, Task>> {
  const drains = new Map(nodes.map(({ name, drain }) => [name, drain]));
  const changes = changesBy(tasks, (task) => {
    const drain = drains.get(task.node);
    return drain && skipDrained(task, drain);
  });
  const skipped = await recordChanges(writer, changes, atMs);
  return new Map(skipped.map((task) => [task.id, task]));
}

async function sameRun(
  writer: StoreWriter,
  operator: Operator,
  known: RunRecord,
  digest: string,
): Promise<CreatedRun> {
  const { id, createdBy } = known.run;
  if (known.digest !== digest || createdBy !== operator.name) {
    throw new RefusedError('RUN_EXISTS', `run ${id} exists already with another content or maker`, [id]);
  }
  const tasks = await writer.selectTasks({ runIds: [id] });
  return { record: known, tasks: tasks.toSorted((a, b) => compareNames(a.node, b.node)), isNew: false };
}

interface RunFacts {
  readonly digest: string;
  readonly operator: Operator;
  readonly atMs: number;
  readonly folded: string;
  readonly count: number;
}

function runRecord(request: CreateRunRequest & { spec: TaskSpec }, facts: RunFacts): RunRecord {
  const run = create(RunSchema, {
    id: request.id,
    name: request.name,
    spec: request.spec,
    nodes: facts.folded,
    createdBy: facts.operator.name,
    createdAt: timestampFromMs(facts.atMs),
    counts: runCounts(facts.count, new Map()),
    ...(request.pacing ? { pacing: request.pacing } : {}),
  });
  return { run, digest: facts.digest, whenUnreachable: request.whenUnreachable };
}

function runCreated({ run }: RunRecord, operator: Operator, tasks: number): EventRecord {
  const atMs = run.createdAt ? timestampMs(run.createdAt) : 0;
  const data = {
    ...(run.name === '' ? {} : { name: run.name }),
    nodes: run.nodes,
    tasks: String(tasks),
    command: (run.spec?.argv ?? []).join(' ').slice(0, commandShownMax),
  };
  return newEvent(atMs, 'run.created', { runId: run.id, who: operator.name, data });
}

function newTask(request: CreateRunRequest & { spec: TaskSpec }, node: NodeName, atMs: number): Task {
  return create(TaskSchema, {
    id: taskIdFromBytes(randomBytes(10)),
    runId: request.id,
    node,
    spec: request.spec,
    state: TaskState.PENDING,
    reason: request.pacing ? waitsForTurn : '',
    createdAt: timestampFromMs(atMs),
  });
}
