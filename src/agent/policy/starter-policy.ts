/** The policy file that a node starts with. Written once; from then on it is the administrator's. */
import { lstat, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { writeFileAtomic } from '#base/atomic-file.ts';

/** The two files to start from. */
export const presets = ['confined', 'open'] as const;

/** `confined`: tasks run as one user. `open`: also as the agent's own. */
export type Preset = (typeof presets)[number];

/** Whom a starter policy lets tasks run as. */
export interface StarterUsers {
  /** The user made for tasks; undefined where the node has none, or the agent cannot become it. */
  readonly task: string | undefined;
  /** The agent's own. */
  readonly own: string;
}

const titles: Readonly<Record<Preset, string>> = {
  confined: "confined: any command, as one user; files of the agent's workspace",
  open: "open: any command, as the agent's own user too; all files",
};

/** The text of a starter policy, with its comments. */
export function starterPolicy(preset: Preset, { task, own }: StarterUsers): string {
  const users = preset === 'confined' ? [task ?? own] : [...new Set([task ?? own, own])];
  const root = preset === 'open' ? '/' : 'workspace';
  return `# What Drover may do on this node. The controller cannot override it.
# Preset ${titles[preset]}. Changes take effect within a second; a mistake leaves what was before.
# Must belong to root or to the agent's user, and be writable by nobody else.
version: 1

# Commands that may be launched: any, or a list of absolute paths of binaries and of patterns of whole argument vectors, such as
# [/usr/bin/systemctl, restart, { oneOf: [web, db] }]. A shell or an interpreter in the list allows everything.
# "namedCommands", "limits" and "noNewPrivs" can be said too: docs/policy.md; drover agent check-policy explains.
commands: any

# Users that tasks may run as. The first is taken where nobody says.
users: [${users.join(', ')}]

# Signals that operators may send to tasks: any, or a list such as [SIGINT, SIGTERM, SIGKILL].
signals: any

# Whether operators may give a command line to a shell.
shell: true

# Whether tasks may have a terminal, for people to type into: drover exec -it. Left out it means no.
terminals: ${preset === 'open'}

# Files that operators may read, and those that they may write, make, move and remove: lists of directories, by absolute paths
# without links, with all that is beneath them; "workspace" is the agent's own, where relative paths begin. The agent's state and
# this file are never among them. owners: whether they may say whom files belong to. setid: whether set-uid and set-gid are kept.
# Left out it means the workspace only.
files:
  read: [${root}]
  write: [${root}]
  owners: ${preset === 'open'}
  setid: ${preset === 'open'}

# Variables that operators may set: any, or a list. LD_PRELOAD, BASH_ENV and their like never pass.
environment: any
`;
}

/**
 * Writes a starter policy where there is no file.
 *
 * @returns whether it was written; false leaves what is there as it is.
 * @throws the system's error.
 */
export async function writeStarterPolicy(
  path: string,
  preset: Preset,
  users: StarterUsers,
): Promise<boolean> {
  if (await exists(path)) return false;
  await mkdir(dirname(path), { recursive: true });
  await writeFileAtomic(path, starterPolicy(preset, users), 0o644);
  return true;
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
