/** The two outputs of an attempt, and the names of the files that are kept of them. */
import { LogSource } from '#protocol/gen/drover/v1/task_pb.ts';

/** An output; also the name of its file in the attempt's directory. */
export type OutputName = 'stdout' | 'stderr';

/** Both of them, in the order in which they come where nothing else orders them. */
export const outputNames: readonly OutputName[] = ['stdout', 'stderr'];

/** Names in the protocol. */
export const outputSources: Readonly<Record<OutputName, LogSource>> = {
  stdout: LogSource.STDOUT,
  stderr: LogSource.STDERR,
};

/** Numbers in the supervisor's protocol. */
export const outputNumbers: Readonly<Record<OutputName, 1 | 2>> = { stdout: 1, stderr: 2 };

/** A number of bytes of each. */
export type OutputSizes = Readonly<Record<OutputName, number>>;

/** Of an attempt that has printed nothing. */
export const noBytes: OutputSizes = { stdout: 0, stderr: 0 };

/** The file beside them that says when they were written: time-index.ts. */
export const timesName = 'times';

/** The file beside them that says how much of their beginnings is gone: floor-file.ts. */
export const floorName = 'floor';
