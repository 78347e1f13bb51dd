/** The controller's file about its identity provider: who that is, and which roles the groups of its people stand for. Reads no network. */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import * as z from 'zod';
import { limits } from '#protocol/limits.ts';

/** What the file says. */
export interface OidcConfig {
  /** https, or http on this machine. */
  readonly issuer: URL;
  readonly clientId: string;
  /** Undefined for a public client. */
  readonly clientSecret: string | undefined;
  /** Asked of the provider. */
  readonly scopes: readonly string[];
  /** Claim that holds the name of the user. */
  readonly nameClaim: string;
  /** Claim that holds what `roles` has keys for: a text or a list of them. */
  readonly rolesClaim: string;
  /** Names of roles by value of that claim. */
  readonly roles: ReadonlyMap<string, readonly string[]>;
  /** Life of the tokens that a login makes. */
  readonly tokenTtlMs: number;
}

/** The file is no such configuration. One line. */
export class OidcConfigError extends Error {
  override readonly name = 'OidcConfigError';
}

const issuer = z.string().refine((text) => isIssuer(text), 'takes an https address');

const file = z.strictObject({
  issuer,
  clientId: z.string().min(1),
  clientSecretFile: z.string().min(1).optional(),
  scopes: z.array(z.string().regex(/^[\x21-\x7e]+$/)).default(['openid', 'profile', 'email']),
  nameClaim: z.string().min(1).default('preferred_username'),
  rolesClaim: z.string().min(1).default('groups'),
  roles: z.record(z.string(), z.array(z.string()).min(1)),
  tokenHours: z
    .number()
    .positive()
    .max(limits.loginTokenTtlMaxMs / 3_600_000)
    .default(12),
});

/** Reads the file, and the one with the secret beside it. @throws OidcConfigError */
export async function readOidcConfig(path: string): Promise<OidcConfig> {
  const parsed = file.safeParse(await readYaml(path));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const key = issue?.path.join('.') ?? '';
    throw new OidcConfigError(`${path}: ${key === '' ? '' : `${key}: `}${issue?.message ?? 'malformed'}`);
  }
  const { data } = parsed;
  return {
    issuer: new URL(data.issuer),
    clientId: data.clientId,
    clientSecret:
      data.clientSecretFile && (await readText(resolve(dirname(path), data.clientSecretFile))).trim(),
    scopes: [...new Set(['openid', ...data.scopes])],
    nameClaim: data.nameClaim,
    rolesClaim: data.rolesClaim,
    roles: new Map(Object.entries(data.roles)),
    tokenTtlMs: data.tokenHours * 3_600_000,
  };
}

/** Without TLS only on this machine: whoever is on the way could name anybody. */
function isIssuer(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  return (
    protocol === 'https:' || (protocol === 'http:' && ['127.0.0.1', '[::1]', 'localhost'].includes(hostname))
  );
}

async function readYaml(path: string): Promise<unknown> {
  const text = await readText(path);
  try {
    return parse(text, { prettyErrors: false, maxAliasCount: 0 });
  } catch (error) {
    throw new OidcConfigError(`${path}: not YAML: ${(error as Error).message}`);
  }
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new OidcConfigError(`cannot read ${path}: ${(error as NodeJS.ErrnoException).code}`);
  }
}
