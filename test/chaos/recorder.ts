/** Records what a cluster says of its tasks while it is under attack: through the API as it changes, and in the nodes' journals. */
import { readFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { toBinary } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import { scanJournal } from '#agent/journal/journal-frames.ts';
import { delay, systemClock } from '#base/clock.ts';
import type { Connection } from '#cli/connect-cluster.ts';
import { isConnectionLost, reasonOf } from '#cli/failure.ts';
import { type Event, EventSchema } from '#protocol/gen/drover/v1/link_pb.ts';
import { LogSource, type Task } from '#protocol/gen/drover/v1/task_pb.ts';
import type { Printed } from './check-history.ts';

/** Tasks that one call of the API names. */
export const refsAtOnce = 500;

/** Pause before tasks are followed again. */
const followAgainMs = 100;

/** How often, and after what pause, output is asked for whose node is away. */
const readsMax = 30;
const readAgainMs = 500;

/** What was recorded so far. Dispose of it to end the following. */
export class Recorder implements AsyncDisposable {
  /** What the API told of each task, in order. */
  readonly told = new Map<string, Task[]>();
  readonly #events = new Map<string, Map<string, Event>>();
  readonly #over = new AbortController();
  readonly #following: Promise<void>[] = [];

  /** Follows these tasks to their ends, through every loss of the connection. */
  follow(api: Connection, refs: readonly string[]): void {
    for (let at = 0; at < refs.length; at += refsAtOnce) {
      this.#following.push(this.#follow(api, refs.slice(at, at + refsAtOnce)));
    }
  }

  /** Takes in what the journal of a node has: to be called before it may be written anew. */
  collectJournal(node: string, path: string): void {
    const { records } = scanJournal(readIfThere(path));
    const [id] = records.flatMap(({ kind }) => (kind.case === 'header' ? [kind.value.journalId] : []));
    // Damaged, and to be put aside: the numbers of the next one are its own.
    if (id === undefined) return;
    const name = `${node}/${id}`;
    const events = this.#events.get(name) ?? new Map<string, Event>();
    this.#events.set(name, events);
    for (const { kind } of records) {
      if (kind.case !== 'event') continue;
      // By its content too: one number for two events is what the check is to find.
      events.set(Buffer.from(toBinary(EventSchema, kind.value)).toString('base64'), kind.value);
    }
  }

  /** The events of each journal, by node and journal id, in the order of their numbers. */
  get recorded(): ReadonlyMap<string, readonly Event[]> {
    const sorted = (events: Map<string, Event>) =>
      [...events.values()].sort((a, b) => Number(a.sequence - b.sequence));
    return new Map([...this.#events].map(([node, events]) => [node, sorted(events)]));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    await Promise.all(this.#following);
  }

  async #follow(api: Connection, refs: readonly string[]): Promise<void> {
    const { signal } = this.#over;
    while (!signal.aborted) {
      try {
        for await (const { kind } of api.tasks.followTasks({ query: { refs: [...refs] } }, { signal })) {
          if (kind.case === 'task') this.#take(kind.value);
        }
        return;
      } catch (error) {
        // Also one that never was: the controller may be dead all the time.
        if (!isConnectionLost(error) && reasonOf(error) !== 'STOPPING') throw error;
      }
      await delay(systemClock, followAgainMs, signal).catch(() => {});
    }
  }

  #take(task: Task): void {
    const told = this.told.get(task.id);
    if (told) told.push(task);
    else this.told.set(task.id, [task]);
  }
}

/** Standard output of the latest attempt of each task, as the API gives it; asked for again where a session broke meanwhile. */
export async function readPrinted(api: Connection, refs: readonly string[]): Promise<Map<string, Printed>> {
  for (let left = readsMax; ; left--) {
    try {
      return await readOnce(api, refs);
    } catch (error) {
      if (left === 0 || ConnectError.from(error).code !== Code.FailedPrecondition) throw error;
    }
    await delay(systemClock, readAgainMs);
  }
}

async function readOnce(api: Connection, refs: readonly string[]): Promise<Map<string, Printed>> {
  const parts = new Map<string, { chunks: Uint8Array[]; gone: number }>();
  for (let at = 0; at < refs.length; at += refsAtOnce) {
    const query = { refs: refs.slice(at, at + refsAtOnce) };
    for await (const chunk of api.tasks.readLogs({ query, source: LogSource.STDOUT })) {
      const part = parts.get(chunk.taskId) ?? { chunks: [], gone: 0 };
      parts.set(chunk.taskId, part);
      part.chunks.push(chunk.data);
      part.gone += Number(chunk.goneBytes);
    }
  }
  return new Map([...parts].map(([id, { chunks, gone }]) => [id, { bytes: Buffer.concat(chunks), gone }]));
}

/** The rows of the audit in a controller's database, a line each. */
export function readAudit(databasePath: string): string[] {
  using database = new DatabaseSync(databasePath, { readOnly: true });
  const rows = database.prepare('select verb, decision, targets, request from audit order by sequence').all();
  return rows.map((row) => Object.values(row).join(' '));
}

function readIfThere(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch {
    return Buffer.alloc(0);
  }
}
