/**
 * Letting agents in: proves each against the store, ends the session that it replaces, settles what became of starts that were on
 * their way, and sends what waits. A herd that returns together shares transactions.
 *
 * GUARANTEES. Nothing but the store is needed: the same happens after a lost link and after a restart of the controller.
 * Welcome leaves after the commit, and before any start.
 */
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import type { NodeRecord, RunRecord, Store, StoreWriter } from '#controller/store/store.ts';
import { endTask } from '#core/advance-task.ts';
import { unreachable } from '#core/outcome.ts';
import { activeStates } from '#core/task-state.ts';
import { WhenUnreachable } from '#protocol/gen/drover/v1/api_pb.ts';
import { Cause, type Task, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import type { RunId } from '#protocol/ids.ts';
import { linkProtocolVersion } from '#protocol/version.ts';
import type { AgentSession } from './agent-session.ts';
import { Batches } from './batches.ts';
import type { Changes } from './changes.ts';
import { changesBy, type TaskChange } from './describe-change.ts';
import { storeFailedRetryMs } from './ingest.ts';
import type { LivenessTracker } from './liveness-tracker.ts';
import type { NodeLinks } from './node-links.ts';
import { didNotReturn, wasNeverSent, withReason } from './pending-reason.ts';
import { type OpeningPlan, planOpening } from './plan-opening.ts';
import { recordChanges } from './record-changes.ts';
import type { Certifier } from './renewals.ts';
import { StartSender } from './send-starts.ts';
import { skipDrained } from './skip-drained.ts';

/** What openings need. */
export interface OpeningsOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  readonly links: NodeLinks;
  readonly liveness: LivenessTracker;
  readonly changes: Changes<[Task]>;
  /** The controller's version. */
  readonly version: string;
  readonly clusterId: string;
  readonly certifier: Pick<Certifier, 'noteClone'>;
}

/** Agents that one transaction lets in: a herd of ten thousand shares twenty fsyncs. */
const openingsMax = 500;

/** How often agents tell the facts of their hosts again: ten thousand make 33 a second of it. */
const factsIntervalMs = 300_000;

/** Tasks that one node may hold, ended ones too (link.proto). */
const heldMax = 20_000;

/** Starts written to one session before waiting until they have left. */
const startsAtOnce = 1_000;

/** Why a task ends whose start was on its way when its node went away. */
const brokeBeforeStart = 'the connection to its node broke before the start arrived';

/** One agent that may come in. */
interface Admission {
  readonly session: AgentSession;
  readonly record: NodeRecord;
  readonly acknowledgedEvent: bigint;
  readonly plan: OpeningPlan;
}

/** The door. Disposing of it waits for those who stand in it. */
export class Openings implements AsyncDisposable {
  readonly #options: OpeningsOptions;
  readonly #batches: Batches<AgentSession>;
  readonly #sending = new Set<Promise<void>>();
  readonly #startedAtMs: number;

  constructor(options: OpeningsOptions) {
    this.#options = options;
    this.#startedAtMs = options.clock.wallMs();
    this.#batches = new Batches(openingsMax, (batch) => this.#open(batch));
  }

  /** A session has said Hello. */
  add(session: AgentSession): void {
    const { hello } = session;
    if (!hello || hello.protocol < 1) {
      session.close('it names no version of the protocol', { final: true });
      return;
    }
    if (hello.tasks.length > heldMax) {
      session.drop(`the agent misbehaved: it names ${hello.tasks.length} tasks, over ${heldMax}`);
      return;
    }
    this.#options.links.setOpening(session);
    this.#batches.add(session);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#batches.idle();
    await Promise.all(this.#sending);
  }

  async #open(batch: readonly AgentSession[]): Promise<void> {
    try {
      const { admissions, changed, runs } = await this.#options.store.transact((writer) =>
        this.#admit(writer, batch),
      );
      for (const admission of admissions) this.#welcome(admission);
      for (const task of changed) this.#options.changes.publish(task);
      const sender = new StartSender(this.#options.links, (id) => runs.get(id)?.run.createdBy ?? '');
      for (const { session, plan } of admissions) this.#send(session, plan.send, sender);
    } catch (error) {
      this.#options.log.error({ error: String(error), sessions: batch.length }, 'agents could not be let in');
      for (const session of batch) {
        session.close('the controller could not read its store', { retryAfterMs: storeFailedRetryMs });
      }
    }
  }

  async #admit(writer: StoreWriter, batch: readonly AgentSession[]) {
    const records = await this.#prove(writer, batch);
    const nodes = [...records.keys()].map((session) => session.node);
    const tasks = nodes.length === 0 ? [] : await writer.selectTasks({ nodes, states: activeStates });
    const runs = await findRuns(writer, tasks);
    const byNode = Map.groupBy(tasks, (task) => task.node);
    const admissions = [...records].map(([session, record]) =>
      this.#plan(session, record, byNode.get(session.node) ?? [], runs),
    );
    const nowMs = this.#options.clock.wallMs();
    for (const admission of admissions) await recordSession(writer, admission, nowMs);
    const changed = await recordChanges(writer, admissions.flatMap(changesOf), nowMs);
    return { admissions, changed, runs };
  }

  /**
   * Who of them is who it says, the latest of each node; the others are sent away. An older session of the same node ends
   * here, inside the transaction, so that no event of it can be recorded after what this transaction says of the node.
   */
  async #prove(
    writer: StoreWriter,
    batch: readonly AgentSession[],
  ): Promise<ReadonlyMap<AgentSession, NodeRecord>> {
    const { links } = this.#options;
    const latest = new Map<string, AgentSession>();
    const records = new Map<AgentSession, NodeRecord>();
    for (const session of batch) {
      if (session.state !== 'opening') continue;
      const record = await writer.findNode(session.node);
      if (record?.keyFingerprint !== session.peer.keyFingerprint) {
        session.close('this controller knows no such node with this key', { final: true });
        continue;
      }
      if (session.peer.certificate.generation < record.generation) {
        await this.#refuseClone(writer, session, record);
        continue;
      }
      for (const older of [latest.get(session.node), links.open(session.node)]) {
        older?.close('a newer session of this node replaces it');
        if (older) records.delete(older);
      }
      latest.set(session.node, session);
      records.set(session, record);
    }
    return records;
  }

  async #refuseClone(writer: StoreWriter, session: AgentSession, record: NodeRecord): Promise<void> {
    const { generation } = session.peer.certificate;
    await writer.insertEvents(this.#options.certifier.noteClone(session.node, generation, record.generation));
    const reason =
      `a newer certificate of this node was used, so its key is in two places ` +
      `(generation ${generation}, used ${record.generation}): remove the node and let it join again`;
    session.close(reason, { final: true });
  }

  #plan(
    session: AgentSession,
    record: NodeRecord,
    tasks: readonly Task[],
    runs: ReadonlyMap<RunId, RunRecord>,
  ): Admission {
    const plan = planOpening({
      tasks,
      held: new Set(session.hello?.tasks),
      cut: this.#options.links.unanswered(session.node),
      wasUnreachable: this.#options.liveness.expectedBackMs(session.node) === 0,
      whenUnreachable: (run) => runs.get(run)?.whenUnreachable ?? WhenUnreachable.FAIL,
      isDrained: record.drain !== undefined,
      isPaced: (run) => runs.get(run)?.run.pacing !== undefined,
      startedAtMs: this.#startedAtMs,
      nowMs: this.#options.clock.wallMs(),
    });
    const sameJournal = record.journalId === session.hello?.journalId;
    return { session, record, acknowledgedEvent: sameJournal ? record.acknowledgedEvent : 0n, plan };
  }

  #welcome({ session, acknowledgedEvent, plan }: Admission): void {
    const { links, liveness, log, version, clusterId } = this.#options;
    links.clearUnanswered(session.node);
    if (session.state !== 'opening') return;
    links.setOpen(session);
    liveness.connected(session.node);
    const heartbeatIntervalMs = liveness.intervalMs();
    const protocol = Math.min(session.hello?.protocol ?? linkProtocolVersion, linkProtocolVersion);
    session.welcome({
      protocol,
      version,
      clusterId,
      heartbeatIntervalMs,
      acknowledgedEvent,
      reconnectSpreadMs: liveness.reconnectSpreadMs(),
      factsIntervalMs,
    });
    log.info(
      { node: session.node, address: session.peer.address, pending: plan.send.length },
      'session open',
    );
    for (const task of plan.missing) {
      log.warn({ node: session.node, task: task.id }, 'the agent has no record of a task that it had');
    }
  }

  #send(session: AgentSession, tasks: readonly Task[], sender: StartSender): void {
    const sending = sendInTurns(session, tasks, sender).finally(() => this.#sending.delete(sending));
    this.#sending.add(sending);
  }
}

async function sendInTurns(
  session: AgentSession,
  tasks: readonly Task[],
  sender: StartSender,
): Promise<void> {
  for (let from = 0; from < tasks.length && session.state === 'open'; from += startsAtOnce) {
    for (const task of tasks.slice(from, from + startsAtOnce)) sender.send(session, task);
    await session.flushed();
  }
}

/** The runs of the pending ones. */
async function findRuns(writer: StoreWriter, tasks: readonly Task[]): Promise<ReadonlyMap<RunId, RunRecord>> {
  const pending = tasks.filter((task) => task.state === TaskState.PENDING);
  const runs = new Map<RunId, RunRecord>();
  for (const id of new Set(pending.map((task) => task.runId))) {
    const run = await writer.findRun(id);
    if (run) runs.set(id, run);
  }
  return runs;
}

async function recordSession(writer: StoreWriter, admission: Admission, nowMs: number): Promise<void> {
  const { session, record, acknowledgedEvent } = admission;
  if (!session.hello) return;
  const { version, facts, journalId } = session.hello;
  const { address, certificate } = session.peer;
  await writer.updateNodeSession(session.node, {
    address,
    version,
    facts,
    journalId,
    acknowledgedEvent,
    seenAtMs: nowMs,
    generation: Math.max(certificate.generation, record.generation),
  });
}

/** The tasks that change when this agent comes in. */
function changesOf({ session, record, plan }: Admission): TaskChange[] {
  const ended = changesBy(plan.unreachable, (task) => {
    const reason = wasNeverSent(task) ? didNotReturn : brokeBeforeStart;
    return endTask(task, unreachable(reason, record.seenAtMs), Cause.ITSELF, reason);
  });
  const { drain } = record;
  const skipped = drain ? changesBy(plan.skipped, (task) => skipDrained(task, drain)) : [];
  const sent = changesBy(plan.send.filter(wasNeverSent), (task) => withReason(task, ''));
  const sameJournal = record.journalId === session.hello?.journalId;
  const lost = sameJournal ? 'its agent has no record of it any more' : 'the records of its agent were lost';
  const missing = changesBy(plan.missing, (task) =>
    task.reason === lost ? undefined : withReason(task, lost),
  );
  return [...ended, ...skipped, ...sent, ...missing];
}
