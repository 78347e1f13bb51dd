/**
 * What the node's policy and the host's user database say of a start: the seam between src/agent/policy, which decides,
 * and this folder, which carries it out. Types only.
 */
import type { Start } from '#protocol/gen/drover/v1/link_pb.ts';

/** Yes, by which rule of the policy, and exactly so; or no, and why. A refusal becomes the outcome not-started(step, errno, reason). */
export type LaunchDecision =
  | { readonly allowed: true; readonly rule: string; readonly launch: ResolvedLaunch }
  | { readonly allowed: false; readonly step: string; readonly errno: number; readonly reason: string };

/** A start with every name resolved: nothing in it is looked up again. */
export interface ResolvedLaunch {
  /** Absolute path for execve. */
  readonly binary: string;
  /** At least one element. */
  readonly argv: readonly string[];
  /** Absolute. */
  readonly cwd: string;
  /** The whole environment, "NAME=value", with DROVER_TASK and its like. */
  readonly env: readonly string[];
  /** Whom it runs as; undefined means as the supervisor itself. */
  readonly identity: LaunchIdentity | undefined;
  /** File mode creation mask, 0 to 0o777. */
  readonly umask: number;
  /** Whether set-uid programs gain nothing. */
  readonly noNewPrivs: boolean;
}

/** User and groups as numbers. */
export interface LaunchIdentity {
  readonly uid: number;
  readonly gid: number;
  /** Supplementary groups. */
  readonly groups: readonly number[];
}

/**
 * Decides on a start. Must not throw for anything that an operator can ask for. `workspace` is the directory to run in
 * where the spec names none.
 */
export type DecideLaunch = (start: Start, workspace: string) => Promise<LaunchDecision>;

/** How much the node's policy lets go on at once. */
export interface LaunchLimits {
  /** Tasks that have not ended. */
  readonly tasks: number;
  /** Starts under way. */
  readonly starts: number;
}

/** Whether operators may send this signal, by name such as "SIGTERM". */
export type DecideSignal = (
  signal: string,
) => { readonly allowed: true } | { readonly allowed: false; readonly reason: string };
