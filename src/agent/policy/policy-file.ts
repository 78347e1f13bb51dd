/**
 * The node's policy as it stands in its file now. The file belongs to the node's administrator: one that others can write
 * is refused, and while there is none that is good, nothing is allowed. Read synchronously, since it is a page at most
 * and is looked at once a second at most.
 */
import { closeSync, fstatSync, openSync, readFileSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Clock } from '#base/clock.ts';
import { type Policy, PolicyError, parsePolicy } from './policy.ts';

/** The policy, or one line on why there is none. */
export type PolicyState = { readonly policy: Policy } | { readonly problem: string };

/** So long an answer is good for, milliseconds. */
const freshMs = 1_000;

/** One policy file. */
export class PolicyFile {
  /** Its path. */
  readonly path: string;
  readonly #uid: number;
  readonly #clock: Clock;
  #state: PolicyState | undefined;
  #readAtMs = 0;
  #parsed: { readonly text: string; readonly policy: Policy } | undefined;

  /** @param uid the agent's own user, who may own the file beside root. */
  constructor(path: string, uid: number, clock: Clock) {
    this.path = path;
    this.#uid = uid;
    this.#clock = clock;
  }

  /** What it says; a change shows within a second. Never throws. */
  current(): PolicyState {
    const nowMs = this.#clock.monotonicMs();
    if (!this.#state || nowMs - this.#readAtMs >= freshMs) {
      this.#state = readPolicyFile(this.path, this.#uid, (text) => this.#parse(text));
      this.#readAtMs = nowMs;
    }
    return this.#state;
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
    const policy = parse(readGuarded(path, uid));
    return { policy: { ...policy, commands: settleCommands(policy.commands) } };
  } catch (error) {
    return { problem: explain(path, error) };
  }
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
function settleCommands(commands: Policy['commands']): Policy['commands'] {
  return commands === 'any' ? commands : commands.map(settleCommand);
}

function settleCommand(path: string): string {
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
