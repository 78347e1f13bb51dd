/**
 * Reading a journal at the start of an agent. A damaged file never keeps the agent from starting: the torn end that a crash
 * leaves is dropped; a file that is damaged elsewhere is put aside for a person and what is whole in it is used.
 */
import { randomUUID } from 'node:crypto';
import { readFile, rename } from 'node:fs/promises';
import { basename } from 'node:path';
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { type ScannedJournal, scanJournal } from './journal-frames.ts';
import { journalVersion } from './journal-records.ts';
import { JournalState } from './journal-state.ts';

/**
 * Sequence numbers left unused at each start. Should the file have lost its last events, also ones that the controller has,
 * none of their numbers is used for another event.
 */
const sequencesSkipped = 1_000_000n;

/** The journal was written by a newer version. */
export class JournalVersionError extends Error {
  override readonly name = 'JournalVersionError';
}

/**
 * The state that the file at `path` holds; a new one with a new id where there is none.
 *
 * @throws JournalVersionError for a file of a newer version; the system's error when a damaged file cannot be put aside.
 */
export async function readJournal(path: string, clock: Clock, log: Logger): Promise<JournalState> {
  const scanned = await scanFile(path);
  const state = new JournalState();
  if (scanned) {
    for (const record of scanned.records) {
      if (record.kind.case === 'header') checkVersion(path, record.kind.value.version);
      state.apply(record);
    }
    await judge(path, scanned, state, clock, log);
  }
  if (state.journalId === '') state.journalId = randomUUID();
  if (state.lastEvent > 0n) state.lastEvent += sequencesSkipped;
  state.forget(clock.wallMs());
  return state;
}

async function scanFile(path: string): Promise<ScannedJournal | undefined> {
  try {
    return scanJournal(await readFile(path));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    return { records: [], tornBytes: 0, gaps: [{ offset: 0, bytes: 0 }] };
  }
}

function checkVersion(path: string, version: number): void {
  if (version <= journalVersion) return;
  throw new JournalVersionError(
    `${path} is of version ${version}, this agent reads up to ${journalVersion}: it was written by a newer one`,
  );
}

async function judge(
  path: string,
  { gaps, tornBytes, records }: ScannedJournal,
  state: JournalState,
  clock: Clock,
  log: Logger,
): Promise<void> {
  if (gaps.length === 0 && state.journalId !== '') {
    if (tornBytes > 0) log.warn({ path, tornBytes }, 'the journal ended within a record, which is dropped');
    return;
  }
  const aside = `${path}.corrupt-${clock.wallMs()}`;
  await rename(path, aside);
  state.journalId = randomUUID();
  log.error(
    { aside: basename(aside), gaps, tornBytes, records: records.length },
    'the journal is damaged: it was put aside, and what is whole in it is used under a new id',
  );
}
