/** JoinTokenService: making, listing and revoking the tokens that let nodes in. */
import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { ServiceImpl } from '@connectrpc/connect';
import { auditRecord } from '#controller/auth/audit-entry.ts';
import { mintJoinToken } from '#controller/auth/mint-join-token.ts';
import { newEvent } from '#controller/store/new-event.ts';
import type { JoinTokenRecord } from '#controller/store/store.ts';
import { RefusedError } from '#protocol/errors.ts';
import { type JoinToken, JoinTokenSchema, type JoinTokenService } from '#protocol/gen/drover/v1/api_pb.ts';
import { Verb } from '#protocol/gen/drover/v1/options_pb.ts';
import type { ApiParts } from './api-parts.ts';
import { operatorOf } from './caller.ts';

/** The handlers. */
export function createJoinTokenService(parts: ApiParts): ServiceImpl<typeof JoinTokenService> {
  const { store, clock, authority } = parts;
  return {
    async createJoinToken(wish, context) {
      const mint = { store, clock, pin: authority.pin };
      const { text, recorded } = await mintJoinToken(mint, operatorOf(context), wish);
      return { token: text, recorded: presentJoinToken(recorded) };
    },

    async listJoinTokens() {
      return { tokens: (await store.read.listJoinTokens(clock.wallMs())).map(presentJoinToken) };
    },

    async revokeJoinToken({ id }, context) {
      const atMs = clock.wallMs();
      const who = operatorOf(context).name;
      const record = auditRecord({
        atMs,
        who,
        verb: Verb.TOKEN_CREATE,
        decision: 'allowed',
        targets: id,
        request: { method: 'RevokeJoinToken' },
      });
      await store.transact(async (writer) => {
        if (!(await writer.revokeJoinToken(id))) {
          const shown = id.slice(0, 64);
          throw new RefusedError('NO_SUCH_TOKEN', `no such join token: ${JSON.stringify(shown)}`, [shown]);
        }
        await writer.insertAudit(record);
        await writer.insertEvents([newEvent(atMs, 'token.revoked', { who, data: { token: id } })]);
      });
      return {};
    },
  };
}

function presentJoinToken(record: JoinTokenRecord): JoinToken {
  const { id, names, labels, usesLeft, createdBy, createdAtMs, expiresAtMs } = record;
  return create(JoinTokenSchema, {
    id,
    names,
    labels: { ...labels },
    usesLeft,
    createdBy,
    createdAt: timestampFromMs(createdAtMs),
    expiresAt: timestampFromMs(expiresAtMs),
  });
}
