/** How much of what tasks print a node keeps. */
import { limits } from '#protocol/limits.ts';

/** How much is kept. */
export interface LogQuota {
  /** Bytes of one output of an attempt that is not over; default limits.logStreamBytesMax. */
  readonly streamBytesMax: number;
  /** Bytes of all output; default limits.logNodeBytesMax. Attempts that are not over may exceed it. */
  readonly nodeBytesMax: number;
}

/** Where nobody says otherwise. */
export const defaultLogQuota: LogQuota = {
  streamBytesMax: limits.logStreamBytesMax,
  nodeBytesMax: limits.logNodeBytesMax,
};
