/** Places of files as people write them: NODES:PATH on nodes, and anything else on this machine. Pure. */

/** A path on nodes. */
export interface NodePath {
  /** A node set as it was written; empty where the command says otherwise which nodes. */
  readonly nodes: string;
  /** Absolute, or relative to the workspace of the node; empty is the workspace. */
  readonly path: string;
}

/**
 * A word as a path on nodes; undefined for one on this machine. As with scp, what has a colon before its first slash is on nodes:
 * ./a:b is a file of that name.
 */
export function parseNodePath(word: string): NodePath | undefined {
  const colon = word.indexOf(':');
  const slash = word.indexOf('/');
  if (colon === -1 || (slash !== -1 && slash < colon)) return undefined;
  return { nodes: word.slice(0, colon), path: word.slice(colon + 1) };
}

/** The word again, with other nodes. */
export function writeNodePath({ nodes, path }: NodePath): string {
  return `${nodes}:${path}`;
}
