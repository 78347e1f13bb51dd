/**
 * What the controller measures of itself, for Prometheus. Fed by what is called anyway (commits, heartbeats) and by a look at each
 * scrape; it decides nothing. Labels are of closed sets only: no node, run, operator or command is ever one.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Dispatch } from '#controller/dispatch/dispatch.ts';
import type { ChunkCache } from '#controller/files/chunk-cache.ts';
import type { EventRecord, Store } from '#controller/store/store.ts';
import { eventKinds } from '#core/event-kinds.ts';
import { nodeStateWord } from '#core/liveness.ts';
import { endings } from '#core/outcome.ts';
import { NodeState } from '#protocol/gen/drover/v1/node_pb.ts';
import type { RunId } from '#protocol/ids.ts';

/** What is looked at when somebody asks. */
export interface MeasuredParts {
  readonly store: Pick<Store, 'read'>;
  readonly dispatch: Pick<Dispatch, 'liveness' | 'countSessions'>;
  readonly staging: { readonly cache: Pick<ChunkCache, 'bytes'> };
}

const fileDirections = ['from_callers', 'to_nodes', 'from_nodes'] as const;
const chunkSources = ['cache', 'sender'] as const;

/** Which way bytes of files go. */
export type FileDirection = (typeof fileDirections)[number];

/** Where a chunk was that a node was given. */
export type ChunkSource = (typeof chunkSources)[number];

/** Runs whose age is kept for the latencies of their tasks; of more the oldest are no longer measured. */
const runsMax = 10_000;

const launchSeconds = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60];
const endSeconds = [0.05, 0.1, 0.5, 1, 5, 30, 60, 300, 1_800, 3_600, 86_400];
const shortSeconds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5];

/** The measurements of one controller. Disposing of it ends what measures by itself. */
export class Metrics implements Disposable {
  readonly #registry = new Registry();
  readonly #events: Counter<'kind'>;
  readonly #launches: Counter;
  readonly #endings: Counter<'ending'>;
  readonly #started: Histogram;
  readonly #ended: Histogram;
  readonly #commits: Histogram;
  readonly #roundTrips: Histogram;
  readonly #sessions: Gauge<'state'>;
  readonly #nodes: Gauge<'state'>;
  readonly #activeTasks: Gauge;
  readonly #fileBytes: Counter<'direction'>;
  readonly #fileChunks: Counter<'source'>;
  readonly #fileCache: Gauge;
  /** When the runs under way were accepted, as far as this process has seen it. */
  readonly #accepted = new Map<RunId, number>();

  constructor() {
    const registers = [this.#registry];
    const counter = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
      new Counter({ name, help, labelNames, registers });
    const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
      new Gauge({ name, help, labelNames, registers });
    const histogram = (name: string, help: string, buckets: number[]) =>
      new Histogram({ name, help, buckets, registers });
    this.#events = counter('drover_events_total', 'Cluster events recorded, by kind.', ['kind']);
    this.#launches = counter('drover_tasks_launched_total', 'Tasks of the runs that were taken on.');
    this.#endings = counter('drover_tasks_ended_total', 'Tasks that have ended, by class.', ['ending']);
    this.#started = histogram(
      'drover_task_start_seconds',
      'From the acceptance of a run until it is recorded that a task of it runs, its turn in a paced run included.',
      launchSeconds,
    );
    this.#ended = histogram(
      'drover_task_end_seconds',
      'From the acceptance of a run until the end of a task of it is recorded.',
      endSeconds,
    );
    this.#commits = histogram(
      'drover_store_transaction_seconds',
      'Transactions that committed.',
      shortSeconds,
    );
    this.#roundTrips = histogram(
      'drover_link_round_trip_seconds',
      'Heartbeats to agents and back, without the time that the agent kept them.',
      shortSeconds,
    );
    this.#sessions = gauge('drover_sessions', 'Sessions of agents, by state.', ['state']);
    this.#nodes = gauge('drover_nodes', 'Nodes, by how the controller stands to them.', ['state']);
    this.#activeTasks = gauge('drover_tasks_active', 'Tasks that have not ended.');
    this.#fileBytes = counter(
      'drover_file_bytes_total',
      'Bytes of the content of files, by direction; to nodes with names and digests.',
      ['direction'],
    );
    this.#fileChunks = counter(
      'drover_file_chunks_total',
      'Chunks that nodes were given, by whether they were kept here or their sender was asked.',
      ['source'],
    );
    this.#fileCache = gauge('drover_file_cache_bytes', 'Bytes of chunks that are kept on disk.');
    for (const direction of fileDirections) this.#fileBytes.inc({ direction }, 0);
    for (const source of chunkSources) this.#fileChunks.inc({ source }, 0);
    for (const kind of eventKinds) this.#events.inc({ kind }, 0);
    for (const ending of endings) this.#endings.inc({ ending }, 0);
    collectDefaultMetrics({ register: this.#registry });
  }

  /** A transaction has committed. */
  committed(durationMs: number, events: readonly EventRecord[]): void {
    this.#commits.observe(durationMs / 1_000);
    for (const event of events) this.#recorded(event);
  }

  /** A heartbeat went to an agent and came back. */
  roundTrip(ms: number): void {
    this.#roundTrips.observe(ms / 1_000);
  }

  /** Bytes of files have come or gone. */
  fileBytes(direction: FileDirection, bytes: number): void {
    this.#fileBytes.inc({ direction }, bytes);
  }

  /** A node was given a chunk. */
  chunkGiven(source: ChunkSource): void {
    this.#fileChunks.inc({ source });
  }

  /** Everything in Prometheus' text format, with its media type. @throws StoreError */
  async render(parts: MeasuredParts): Promise<{ readonly contentType: string; readonly text: string }> {
    await this.#look(parts);
    return { contentType: this.#registry.contentType, text: await this.#registry.metrics() };
  }

  [Symbol.dispose](): void {
    this.#registry.clear();
  }

  #recorded({ kind, runId, atMs, data }: EventRecord): void {
    this.#events.inc({ kind });
    if (kind === 'run.created') this.#accept(runId, atMs, Number(data['tasks'] ?? 0));
    else if (kind === 'run.ended') this.#accepted.delete(runId);
    else if (kind === 'task.ended') {
      this.#endings.inc({ ending: data['ending'] ?? 'unknown' });
      this.#observe(this.#ended, runId, atMs);
    } else if (kind === 'task.running' && data['attempt'] === '1') this.#observe(this.#started, runId, atMs);
  }

  #accept(runId: RunId, atMs: number, tasks: number): void {
    this.#launches.inc(tasks);
    this.#accepted.set(runId, atMs);
    const [oldest] = this.#accepted.keys();
    if (this.#accepted.size > runsMax && oldest !== undefined) this.#accepted.delete(oldest);
  }

  #observe(histogram: Histogram, runId: RunId, atMs: number): void {
    const acceptedMs = this.#accepted.get(runId);
    if (acceptedMs !== undefined) histogram.observe(Math.max(0, atMs - acceptedMs) / 1_000);
  }

  async #look({ store, dispatch, staging }: MeasuredParts): Promise<void> {
    this.#fileCache.set(staging.cache.bytes);
    const [nodes, active] = await Promise.all([store.read.listNodes(), store.read.countActiveTasks()]);
    const states = Map.groupBy(nodes, ({ name }) => dispatch.liveness(name).state);
    for (const state of Object.values(NodeState)) {
      if (state !== NodeState.UNSPECIFIED)
        this.#nodes.set({ state: nodeStateWord(state) }, states.get(state)?.length ?? 0);
    }
    for (const [state, count] of dispatch.countSessions()) this.#sessions.set({ state }, count);
    this.#activeTasks.set([...active.values()].reduce((sum, count) => sum + count, 0));
  }
}
