/** The paths of one order: what the policy says of each, and their places once they are opened. */

import type { FilePolicy } from '#agent/policy/policy.ts';
import { FileError } from '#base/files/file-error.ts';
import { decideFile, type FileAccess, type FileDecision, holdsRoot } from './decide-files.ts';
import { type MissingDirectories, type OpenPlace, openPlace } from './file-walk.ts';
import type { StateGuard } from './guard-state.ts';

/** What the places of one order rest on. */
export interface FilePlacesParts {
  readonly policy: FilePolicy;
  /** Absolute path of the workspace. */
  readonly workspace: string;
  readonly guard: StateGuard;
}

/** Places of one order. */
export class FilePlaces {
  readonly #parts: FilePlacesParts;

  constructor(parts: FilePlacesParts) {
    this.#parts = parts;
  }

  get guard(): StateGuard {
    return this.#parts.guard;
  }

  get policy(): FilePolicy {
    return this.#parts.policy;
  }

  /** What the policy says. @throws FileError for a path that makes no sense. */
  decide(path: string, access: FileAccess): FileDecision {
    return decideFile(path, access, this.#parts.policy, this.#parts.workspace);
  }

  /** Opens the directory that `path` is in. @throws FileError, denied where the policy says no; the system's error. */
  async open(path: string, access: FileAccess, missing?: MissingDirectories): Promise<OpenPlace> {
    const decision = this.decide(path, access);
    if (!decision.allowed) throw new FileError(decision.reason, { denied: true });
    return openPlace(decision, this.#parts.guard, missing);
  }

  /** @throws FileError for a root of the policy and what holds one. */
  requireNoRoot({ path, name }: OpenPlace): void {
    if (name !== '.' && !holdsRoot(path, this.#parts.policy, this.#parts.workspace)) return;
    throw new FileError("is, or holds, a root of the node's policy", { denied: true });
  }
}
