/**
 * One start, from the order to the process: policy, directory, journal, supervisor. Every way in which it can fail becomes an
 * outcome of the attempt.
 *
 * AT MOST ONCE. The supervisor is asked only for an attempt that is in the journal on disk, and it refuses an id that it
 * has. So a start whose answer was lost is asked for again, and is one start. Where a journal was lost, the output of an attempt
 * still says that it was started: whoever asks for it again gets no second start, but that nobody knows its end.
 */
import { join } from 'node:path';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import type { Journal } from '#agent/journal/journal.ts';
import type { LogKeeper } from '#agent/logs/log-keeper.ts';
import { type Clock, delay } from '#base/clock.ts';
import { failpoint } from '#base/failpoint.ts';
import type { Cause } from '#protocol/gen/drover/v1/task_pb.ts';
import { errnoWords } from './describe-failure.ts';
import type { DecideLaunch, ResolvedLaunch } from './launch-decision.ts';
import { limitFields } from './limit-fields.ts';
import type { LiveAttempt } from './live-attempt.ts';
import { stdioFields } from './stdio-fields.ts';
import type { SupervisorClient } from './supervisor-client.ts';
import { SupervisorGoneError, SupervisorRefusedError } from './supervisor-errors.ts';
import {
  type AttemptStatus,
  type SupervisorBody,
  startFlags,
  supervisorErrors,
} from './supervisor-messages.ts';
import { WireError } from './wire-fields.ts';

const e2big = 7;

/** Pause before a start is asked for again after the connection broke, milliseconds. */
const retryMs = 50;

const recordsLost = 'the records of its agent were lost';

/** What a start needs. */
export interface LaunchParts {
  readonly decideLaunch: DecideLaunch;
  readonly journal: Journal;
  readonly logs: LogKeeper;
  readonly supervisor: SupervisorClient;
  readonly clock: Clock;
  /** Where tasks run that say nothing else. */
  readonly workspace: string;
  /** The kernel's id of this boot. */
  readonly bootId: string;
  /** Aborts when the task host closes: what has not begun then is taken up by the next one. */
  readonly stop: AbortSignal;
  /** Nobody can know how it ended. */
  lose(live: LiveAttempt, reason: string): void;
  /** No process of it will run. */
  refuse(live: LiveAttempt, refusal: LaunchRefusal): void;
  /** The supervisor has the attempt. */
  takeStatus(status: AttemptStatus): void;
}

/** Why no process will run. */
export interface LaunchRefusal {
  readonly step: string;
  readonly errno: number;
  readonly reason: string;
  readonly cause?: Cause;
}

/** Resolves when a process of the attempt runs, or never will, or the host closes. */
export async function launchAttempt(live: LiveAttempt, parts: LaunchParts): Promise<void> {
  try {
    // Whatever the journal says: of a start that was never tried there is no output.
    if (parts.logs.hasOutput(live.id)) return parts.lose(live, recordsLost);
    const prepared = await prepare(live, parts);
    if ('reason' in prepared) parts.refuse(live, prepared);
    else await askSupervisor(live, prepared, parts);
  } catch (error) {
    if (!parts.stop.aborted) parts.refuse(live, failure('agent', error));
  }
}

async function prepare(live: LiveAttempt, parts: LaunchParts): Promise<LaunchRefusal | ResolvedLaunch> {
  const early = notNow(live, parts);
  if (early) return early;
  const decision = await parts.decideLaunch(live.start, parts.workspace);
  if (!decision.allowed) return decision;
  try {
    await parts.logs.begin(live.id, live.over);
  } catch (error) {
    return failure('logs', error);
  }
  const { binary, argv } = decision.launch;
  const attempt = { ...live.life.attempt, binary, argv: live.start.spec?.named ? [...argv] : [] };
  live.life = { ...live.life, attempt };
  if (live.phase === 'queued') {
    try {
      failpoint('agent.start-received');
      await parts.journal.accept(live.start, parts.bootId, attempt);
    } catch (error) {
      return failure('journal', error);
    }
    live.phase = 'accepted';
    live.bootId = parts.bootId;
  }
  return notNow(live, parts) ?? decision.launch;
}

function notNow(live: LiveAttempt, { journal, clock }: LaunchParts): LaunchRefusal | undefined {
  if (live.cancelled !== undefined) {
    return { step: 'agent', errno: 0, reason: 'stopped before it was started', cause: live.cancelled };
  }
  if (live.phase === 'queued' && journal.failing !== undefined) {
    return { step: 'journal', errno: 0, reason: `journal: ${journal.failing}` };
  }
  const { notAfter } = live.start;
  if (!notAfter || timestampMs(notAfter) >= clock.wallMs()) return undefined;
  const reason =
    live.phase === 'queued' ? 'the order came too late' : 'agent restarted before it was started';
  return { step: 'agent', errno: 0, reason };
}

async function askSupervisor(live: LiveAttempt, launch: ResolvedLaunch, parts: LaunchParts): Promise<void> {
  failpoint('agent.start-accepted');
  const order = startOrder(live, launch, parts.logs.pathOf(live.id));
  live.phase = 'sent';
  while (live.phase === 'sent' && !parts.stop.aborted) {
    try {
      await parts.supervisor.start(order);
      failpoint('agent.start-answered');
      if (live.phase === 'sent') live.phase = 'known';
    } catch (error) {
      if (error instanceof WireError) {
        return parts.refuse(live, { step: 'execve', errno: e2big, reason: `execve: ${errnoWords(e2big)}` });
      }
      if (!(await triedAgain(live, error, parts))) return;
    }
  }
  const stopped = Promise.withResolvers<void>();
  const onStop = () => stopped.resolve();
  parts.stop.addEventListener('abort', onStop, { once: true });
  if (!parts.stop.aborted) await Promise.race([live.settled, stopped.promise]);
  parts.stop.removeEventListener('abort', onStop);
}

/** @returns whether asking again makes sense; otherwise the attempt was given its end. */
async function triedAgain(live: LiveAttempt, error: unknown, parts: LaunchParts): Promise<boolean> {
  if (error instanceof SupervisorGoneError) {
    await delay(parts.clock, retryMs, parts.stop).catch(() => {});
    return true;
  }
  if (!(error instanceof SupervisorRefusedError)) throw error;
  if (error.code !== supervisorErrors.exists) {
    parts.refuse(live, { step: 'supervisor', errno: error.errno, reason: refusalWords(error) });
    return false;
  }
  const statuses = await parts.supervisor.list().catch(() => []);
  const status = statuses.find(({ id }) => id === live.id);
  if (status) parts.takeStatus(status);
  return true;
}

function refusalWords({ message, errno }: SupervisorRefusedError): string {
  return errno === 0 ? `supervisor: ${message}` : `supervisor: ${message}: ${errnoWords(errno)}`;
}

function startOrder(
  { id, start }: LiveAttempt,
  launch: ResolvedLaunch,
  logDirectory: string,
): SupervisorBody<'start'> {
  const { identity, noNewPrivs, umask, cwd, binary, argv, env } = launch;
  const { flags, ...limits } = limitFields(start.spec);
  const stdio = stdioFields(start.spec);
  return {
    ...limits,
    id,
    flags:
      flags | stdio.flags | (identity ? startFlags.setUser : 0) | (noNewPrivs ? startFlags.noNewPrivs : 0),
    uid: identity?.uid ?? 0,
    gid: identity?.gid ?? 0,
    groups: identity?.groups ?? [],
    umask,
    oomScoreAdj: 0,
    rows: stdio.rows,
    columns: stdio.columns,
    cwd,
    stdin: '',
    stdout: join(logDirectory, 'stdout'),
    stderr: join(logDirectory, 'stderr'),
    path: binary,
    argv,
    env,
  };
}

function failure(step: string, error: unknown): LaunchRefusal {
  const { message, errno = 0 } = error as NodeJS.ErrnoException;
  const reason = errno < 0 ? errnoWords(-errno) : message;
  return { step, errno: Math.abs(errno), reason: `${step}: ${reason}` };
}
