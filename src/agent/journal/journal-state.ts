/**
 * What the records of a journal add up to. Folds records and gives the fewest that mean the same; touches no file.
 * It takes any subset of the records in their order, since a damaged file may have lost some.
 */
import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { JournalRecord } from '#protocol/gen/drover/v1/journal_pb.ts';
import type { Event, Start } from '#protocol/gen/drover/v1/link_pb.ts';
import { type Cause, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { attemptId } from '#protocol/ids.ts';
import { limits } from '#protocol/limits.ts';
import {
  acceptedRecord,
  eventRecord,
  headerRecord,
  rememberedRecord,
  signalRecord,
  stopRecord,
} from './journal-records.ts';

/** An attempt that is not over for both sides. */
export interface JournalAttempt {
  readonly taskId: string;
  readonly number: number;
  /** The order and the boot in which it came; undefined where the record was lost, or the order was refused at once. */
  accepted?: { readonly start: Start; readonly bootId: string };
  /** The latest event. */
  latest?: Event;
  stop?: { readonly cause: Cause; readonly killAtMs: number };
  /** Signals that operators sent, each name once. */
  readonly signals: Set<string>;
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
  /** Attempts that are over for both sides, by id, with the time of the acknowledgement; oldest first. */
  readonly remembered = new Map<string, { taskId: string; number: number; atMs: number }>();
  #unacknowledged: Event[] = [];

  /** Events that the controller may not have, in order. */
  get unacknowledged(): readonly Event[] {
    return this.#unacknowledged;
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
        const { start, bootId } = kind.value;
        if (start) this.#attempt(start.taskId, start.attempt).accepted = { start, bootId };
        break;
      }
      case 'event':
        this.#applyEvent(kind.value);
        break;
      case 'acknowledged':
        this.#acknowledge(kind.value.event, timestampOf(kind.value.acknowledgedAt));
        break;
      case 'stop': {
        const { taskId, attempt, cause, killAt } = kind.value;
        this.#attempt(taskId, attempt).stop = { cause, killAtMs: timestampOf(killAt) };
        break;
      }
      case 'signal':
        this.#attempt(kind.value.taskId, kind.value.attempt).signals.add(kind.value.signal);
        break;
      case 'remembered': {
        const { taskId, attempt: number, acknowledgedAt } = kind.value;
        const atMs = timestampOf(acknowledgedAt);
        this.remembered.set(attemptId(taskId, number), { taskId, number, atMs });
        break;
      }
    }
  }

  /** Forgets what was acknowledged more than limits.agentRememberedMs ago, and the oldest above limits.agentRememberedMax. */
  forget(nowMs: number): void {
    for (const [id, { atMs }] of this.remembered) {
      const old = atMs < nowMs - limits.agentRememberedMs;
      if (!old && this.remembered.size <= limits.agentRememberedMax) break;
      this.remembered.delete(id);
    }
  }

  /** The fewest records that add up to the same. */
  *records(): Generator<JournalRecord> {
    yield headerRecord(this.journalId, this.lastEvent, this.acknowledgedEvent);
    for (const { taskId, number, atMs } of this.remembered.values()) {
      yield rememberedRecord(taskId, number, atMs);
    }
    for (const { taskId, number, accepted, latest, stop, signals } of this.attempts.values()) {
      if (accepted) yield acceptedRecord(accepted.start, accepted.bootId);
      if (latest && latest.sequence <= this.acknowledgedEvent) yield eventRecord(latest);
      if (stop) yield stopRecord(taskId, number, stop.cause, stop.killAtMs);
      for (const signal of signals) yield signalRecord(taskId, number, signal);
    }
    for (const event of this.#unacknowledged) yield eventRecord(event);
  }

  #attempt(taskId: string, number: number): JournalAttempt {
    const id = attemptId(taskId, number);
    let attempt = this.attempts.get(id);
    if (!attempt) {
      attempt = { taskId, number, signals: new Set() };
      this.attempts.set(id, attempt);
    }
    return attempt;
  }

  #applyEvent(event: Event): void {
    this.lastEvent = max(this.lastEvent, event.sequence);
    this.#attempt(event.taskId, event.attempt?.number ?? 0).latest = event;
    if (event.sequence > this.acknowledgedEvent) this.#unacknowledged.push(event);
  }

  #acknowledge(sequence: bigint, atMs: number): void {
    this.acknowledgedEvent = max(this.acknowledgedEvent, sequence);
    const first = this.#unacknowledged.findIndex((event) => event.sequence > sequence);
    const count = first < 0 ? this.#unacknowledged.length : first;
    for (const event of this.#unacknowledged.splice(0, count)) {
      if (event.attempt?.state !== TaskState.ENDED) continue;
      const { number } = event.attempt;
      const id = attemptId(event.taskId, number);
      this.attempts.delete(id);
      this.remembered.set(id, { taskId: event.taskId, number, atMs });
    }
    this.forget(atMs);
  }
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

function timestampOf(timestamp: Parameters<typeof timestampMs>[0] | undefined): number {
  return timestamp ? timestampMs(timestamp) : 0;
}
