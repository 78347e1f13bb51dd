/**
 * The node's policy as it stands in its file. The file belongs to the node's administrator: one that others can write is
 * refused. One that is bad leaves what was read before in force; while there never was a good one, nothing is allowed. Read
 * synchronously, since it is a page at most and is looked at once a second at most.
 */
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readFileSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Clock } from '#base/clock.ts';
import { type Policy, PolicyError, parsePolicy } from './policy.ts';

/** The policy, or one line on why there is none. */
export type PolicyState =
  | { readonly policy: Policy; readonly text: string }
  | { readonly problem: string; readonly isGone?: boolean };

/** How the policy that is in force stands to its file. */
export interface PolicyStanding {
  /** SHA-256 of the text that is in force, hexadecimal; empty where nothing is allowed. */
  readonly digest: string;
  /** Since when this process goes by it, by the wall clock. */
  readonly sinceMs: number;
  /** What is wrong with the file as it is now; empty where nothing is. */
  readonly problem: string;
}

/** What a policy file is made of. */
export interface PolicyFileOptions {
  readonly path: string;
  /** The agent's own user, who may own the file beside root. */
  readonly uid: number;
  readonly clock: Clock;
  /** Told when another policy is in force, or another thing is wrong with the file; not of the first look. */
  readonly onChange?: (standing: PolicyStanding) => void;
}

/** So long an answer is good for, milliseconds. */
const freshMs = 1_000;

/** One policy file. */
export class PolicyFile {
  /** Its path. */
  readonly path: string;
  readonly #options: PolicyFileOptions;
  #state: PolicyState | undefined;
  #standing: PolicyStanding = { digest: '', sinceMs: 0, problem: '' };
  #readAtMs = 0;
  #parsed: { readonly text: string; readonly policy: Policy } | undefined;

  constructor(options: PolicyFileOptions) {
    this.path = options.path;
    this.#options = options;
  }

  /** What is in force; a change shows within a second. Never throws. */
  current(): PolicyState {
    const nowMs = this.#options.clock.monotonicMs();
    return this.#state && nowMs - this.#readAtMs < freshMs ? this.#state : this.#read().state;
  }

  /**
   * Reads the file now. One that is bad leaves the policy as it was; one that is gone takes it away. Never throws.
   *
   * @returns whether there was news, of which `onChange` was told.
   */
  reload(): boolean {
    return this.#read().isNews;
  }

  /** How what is in force stands to the file now. */
  standing(): PolicyStanding {
    this.current();
    return this.#standing;
  }

  #read(): { readonly state: PolicyState; readonly isNews: boolean } {
    const { uid, clock, onChange } = this.#options;
    const [before, stoodBefore] = [this.#state, this.#standing];
    const read = readPolicyFile(this.path, uid, (text) => this.#parse(text));
    this.#readAtMs = clock.monotonicMs();
    const isKept = 'problem' in read && !read.isGone && before !== undefined && 'policy' in before;
    const state = isKept ? before : read;
    const digest = 'policy' in state ? digestOf(state.text) : '';
    const sinceMs = digest === stoodBefore.digest && before ? stoodBefore.sinceMs : clock.wallMs();
    this.#state = state;
    this.#standing = { digest, sinceMs, problem: 'problem' in read ? read.problem : '' };
    const isOther = digest !== stoodBefore.digest || this.#standing.problem !== stoodBefore.problem;
    const isNews = before !== undefined && isOther;
    if (isNews) onChange?.(this.#standing);
    return { state, isNews };
  }

  /** Parsing takes a hundred times as long as reading, and the text hardly ever changes. */
  #parse(text: string): Policy {
    if (this.#parsed?.text !== text) this.#parsed = { text, policy: parsePolicy(text) };
    return this.#parsed.policy;
  }
}

/** Reads and checks a policy file once. Never throws. `uid` is the agent's own user. */
export function readPolicyFile(path: string, uid: number, parse = parsePolicy): PolicyState {
  try {
    const text = readGuarded(path, uid);
    return { policy: settleBinaries(parse(text)), text };
  } catch (error) {
    return { problem: explain(path, error), isGone: (error as NodeJS.ErrnoException).code === 'ENOENT' };
  }
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function readGuarded(path: string, uid: number): string {
  const file = openSync(path, 'r');
  try {
    const { mode, uid: owner } = fstatSync(file);
    if ((mode & 0o022) !== 0) {
      throw new PolicyError(`others than its owner can write it (chmod go-w ${path})`);
    }
    if (owner !== 0 && owner !== uid) {
      throw new PolicyError(`it belongs to user ${owner}, neither root nor the agent's own`);
    }
    return readFileSync(file, 'utf8');
  } finally {
    closeSync(file);
  }
}

/** Directories resolved as find-binary.ts resolves them, so that /bin/ls and /usr/bin/ls are one where they are one. */
function settleBinaries(policy: Policy): Policy {
  const { commands } = policy;
  if (commands === 'any') return policy;
  return { ...policy, commands: commands.map((rule) => ({ ...rule, binary: settle(rule.binary) })) };
}

function settle(path: string): string {
  try {
    return join(realpathSync(dirname(path)), basename(path));
  } catch {
    return path;
  }
}

function explain(path: string, error: unknown): string {
  if (error instanceof PolicyError) return `policy ${path}: ${error.message}`;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT') {
    return `policy ${path}: there is no such file, so nothing is allowed ("drover agent --preset confined" writes one)`;
  }
  return `policy ${path}: cannot be read: ${code ?? message}`;
}
