/**
 * What no root of a policy opens: the agent's own state and the policy itself. Known by device and inode, so that no other path
 * and no other mount leads there; the policy also by the name that it has or would have. Looked at anew for each order.
 */
import type { BigIntStats } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { Guard } from '#base/files/directory-handle.ts';

/** A guard that also knows what must stay where it is. */
export interface StateGuard extends Guard {
  /** Why a directory with this identity cannot be moved; undefined where it can. */
  refusesMoving(stats: BigIntStats): string | undefined;
}

const ownState = "is the agent's own state";
const ownPolicy = "is the node's policy";

/** Guards the state directory and the policy file. @throws the system's error when the state directory cannot be looked at. */
export async function guardState(directory: string, policyFile: string): Promise<StateGuard> {
  const state = identify(await stat(directory, { bigint: true }));
  const policy = await identityAt(policyFile);
  const names = await policyNames(policyFile);
  const above = new Set([
    ...(await identitiesAbove(await realpath(directory))),
    ...(await identitiesAbove(await realpath(dirname(policyFile)).catch(() => dirname(policyFile)))),
  ]);
  return {
    refuses: (stats) => {
      const identity = identify(stats);
      if (identity === state) return ownState;
      return identity === policy ? ownPolicy : undefined;
    },
    refusesName: (parent, name) => (names.has(`${identify(parent)} ${name}`) ? ownPolicy : undefined),
    refusesMoving: (stats) =>
      above.has(identify(stats)) ? "holds the agent's own state or the node's policy" : undefined,
  };
}

function identify({ dev, ino }: BigIntStats): string {
  return `${dev}:${ino}`;
}

async function identityAt(path: string): Promise<string | undefined> {
  try {
    return identify(await stat(path, { bigint: true }));
  } catch {
    return undefined;
  }
}

/** Directory and name of the policy: of a link to it as well as of what it leads to. */
async function policyNames(policyFile: string): Promise<ReadonlySet<string>> {
  const paths = [policyFile, await realpath(policyFile).catch(() => policyFile)];
  const names = new Set<string>();
  for (const path of paths) names.add(`${await identityAt(dirname(path))} ${basename(path)}`);
  return names;
}

/** This directory and all above it. */
async function identitiesAbove(path: string): Promise<string[]> {
  const identity = await identityAt(path);
  const rest = dirname(path) === path ? [] : await identitiesAbove(dirname(path));
  return identity === undefined ? rest : [identity, ...rest];
}
