/** What can become of a frame of a session on its way. Says it; frame-lane.ts does it. */
import type { AgentFrame, ControllerFrame } from '#protocol/gen/drover/v1/link_pb.ts';

/** `up` is what agents say. */
export type Direction = 'up' | 'down';

/** A frame that passes. */
export interface PassingFrame {
  readonly direction: Direction;
  /** From 1, of this direction of this session; heartbeats, which come at any time, have the number of the frame before. */
  readonly number: number;
  readonly kind: NonNullable<(AgentFrame | ControllerFrame)['kind']['case']> | undefined;
  /** As it is on the wire, without the frame around it. */
  readonly message: Uint8Array;
}

/**
 * `swap`: it comes after the next one; `cut-…`: the connection is cut before it, in the middle of it, or behind it; bytes: those
 * come in its place.
 */
export type Fate =
  | 'pass'
  | 'drop'
  | 'twice'
  | 'swap'
  | 'cut-before'
  | 'cut-within'
  | 'cut-after'
  | Uint8Array;

/** Decides. */
export type DecideFate = (frame: PassingFrame) => Fate;
