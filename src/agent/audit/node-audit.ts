/**
 * The node's own audit: what its policy allowed and denied, as JSON lines that are only added to, chained by their hashes as the
 * controller's rows are. It is bounded: the file is put away when it is full, and the oldest of those goes. The controller
 * cannot read, change or remove it. Decides nothing, and keeps nobody from anything: what cannot be written is said in the log, since
 * a node with a full disk must still take a stop.
 *
 *   record ──► audit.jsonl ──full──► audit.1.jsonl ──► … ──► audit.3.jsonl ──► gone
 */
import { closeSync, ftruncateSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { canonicalJson, type Json } from '#base/canonical-json.ts';
import type { Clock } from '#base/clock.ts';
import { type ChainContent, chainHash, chainStart } from '#base/hash-chain.ts';
import type { Logger } from '#base/log.ts';
import { makeDirectory } from '#base/make-directory.ts';
import { redactSecrets } from '#base/redact-secrets.ts';
import { limits } from '#protocol/limits.ts';

/** What was decided about what. */
export interface NodeDecision {
  readonly what: 'launch' | 'signal' | 'stop' | 'input' | 'terminal' | 'files';
  readonly decision: 'allowed' | 'denied';
  /** Why it was denied. */
  readonly reason?: string;
  /** What was asked: who, which task, which argument vector, and the like. */
  readonly [key: string]: Json | undefined;
}

/** The audit of one node. Dispose of it to close the file. */
export class NodeAudit implements Disposable {
  readonly #directory: string;
  readonly #clock: Clock;
  readonly #log: Logger;
  #file: number;
  #bytes: number;
  #sequence: number;
  #hash: string;
  #isFailing = false;

  /** Goes on with what is in `directory`, which is made if need be. @throws DirectoryError, the system's error. */
  constructor(directory: string, clock: Clock, log: Logger) {
    makeDirectory(directory);
    this.#directory = directory;
    this.#clock = clock;
    this.#log = log;
    this.#file = openSync(this.#path(0), 'a', 0o600);
    const { bytes, last } = readEnd(this.#path(0)) ?? { bytes: 0, last: undefined };
    const { sequence, hash } = last ?? readEnd(this.#path(1))?.last ?? { sequence: 0, hash: chainStart };
    this.#bytes = bytes;
    this.#sequence = sequence;
    this.#hash = hash;
    // What a crash has cut off is no row.
    ftruncateSync(this.#file, bytes);
  }

  /** Adds a row. Never throws. */
  record(decision: NodeDecision): void {
    try {
      if (this.#bytes >= limits.nodeAuditFileBytesMax) this.#putAway();
      this.#append(decision);
      this.#isFailing = false;
    } catch (error) {
      if (!this.#isFailing) this.#log.error({ err: error }, 'cannot write the audit of this node');
      this.#isFailing = true;
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#file);
    // Its number may be another file's from now on.
    this.#file = -1;
  }

  #append(decision: NodeDecision): void {
    const said = Object.entries(decision).filter(([, value]) => value !== undefined);
    const whole = canonicalJson({ ...(Object.fromEntries(said) as ChainContent), at: this.#clock.wallMs() });
    const content = JSON.parse(redactSecrets(whole)) as ChainContent;
    const [sequence, previous] = [this.#sequence + 1, this.#hash];
    const hash = chainHash(previous, { sequence, content });
    const line = Buffer.from(`${canonicalJson({ ...content, sequence, previous, hash })}\n`);
    this.#bytes += writeWhole(this.#file, line, this.#bytes);
    this.#sequence = sequence;
    this.#hash = hash;
  }

  #putAway(): void {
    for (let age = limits.nodeAuditFilesMax - 1; age > 0; age--)
      renameIfThere(this.#path(age - 1), this.#path(age));
    const full = this.#file;
    this.#file = openSync(this.#path(0), 'a', 0o600);
    this.#bytes = 0;
    closeSync(full);
  }

  #path(age: number): string {
    return join(this.#directory, age === 0 ? 'audit.jsonl' : `audit.${age}.jsonl`);
  }
}

/** All of it or nothing: on a full disk the beginning of a line must not stay. */
function writeWhole(file: number, line: Uint8Array, at: number): number {
  try {
    for (let written = 0; written < line.length; ) written += writeSync(file, line, written);
    return line.length;
  } catch (error) {
    ftruncateSync(file, at);
    throw error;
  }
}

/** How far a file is whole, and its last row; undefined where there is no file. */
function readEnd(
  path: string,
): { bytes: number; last: { sequence: number; hash: string } | undefined } | undefined {
  const content = readIfThere(path);
  if (!content) return undefined;
  const bytes = content.lastIndexOf('\n') + 1;
  const line = content.subarray(content.lastIndexOf('\n', bytes - 2) + 1, bytes).toString();
  return { bytes, last: bytes === 0 ? undefined : parseRow(line) };
}

function parseRow(line: string): { sequence: number; hash: string } | undefined {
  try {
    const { sequence, hash } = JSON.parse(line) as { sequence?: unknown; hash?: unknown };
    return Number.isSafeInteger(sequence) && typeof hash === 'string'
      ? { sequence: sequence as number, hash }
      : undefined;
  } catch {
    return undefined;
  }
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
