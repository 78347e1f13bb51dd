/**
 * What the records of a journal add up to. Folds records and gives the fewest that mean the same; touches no file.
 * It takes any subset of the records in their order, since a damaged file may have lost some.
 *
 * BOUNDS. An event is a snapshot, so of each attempt only the latest is kept, however often it changed. An attempt is kept until
 * its end is acknowledged, and beyond that while its task waits for the next, whose order it holds. Of the attempts of one
 * task whose ends nobody has acknowledged, the first and the latest stay (limits.taskAttemptsMax), and fewer when
 * the node has more than limits.agentUnacknowledgedMax: a task may go on failing while its controller is away for a week.
 */
import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { JournalRecord } from '#protocol/gen/drover/v1/journal_pb.ts';
import type { Event, Start } from '#protocol/gen/drover/v1/link_pb.ts';
import { Cause, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { attemptId, parseAttemptId } from '#protocol/ids.ts';
import { limits } from '#protocol/limits.ts';
import {
  acceptedRecord,
  eventRecord,
  headerRecord,
  type OrderedStop,
  rememberedRecord,
  signalRecord,
  stopRecord,
  terminalRecord,
} from './journal-records.ts';

/** An attempt that is not over for both sides, or is to be followed by another. */
export interface JournalAttempt {
  readonly taskId: string;
  readonly number: number;
  /** The order and how it came; undefined where the record was lost, or the order was refused at once. */
  accepted?: { readonly start: Start; readonly bootId: string; readonly failuresBefore: number };
  /** The latest event. */
  latest?: Event;
  stop?: OrderedStop;
  /** Signals that operators sent, each name once. */
  readonly signals: Set<string>;
  /** Its terminal is to stay although nobody is at it. */
  terminalStays?: boolean;
}

/** A task that is over for both sides. */
interface RememberedTask {
  /** Number of its last attempt. */
  readonly number: number;
  /** When its end was acknowledged. */
  readonly atMs: number;
}

/** The sum of a journal's records. */
export class JournalState {
  /** Empty where the file had no header. */
  journalId = '';
  /** Highest sequence number that may have been used. */
  lastEvent = 0n;
  acknowledgedEvent = 0n;
  /** By attempt id. */
  readonly attempts = new Map<string, JournalAttempt>();
  /** By task id; oldest first. */
  readonly remembered = new Map<string, RememberedTask>();
  /** The same attempts by their task, in the order of their numbers. */
  readonly #ofTask = new Map<string, JournalAttempt[]>();
  readonly #unacknowledged = new Map<bigint, Event>();

  /** Events that the controller may not have, in order: the latest of each attempt. */
  get unacknowledged(): readonly Event[] {
    return [...this.#unacknowledged.values()];
  }

  /** Whether that attempt, or a later one of its task, was taken on here, as far as anybody remembers. */
  knows(id: string): boolean {
    const { task = '', attempt = 0 } = parseAttemptId(id) ?? {};
    const latest = this.findLatest(task)?.number ?? this.remembered.get(task)?.number;
    return latest !== undefined && latest >= attempt;
  }

  /** The attempts of a task, in the order of their numbers. */
  attemptsOf(taskId: string): readonly JournalAttempt[] {
    return this.#ofTask.get(taskId) ?? [];
  }

  /** The latest attempt of a task; undefined where the task is over for both sides. */
  findLatest(taskId: string): JournalAttempt | undefined {
    return this.#ofTask.get(taskId)?.at(-1);
  }

  /** Takes one record in. */
  apply({ kind }: JournalRecord): void {
    switch (kind.case) {
      case 'header':
        this.journalId = kind.value.journalId;
        this.lastEvent = max(this.lastEvent, kind.value.lastEvent);
        this.acknowledgedEvent = max(this.acknowledgedEvent, kind.value.acknowledgedEvent);
        break;
      case 'accepted': {
        const { start, bootId, failuresBefore } = kind.value;
        if (!start) break;
        this.#attempt(start.taskId, start.attempt).accepted = { start, bootId, failuresBefore };
        this.#supersede(start.taskId);
        break;
      }
      case 'event':
        this.#applyEvent(kind.value);
        break;
      case 'acknowledged':
        this.#acknowledge(kind.value.event, timestampOf(kind.value.acknowledgedAt));
        break;
      case 'stop': {
        const { taskId, attempt, cause, killAt, stoppedBy } = kind.value;
        const by = stoppedBy === Cause.UNSPECIFIED ? undefined : stoppedBy;
        this.#attempt(taskId, attempt).stop = { cause, killAtMs: timestampOf(killAt), stoppedBy: by };
        break;
      }
      case 'signal':
        this.#attempt(kind.value.taskId, kind.value.attempt).signals.add(kind.value.signal);
        break;
      case 'terminal':
        this.#attempt(kind.value.taskId, kind.value.attempt).terminalStays = kind.value.stays;
        break;
      case 'remembered': {
        const { taskId, attempt: number, acknowledgedAt } = kind.value;
        this.#remember(taskId, { number, atMs: timestampOf(acknowledgedAt) });
        break;
      }
    }
  }

  /** Forgets what was acknowledged more than limits.agentRememberedMs ago, and the oldest above limits.agentRememberedMax. */
  forget(nowMs: number): void {
    for (const [taskId, { atMs }] of this.remembered) {
      const old = atMs < nowMs - limits.agentRememberedMs;
      if (!old && this.remembered.size <= limits.agentRememberedMax) break;
      this.remembered.delete(taskId);
    }
  }

  /** The fewest records that add up to the same. */
  *records(): Generator<JournalRecord> {
    yield headerRecord(this.journalId, this.lastEvent, this.acknowledgedEvent);
    for (const [taskId, { number, atMs }] of this.remembered) yield rememberedRecord(taskId, number, atMs);
    for (const attempt of this.attempts.values()) {
      const { taskId, number, accepted, latest, stop, signals, terminalStays } = attempt;
      if (accepted) yield acceptedRecord(accepted.start, accepted.bootId, accepted.failuresBefore);
      if (latest && latest.sequence <= this.acknowledgedEvent) yield eventRecord(latest);
      if (stop) yield stopRecord(taskId, number, stop);
      for (const signal of signals) yield signalRecord(taskId, number, signal);
      if (terminalStays) yield terminalRecord(taskId, number, terminalStays);
    }
    for (const event of this.#unacknowledged.values()) yield eventRecord(event);
  }

  #attempt(taskId: string, number: number): JournalAttempt {
    const id = attemptId(taskId, number);
    let attempt = this.attempts.get(id);
    if (!attempt) {
      attempt = { taskId, number, signals: new Set() };
      this.attempts.set(id, attempt);
      const ofTask = [...this.attemptsOf(taskId), attempt];
      this.#ofTask.set(
        taskId,
        ofTask.sort((a, b) => a.number - b.number),
      );
    }
    return attempt;
  }

  #applyEvent(event: Event): void {
    this.lastEvent = max(this.lastEvent, event.sequence);
    const attempt = this.#attempt(event.taskId, event.attempt?.number ?? 0);
    if (attempt.latest) this.#unacknowledged.delete(attempt.latest.sequence);
    attempt.latest = event;
    if (event.sequence > this.acknowledgedEvent) this.#unacknowledged.set(event.sequence, event);
  }

  #acknowledge(sequence: bigint, atMs: number): void {
    this.acknowledgedEvent = max(this.acknowledgedEvent, sequence);
    for (const [number, event] of this.#unacknowledged) {
      if (number > sequence) break;
      this.#unacknowledged.delete(number);
      const attempt = this.attempts.get(attemptId(event.taskId, event.attempt?.number ?? 0));
      if (attempt && this.#isOver(attempt)) this.#drop(attempt, atMs);
    }
    this.forget(atMs);
  }

  /** Whether nothing of it is needed any more once its latest event is acknowledged. */
  #isOver({ taskId, number, latest }: JournalAttempt): boolean {
    if (latest?.attempt?.state !== TaskState.ENDED) return false;
    const isLatest = this.findLatest(taskId)?.number === number;
    return !(isLatest && latest.attempt.restartAt);
  }

  /** A later attempt of the task was taken on: the ones before it are not waiting, and there may be too many of them. */
  #supersede(taskId: string): void {
    const superseded = this.attemptsOf(taskId).slice(0, -1);
    const ended = superseded.filter(({ latest }) => latest?.attempt?.state === TaskState.ENDED);
    const untold = ended.filter(({ latest }) => latest && this.#unacknowledged.has(latest.sequence));
    for (const attempt of ended) if (!untold.includes(attempt)) this.#drop(attempt, 0);
    while (
      untold.length >= limits.taskAttemptsMax ||
      (untold.length > 0 && this.attempts.size > limits.agentUnacknowledgedMax)
    ) {
      const [oldest] = untold.splice(untold[0]?.number === 1 && untold.length > 1 ? 1 : 0, 1);
      if (oldest) this.#drop(oldest, 0);
    }
  }

  #drop(attempt: JournalAttempt, atMs: number): void {
    const { taskId, number, latest } = attempt;
    if (latest) this.#unacknowledged.delete(latest.sequence);
    this.attempts.delete(attemptId(taskId, number));
    const others = this.attemptsOf(taskId).filter((other) => other !== attempt);
    if (others.length > 0) this.#ofTask.set(taskId, others);
    else {
      this.#ofTask.delete(taskId);
      this.#remember(taskId, { number, atMs });
    }
  }

  /** Behind all others, also when it was there before. */
  #remember(taskId: string, task: RememberedTask): void {
    this.remembered.delete(taskId);
    this.remembered.set(taskId, task);
  }
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

function timestampOf(timestamp: Parameters<typeof timestampMs>[0] | undefined): number {
  return timestamp ? timestampMs(timestamp) : 0;
}
