/**
 * Whether the node's policy allows something to be done to a path, and beneath which root. Pure, and by the path alone: no link is
 * followed on the way, so that a path means what it says. What lies on the way is guard-state.ts's to refuse.
 */

import type { FilePolicy } from '#agent/policy/policy.ts';
import { parseAskedPath } from '#base/files/tree-path.ts';

/** What for. */
export type FileAccess = 'read' | 'write';

/** Absolute paths in components. */
type Parts = readonly string[];

/** A path that may be used. */
export interface AllowedPath {
  readonly allowed: true;
  /** The root as it is written; the workspace by its absolute path. */
  readonly root: string;
  /** Whether it is the workspace, which lies where nothing else may go. */
  readonly isWorkspace: boolean;
  /** Components beneath the root; none for the root itself. */
  readonly parts: Parts;
  /** Absolute, for people. */
  readonly path: string;
}

/** An answer, with the path that it is about. */
export type FileDecision =
  | AllowedPath
  | { readonly allowed: false; readonly path: string; readonly reason: string };

/** How the workspace is written in a policy. */
export const workspaceRoot = 'workspace';

/**
 * Decides.
 *
 * @param workspace absolute path of the agent's workspace, where relative paths begin.
 * @throws FileError for a path that makes no sense.
 */
export function decideFile(
  asked: string,
  access: FileAccess,
  policy: FilePolicy,
  workspace: string,
): FileDecision {
  const { absolute, parts: written } = parseAskedPath(asked);
  const home = split(workspace);
  const parts = absolute ? written : [...home, ...written];
  const path = `/${parts.join('/')}`;
  const roots = policy[access].map((root) => split(root === workspaceRoot ? workspace : root));
  const covering = roots.filter((root) => isBeneath(parts, root));
  if (covering.length === 0) {
    const verb = access === 'read' ? 'read' : 'written';
    return { allowed: false, path, reason: `the policy of this node allows no file there to be ${verb}` };
  }
  const isWorkspace = isBeneath(parts, home);
  const root = isWorkspace ? home : covering.reduce((a, b) => (b.length > a.length ? b : a));
  return { allowed: true, root: `/${root.join('/')}`, isWorkspace, parts: parts.slice(root.length), path };
}

/** Whether the policy names this path, or something beneath it, as a root: it is neither removed nor moved. */
export function holdsRoot(path: string, policy: FilePolicy, workspace: string): boolean {
  const parts = split(path);
  return [workspaceRoot, ...policy.read, ...policy.write]
    .map((root) => split(root === workspaceRoot ? workspace : root))
    .some((root) => isBeneath(root, parts));
}

/** @throws FileError for a path that makes no sense. */
function split(path: string): Parts {
  const { parts } = parseAskedPath(path);
  return parts;
}

function isBeneath(parts: Parts, root: Parts): boolean {
  return root.length <= parts.length && root.every((part, at) => parts[at] === part);
}
