/** Makers of journal records, one for each kind. */
import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { type JournalRecord, JournalRecordSchema } from '#protocol/gen/drover/v1/journal_pb.ts';
import { type Event, EventSchema, type Start } from '#protocol/gen/drover/v1/link_pb.ts';
import type { Attempt, Cause } from '#protocol/gen/drover/v1/task_pb.ts';

/** Version of the format that this code writes and the highest that it reads. */
export const journalVersion = 1;

/** The first record of a file. */
export function headerRecord(journalId: string, lastEvent: bigint, acknowledgedEvent: bigint): JournalRecord {
  const value = { version: journalVersion, journalId, lastEvent, acknowledgedEvent };
  return create(JournalRecordSchema, { kind: { case: 'header', value } });
}

/** An attempt was taken on. @param failuresBefore how many attempts of its task failed soon, in a row, just before it. */
export function acceptedRecord(start: Start, bootId: string, failuresBefore: number): JournalRecord {
  return create(JournalRecordSchema, {
    kind: { case: 'accepted', value: { start, bootId, failuresBefore } },
  });
}

/** An observation, before it has its sequence number. */
export function newEvent(taskId: string, attempt: Attempt): Event {
  return create(EventSchema, { taskId, attempt });
}

/** An observation. */
export function eventRecord(event: Event): JournalRecord {
  return create(JournalRecordSchema, { kind: { case: 'event', value: event } });
}

/** Events up to `event` are on the controller's disk. */
export function acknowledgedRecord(event: bigint, atMs: number): JournalRecord {
  const value = { event, acknowledgedAt: timestampFromMs(atMs) };
  return create(JournalRecordSchema, { kind: { case: 'acknowledged', value } });
}

/** The end of an attempt, as it was ordered. */
export interface OrderedStop {
  /** The cause of the end if this brings it about. */
  readonly cause: Cause;
  /** When everything of it gets SIGKILL, wall clock. */
  readonly killAtMs: number;
  /** OPERATOR or SHUTDOWN when one of them ordered it: then it is not restarted. */
  readonly stoppedBy: Cause | undefined;
}

/** The end of an attempt was ordered. */
export function stopRecord(taskId: string, attempt: number, stop: OrderedStop): JournalRecord {
  const { cause, killAtMs, stoppedBy } = stop;
  const killAt = timestampFromMs(killAtMs);
  const value = { taskId, attempt, cause, killAt, ...(stoppedBy !== undefined && { stoppedBy }) };
  return create(JournalRecordSchema, { kind: { case: 'stop', value } });
}

/** An operator sent a signal. */
export function signalRecord(taskId: string, attempt: number, signal: string): JournalRecord {
  return create(JournalRecordSchema, { kind: { case: 'signal', value: { taskId, attempt, signal } } });
}

/** Whether a terminal is to stay although nobody is at it. */
export function terminalRecord(taskId: string, attempt: number, stays: boolean): JournalRecord {
  return create(JournalRecordSchema, { kind: { case: 'terminal', value: { taskId, attempt, stays } } });
}

/** A task is over for both sides, with this attempt as its last. */
export function rememberedRecord(taskId: string, attempt: number, atMs: number): JournalRecord {
  const value = { taskId, attempt, acknowledgedAt: timestampFromMs(atMs) };
  return create(JournalRecordSchema, { kind: { case: 'remembered', value } });
}
