/** `drover token create|list|revoke`: the tokens by which people and programs use the cluster. */
import { type CommandLine, UsageError } from '#base/command-line.ts';
import { callOptions } from '#cli/call-options.ts';
import type { CommandContext } from '#cli/command.ts';
import { parseDuration } from '#cli/output/format-duration.ts';
import { showTime } from '#cli/output/format-time.ts';
import { printJson } from '#cli/output/json.ts';
import { type ListView, printList } from '#cli/output/print-list.ts';
import type { Column } from '#cli/output/table.ts';
import type {
  createUserTokenSyntax,
  listUserTokensSyntax,
  revokeUserTokenSyntax,
} from '#cli/syntax/access-syntax.ts';
import { exitCodes } from '#core/exit-code.ts';
import {
  CreateUserTokenResponseSchema,
  ListUserTokensResponseSchema,
  type UserToken,
  UserTokenSchema,
} from '#protocol/gen/drover/v1/access_pb.ts';

/** Makes a token. It is printed and kept nowhere. */
export async function createUserToken(
  context: CommandContext,
  { options }: CommandLine<(typeof createUserTokenSyntax)['options']>,
): Promise<number> {
  const { out } = context;
  const ttlMs = options.ttl === undefined ? 0 : parseDuration(options.ttl, '--ttl');
  const { userTokens } = await context.connect(options.data);
  const response = await userTokens.createUserToken(
    {
      user: options.user ?? '',
      description: options.description ?? '',
      roles: options.role ?? [],
      verbs: options.verb ?? [],
      ttlSeconds: BigInt(Math.ceil(ttlMs / 1_000)),
      neverExpires: options['never-expires'] ?? false,
    },
    callOptions(context),
  );
  if (options.output === 'json') {
    printJson(out, CreateUserTokenResponseSchema, response);
    return exitCodes.success;
  }
  const { text, recorded } = response;
  out.outLine(text);
  out.errLine(
    `It is ${recorded?.user}'s ${untilWhen(recorded?.expiresAt)}. It is a secret and is not shown again.`,
  );
  return exitCodes.success;
}

const columns: readonly Column<UserToken>[] = [
  { header: 'ID', value: ({ id }) => id },
  { header: 'USER', value: ({ user }) => user },
  { header: 'EXPIRES', value: ({ expiresAt }) => (expiresAt ? showTime(expiresAt) : 'never') },
  { header: 'USED', value: ({ usedAt }) => showTime(usedAt) },
  { header: 'FOR', value: ({ description }) => description },
];

const view: ListView<typeof ListUserTokensResponseSchema, typeof UserTokenSchema> = {
  list: ListUserTokensResponseSchema,
  item: UserTokenSchema,
  columns,
  wide: [
    ...columns,
    { header: 'ROLES', value: ({ roles }) => roles.join(',') || 'all' },
    { header: 'VERBS', value: ({ verbs }) => verbs.join(',') || 'all' },
    { header: 'MADE', value: ({ createdAt }) => showTime(createdAt) },
  ],
  name: ({ id }) => id,
  empty: 'no token could be used now',
};

/** Lists them, newest first. */
export async function listUserTokens(
  context: CommandContext,
  { options }: CommandLine<(typeof listUserTokensSyntax)['options']>,
): Promise<number> {
  if (options.all && options.user !== undefined) {
    throw new UsageError('drover token list: --all is of every user: leave --user out');
  }
  const { userTokens } = await context.connect(options.data);
  const request = { user: options.user ?? '', all: options.all ?? false };
  const list = await userTokens.listUserTokens(request, callOptions(context));
  printList(context.out, options.output, view, list, list.tokens);
  return exitCodes.success;
}

/** Revokes one by its id, or by the token itself: its id is its second part. */
export async function revokeUserToken(
  context: CommandContext,
  { options, words: [given] }: CommandLine<(typeof revokeUserTokenSyntax)['options']>,
): Promise<number> {
  if (given === undefined) {
    throw new UsageError('drover token revoke: which? give one id; drover token list has them');
  }
  const id = /^dvo1\.([^.]+)\./.exec(given)?.[1] ?? given;
  const { userTokens } = await context.connect(options.data);
  await userTokens.revokeUserToken({ id }, callOptions(context));
  context.out.outLine(`revoked ${id}`);
  return exitCodes.success;
}

/** "until 2026-…", or "until it is revoked". */
export function untilWhen(expiresAt: UserToken['expiresAt']): string {
  return `until ${expiresAt ? showTime(expiresAt) : 'it is revoked'}`;
}
