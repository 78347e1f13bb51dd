/**
 * Named points in the daemons at which a test can have them killed, stopped or failed. None is armed unless
 * DROVER_FAILPOINTS names it, which each daemon's config.ts reads and its log then warns of; a point that is not armed costs
 * one comparison. Nothing here is for production, and no code may depend on it.
 *
 *   DROVER_FAILPOINTS=agent.start-accepted=kill,agent.journal-write=error:EIO@3-5
 */
import { writeSync } from 'node:fs';
import { constants } from 'node:os';
import { getSystemErrorMessage } from 'node:util';
import { UsageError } from './command-line.ts';
import type { Logger } from './log.ts';

/** Every point, and what is true when it is reached. Each is called in exactly one place. */
export const failpoints = {
  'agent.start-received': 'the policy allows a start; nothing of it is on disk',
  'agent.start-accepted': 'a start is in the journal on disk; the supervisor was not asked',
  'agent.start-answered': 'the supervisor has taken a start; nothing that it says of it is in the journal',
  'agent.end-seen': 'the end of an attempt is known; it is not in the journal',
  'agent.end-recorded': 'the end of an attempt is in the journal on disk; the supervisor still holds it',
  'agent.end-released': 'the supervisor has forgotten an attempt that ended',
  'agent.acknowledged': "the controller has acknowledged events; that is not in the agent's journal",
  'agent.journal-write': 'bytes are about to be appended to the journal',
  'agent.journal-sync': 'bytes were appended to the journal; they are not synced',
  'agent.journal-replace': 'the journal is about to be written anew',
  'controller.run-committed': 'a run is on disk; nothing was sent to a node, nothing answered',
  'controller.run-dispatched': 'a run was sent to its nodes; its caller has no answer',
  'controller.events-received': "agents' events have arrived; nothing of them is on disk",
  'controller.events-committed': "agents' events are on disk; nothing was acknowledged",
} as const;

/** Name of a point. */
export type Failpoint = keyof typeof failpoints;

/**
 * What an armed point does: say only that it was reached, end this process by SIGKILL, stop it by SIGSTOP until somebody
 * sends SIGCONT, or throw the error that the system has for an errno.
 */
export type FailpointAction =
  | { readonly kind: 'note' | 'kill' | 'stop' }
  | { readonly kind: 'error'; readonly code: string };

/** An armed point: the action is done from the `first` time that it is reached to the `last`, counted from 1. */
export interface ArmedFailpoint {
  readonly action: FailpointAction;
  readonly first: number;
  readonly last: number;
}

/** What is armed, by name; undefined where nothing is. */
export type ArmedFailpoints = ReadonlyMap<Failpoint, ArmedFailpoint> | undefined;

const form =
  /^(?<name>[^=]+)=(?<kind>note|kill|stop|error:(?<code>E[A-Z0-9]+))(?:@(?<first>[1-9]\d*)(?<open>-(?<last>\d+)?)?)?$/;

let armed: ArmedFailpoints;
const reached = new Map<Failpoint, number>();

/**
 * Reads "NAME=ACTION[@FIRST[-[LAST]]]", joined by commas. ACTION is note, kill, stop or error:ERRNO; without "@" it is done
 * every time, with "@3" the third time only. Nothing or an empty text arms nothing.
 *
 * @throws UsageError
 */
export function parseFailpoints(text: string | undefined): ArmedFailpoints {
  if (!text) return undefined;
  return new Map(text.split(',').map(parseOne));
}

function parseOne(text: string): readonly [Failpoint, ArmedFailpoint] {
  const { name, kind, code, first, open, last } = form.exec(text)?.groups ?? {};
  if (name === undefined || !isFailpoint(name)) {
    throw new UsageError(`DROVER_FAILPOINTS: ${JSON.stringify(text)} is no failpoint with an action`);
  }
  if (code !== undefined && errnoOf(code) === undefined) {
    throw new UsageError(`DROVER_FAILPOINTS: there is no error ${code}`);
  }
  const action: FailpointAction = code === undefined ? { kind: kind as 'note' } : { kind: 'error', code };
  const from = Number(first ?? 1);
  const only = first !== undefined && open === undefined;
  return [name, { action, first: from, last: only ? from : Number(last ?? Number.POSITIVE_INFINITY) }];
}

function isFailpoint(name: string): name is Failpoint {
  return Object.hasOwn(failpoints, name);
}

/** Arms these points in this process, in place of those that were, and warns of it. To be called by main.ts. */
export function armFailpoints(points: ArmedFailpoints, log?: Logger): void {
  armed = points;
  reached.clear();
  if (points)
    log?.warn({ failpoints: [...points.keys()] }, 'armed to fail on purpose: this is for tests only');
}

/** This point is reached. @throws the error that the point was armed with; nothing where it is not armed. */
export function failpoint(name: Failpoint): void {
  if (armed !== undefined) reach(name, armed.get(name));
}

function reach(name: Failpoint, point: ArmedFailpoint | undefined): void {
  if (point === undefined) return;
  const times = (reached.get(name) ?? 0) + 1;
  reached.set(name, times);
  if (times < point.first || times > point.last) return;
  // At once and past every buffer: the next instruction may be the last one.
  writeSync(2, `failpoint ${name} ${point.action.kind}\n`);
  switch (point.action.kind) {
    case 'note':
      return;
    case 'kill':
    case 'stop':
      process.kill(process.pid, point.action.kind === 'kill' ? 'SIGKILL' : 'SIGSTOP');
      return;
    case 'error':
      throw systemError(name, point.action.code);
  }
}

function systemError(name: Failpoint, code: string): NodeJS.ErrnoException {
  const errno = -(errnoOf(code) ?? 0);
  const message = `${code}: ${getSystemErrorMessage(errno)}, ${name}`;
  return Object.assign(new Error(message), { code, errno, syscall: name });
}

function errnoOf(code: string): number | undefined {
  return new Map(Object.entries(constants.errno)).get(code);
}
