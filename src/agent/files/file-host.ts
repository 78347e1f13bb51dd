/**
 * Carries out what is ordered about the files of this node, within the node's policy: decides by the paths, logs what was decided
 * and refused, and hands the order to whoever knows its kind. What comes up and goes down are the frames of file.proto.
 */
import { join } from 'node:path';
import { create } from '@bufbuild/protobuf';
import type { NodeAudit } from '#agent/audit/node-audit.ts';
import type { FilePolicy } from '#agent/policy/policy.ts';
import type { PolicyFile } from '#agent/policy/policy-file.ts';
import { RefusedOrderError } from '#agent/workload.ts';
import type { Clock } from '#base/clock.ts';
import { describeFileError, FileError, FileStreamError } from '#base/files/file-error.ts';
import { receiveTree } from '#base/files/receive-tree.ts';
import { sendTree } from '#base/files/send-tree.ts';
import { settleTarget } from '#base/files/settle-target.ts';
import type { TreeTop } from '#base/files/walk-tree.ts';
import type { Logger } from '#base/log.ts';
import type {
  FileOrder,
  GetFiles,
  PutFiles,
  ReceiverFrame,
  SenderFrame,
} from '#protocol/gen/drover/v1/file_pb.ts';
import {
  type FilesDown,
  type FilesUp,
  FilesUpSchema,
  type OpenFiles,
} from '#protocol/gen/drover/v1/link_pb.ts';
import { limits } from '#protocol/limits.ts';
import { makeDirectories, moveFile } from './change-files.ts';
import type { FileAccess } from './decide-files.ts';
import { type DecidedPath, DecisionLog } from './decision-log.ts';
import { answerFrame, problemFrame, problemOf } from './file-answer.ts';
import { FilePlaces } from './file-places.ts';
import { guardState } from './guard-state.ts';
import { listFiles } from './list-files.ts';
import { OwnerNames } from './owner-names.ts';
import { readFile, requireReadable } from './read-file.ts';
import { removeFiles } from './remove-files.ts';

/** What the host works with. */
export interface FileHostOptions {
  /** The agent's state directory, absolute; the workspace lies in it. */
  readonly directory: string;
  readonly policyFile: PolicyFile;
  readonly audit: NodeAudit;
  readonly clock: Clock;
  readonly log: Logger;
}

type Kind = NonNullable<FileOrder['kind']['case']>;
type Order<K extends Kind> = Extract<FileOrder['kind'], { case: K }>['value'];

/** What each order does with which paths. */
const pathsOf: { readonly [K in Kind]: (order: Order<K>) => readonly (readonly [string, FileAccess])[] } = {
  put: ({ destination }) => [[destination, 'write']],
  get: ({ paths }) => paths.map((path) => [path, 'read']),
  list: ({ paths }) => (paths.length > 0 ? paths : ['.']).map((path) => [path, 'read']),
  read: ({ path }) => [[path, 'read']],
  makeDirectories: ({ paths }) => paths.map((path) => [path, 'write']),
  move: ({ from, to }) => [
    [from, 'write'],
    [to, 'write'],
  ],
  remove: ({ paths }) => paths.map((path) => [path, 'write']),
};

/** Those of which each path stands for itself: one that is refused is a problem among the others. */
const severalPaths: ReadonlySet<Kind> = new Set(['get', 'list', 'makeDirectories', 'remove']);

/** The files of one node. */
export class FileHost {
  readonly #options: FileHostOptions;
  readonly #workspace: string;
  readonly #owners: OwnerNames;

  constructor(options: FileHostOptions) {
    this.#options = options;
    this.#workspace = join(options.directory, 'workspace');
    this.#owners = new OwnerNames(options.clock);
  }

  /**
   * Carries `order` out, with what comes down in `frames`. Ends by itself, or soon after `abort` aborts.
   *
   * @throws RefusedOrderError, denied where it is the policy's; what the other side does wrong.
   */
  async *carryOut(
    { order, operator }: OpenFiles,
    frames: AsyncIterable<FilesDown>,
    abort: AbortSignal,
  ): AsyncGenerator<FilesUp> {
    const kind = order?.kind;
    if (kind?.case === undefined) throw new RefusedOrderError('the order says nothing that this agent knows');
    using log = new DecisionLog(this.#options.log, this.#options.audit, operator, kind.case);
    const policy = this.#policy(log);
    const guard = await guardState(this.#options.directory, this.#options.policyFile.path);
    const places = new FilePlaces({ policy, workspace: this.#workspace, guard });
    decide(kind, places, log);
    try {
      for await (const up of this.#perform(kind, places, frames, abort)) {
        log.told(up);
        yield up;
      }
    } catch (error) {
      if (error instanceof RefusedOrderError && error.denied) log.refused(error.message);
      if (!(error instanceof FileStreamError)) throw error;
      throw new RefusedOrderError(error.message, { cause: error });
    }
  }

  #policy(log: DecisionLog): FilePolicy {
    const state = this.#options.policyFile.current();
    if (!('problem' in state)) return state.policy.files;
    log.refused(state.problem);
    throw new RefusedOrderError(state.problem, { denied: true });
  }

  #perform(
    kind: Exclude<FileOrder['kind'], { case: undefined }>,
    places: FilePlaces,
    frames: AsyncIterable<FilesDown>,
    abort: AbortSignal,
  ): AsyncIterable<FilesUp> {
    const { clock } = this.#options;
    switch (kind.case) {
      case 'put':
        return this.#put(kind.value, places, frames, abort);
      case 'get':
        return sendFiles(kind.value, places, frames, abort);
      case 'list':
        return listFiles(kind.value, places, this.#owners, abort);
      case 'read':
        return orProblem(kind.value.path, readFile(kind.value, places, clock, abort));
      case 'makeDirectories':
        return makeDirectories(kind.value, places, abort);
      case 'move':
        return orProblem(kind.value.from, moveFile(kind.value, places));
      case 'remove':
        return removeFiles(kind.value, places, abort);
    }
  }

  async *#put(
    put: PutFiles,
    places: FilePlaces,
    frames: AsyncIterable<FilesDown>,
    abort: AbortSignal,
  ): AsyncGenerator<FilesUp> {
    const { clock } = this.#options;
    const { destination, intoDirectory, exactDestination: exact } = put;
    const { preserve, mode, backup, dryRun, checksum, report } = put;
    const { setid } = places.policy;
    requirePutAllowed(put, places.policy);
    const owner = put.owner === '' ? undefined : await this.#owner(put.owner);
    using place = await wholly(destination, () => places.open(destination, 'write'));
    using target = await wholly(destination, () =>
      settleTarget(place.directory, place.name, { intoDirectory, exact }),
    );
    const how = { target, clock, preserve, backup, dryRun, checksum, report, setid };
    const options = { ...how, ...(owner && { owner }), ...(mode !== undefined && { mode }) };
    // So that the sender does not wait for a refusal any longer.
    yield create(FilesUpSchema, {
      kind: { case: 'receiver', value: { kind: { case: 'progress', value: {} } } },
    });
    for await (const value of receiveTree(options, sendersOf(frames), abort)) {
      yield create(FilesUpSchema, { kind: { case: 'receiver', value } });
    }
  }

  /** @throws RefusedOrderError for one that is not known here. */
  async #owner(owner: string): Promise<{ uid: number; gid: number }> {
    try {
      return await this.#owners.parse(owner);
    } catch (error) {
      throw new RefusedOrderError(describeFileError(error), { cause: error });
    }
  }
}

/** Decides by the paths, and logs that. @throws RefusedOrderError when nothing of it may be done, or a path makes no sense. */
function decide(
  kind: Exclude<FileOrder['kind'], { case: undefined }>,
  places: FilePlaces,
  log: DecisionLog,
): void {
  const paths = pathsOfOrder(kind);
  if (paths.length > limits.filePathsMax) {
    throw new RefusedOrderError(
      `an order names at most ${limits.filePathsMax} paths, and this one ${paths.length}`,
    );
  }
  const several = severalPaths.has(kind.case);
  const decided = paths.flatMap(([path, access]) => decideOne(places, path, access, several));
  log.decided(decided);
  const denied = decided.flatMap(({ decision }) => (decision.allowed ? [] : [decision]));
  const [first] = denied;
  if (first && (!several || denied.length === decided.length)) {
    throw new RefusedOrderError(`${first.path}: ${first.reason}`, { denied: true });
  }
}

function pathsOfOrder(kind: Exclude<FileOrder['kind'], { case: undefined }>) {
  const paths = pathsOf[kind.case] as (
    order: typeof kind.value,
  ) => readonly (readonly [string, FileAccess])[];
  if (kind.case === 'read') {
    try {
      requireReadable(kind.value);
    } catch (error) {
      throw new RefusedOrderError(describeFileError(error));
    }
  }
  return paths(kind.value);
}

/** Of several paths, one that makes no sense is a problem when it is its turn. */
function decideOne(places: FilePlaces, path: string, access: FileAccess, several: boolean): DecidedPath[] {
  try {
    return [{ asked: path, decision: places.decide(path, access) }];
  } catch (error) {
    if (several) return [];
    throw new RefusedOrderError(`${path}: ${describeFileError(error)}`, { cause: error });
  }
}

function requirePutAllowed({ owner, mode = 0 }: PutFiles, { owners, setid }: FilePolicy): void {
  if (owner !== '' && !owners) {
    throw new RefusedOrderError('the policy of this node lets nobody set owners', { denied: true });
  }
  if ((mode & 0o6000) !== 0 && !setid) {
    throw new RefusedOrderError('the policy of this node lets nobody set set-uid and set-gid', {
      denied: true,
    });
  }
}

/** What `work` comes to; without it nothing of the order can be done. @throws RefusedOrderError */
async function wholly<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const denied = error instanceof FileError && error.denied;
    throw new RefusedOrderError(`${path}: ${describeFileError(error)}`, { cause: error, denied });
  }
}

/** `frames`; what they fail with is a problem of `path`. */
async function* orProblem(path: string, frames: AsyncIterable<FilesUp>): AsyncGenerator<FilesUp> {
  try {
    yield* frames;
  } catch (error) {
    yield problemFrame(path, error);
    yield answerFrame({ case: 'done', value: 0n });
  }
}

async function* sendFiles(
  { paths, recursive }: GetFiles,
  places: FilePlaces,
  frames: AsyncIterable<FilesDown>,
  abort: AbortSignal,
): AsyncGenerator<FilesUp> {
  using opened = new DisposableStack();
  const tops = new Map<string, TreeTop>();
  const problems = [];
  for (const path of paths) {
    try {
      const place = opened.use(await places.open(path, 'read'));
      const as = place.path.split('/').at(-1) || 'root';
      if (tops.has(as))
        throw new FileError(`something else that is called ${JSON.stringify(as)} is copied already`);
      tops.set(as, { directory: place.directory, name: place.name, as });
    } catch (error) {
      problems.push(problemOf(path, error));
    }
  }
  const options = { tops: [...tops.values()], recursive, problems };
  for await (const value of sendTree(options, receiversOf(frames), abort)) {
    yield create(FilesUpSchema, { kind: { case: 'sender', value } });
  }
}

async function* sendersOf(frames: AsyncIterable<FilesDown>): AsyncGenerator<SenderFrame> {
  for await (const { kind } of frames) {
    if (kind.case !== 'sender')
      throw new FileStreamError(`the sender sent ${kind.case ?? 'nothing that is known'}`);
    yield kind.value;
  }
}

async function* receiversOf(frames: AsyncIterable<FilesDown>): AsyncGenerator<ReceiverFrame> {
  for await (const { kind } of frames) {
    if (kind.case !== 'receiver')
      throw new FileStreamError(`the receiver sent ${kind.case ?? 'nothing that is known'}`);
    yield kind.value;
  }
}
