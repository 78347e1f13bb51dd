/** Makes join tokens. The text is given once; the store gets a hash of the secret. Lets nobody in: redeeming does. */
import type { Clock } from '#base/clock.ts';
import { newEvent } from '#controller/store/new-event.ts';
import type { JoinTokenRecord, Store } from '#controller/store/store.ts';
import { ExpressionError } from '#core/expression/expression-error.ts';
import { formatJoinToken } from '#core/join-token.ts';
import { findLabelProblem } from '#core/label.ts';
import { nodeSetMatches } from '#core/node-set/node-set-matches.ts';
import { parseNodeSet } from '#core/node-set/parse-node-set.ts';
import { RefusedError } from '#protocol/errors.ts';
import { Verb } from '#protocol/gen/drover/v1/options_pb.ts';
import { limits } from '#protocol/limits.ts';
import { auditRecord } from './audit-entry.ts';
import type { Operator } from './authorize.ts';
import { hashSecret, randomId, randomSecret } from './secrets.ts';

/** What a token is to allow. Zero and empty mean the default, as in CreateJoinTokenRequest. */
export interface JoinTokenWish {
  readonly names: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly ttlSeconds: number;
  readonly uses: number;
}

/** What minting needs. */
export interface JoinTokenMint {
  readonly store: Store;
  readonly clock: Clock;
  /** SHA-256 of the root's SubjectPublicKeyInfo. */
  readonly pin: Uint8Array;
}

/**
 * Makes a token; it and its audit row are on disk when this resolves.
 *
 * @throws RefusedError INVALID for names that are no node set of names, malformed labels, a time or a count out of range.
 */
export async function mintJoinToken(
  { store, clock, pin }: JoinTokenMint,
  operator: Operator,
  wish: JoinTokenWish,
): Promise<{ readonly text: string; readonly recorded: JoinTokenRecord }> {
  const ttlMs = requireTtlMs(wish.ttlSeconds);
  const uses = requireUses(wish.uses);
  if (wish.names !== '') requireNames(wish.names);
  requireLabels(wish.labels);
  const secret = randomSecret();
  const atMs = clock.wallMs();
  const recorded: JoinTokenRecord = {
    id: randomId(),
    secretHash: hashSecret(secret),
    names: wish.names,
    labels: wish.labels,
    usesLeft: uses,
    createdBy: operator.name,
    createdAtMs: atMs,
    expiresAtMs: atMs + ttlMs,
  };
  await store.transact(async (writer) => {
    await writer.insertJoinToken(recorded);
    await writer.insertAudit(
      auditRecord({
        atMs,
        who: operator.name,
        verb: Verb.TOKEN_CREATE,
        decision: 'allowed',
        targets: recorded.id,
        request: { names: wish.names, labels: wish.labels, ttlMs, uses },
      }),
    );
    const data = {
      token: recorded.id,
      uses: String(uses),
      ...(wish.names === '' ? {} : { nodes: wish.names }),
    };
    await writer.insertEvents([newEvent(atMs, 'token.created', { who: operator.name, data })]);
  });
  return { text: formatJoinToken({ id: recorded.id, secret, pin }), recorded };
}

function requireTtlMs(seconds: number): number {
  if (seconds === 0) return limits.joinTokenTtlDefaultMs;
  const ttlMs = seconds * 1000;
  if (ttlMs <= limits.joinTokenTtlMaxMs) return ttlMs;
  throw new RefusedError(
    'INVALID',
    `a join token can live for ${limits.joinTokenTtlMaxMs / 1000} s at the most, not ${seconds} s`,
  );
}

function requireUses(uses: number): number {
  if (uses <= limits.joinTokenUsesMax) return uses || 1;
  throw new RefusedError(
    'INVALID',
    `a join token can let in ${limits.joinTokenUsesMax} nodes at the most, not ${uses}`,
  );
}

function requireNames(names: string): void {
  try {
    nodeSetMatches(parseNodeSet(names), 'any');
  } catch (cause) {
    if (cause instanceof ExpressionError)
      throw new RefusedError('INVALID', cause.message, [names], { cause });
    throw cause;
  }
}

function requireLabels(labels: Readonly<Record<string, string>>): void {
  const entries = Object.entries(labels);
  if (entries.length > limits.nodeLabelsMax) {
    throw new RefusedError(
      'INVALID',
      `a node can have ${limits.nodeLabelsMax} labels at the most, not ${entries.length}`,
    );
  }
  for (const [key, value] of entries) {
    const problem = findLabelProblem(key, value);
    if (problem === undefined) continue;
    const shown = JSON.stringify(`${key}=${value}`.slice(0, 130));
    throw new RefusedError('INVALID', `label ${shown} ${problem}`);
  }
}
