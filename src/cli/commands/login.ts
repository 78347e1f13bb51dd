/**
 * `drover login`: takes a cluster and a token into the contexts of this person. The token goes to nobody whose root has not the
 * pin that was given or confirmed, or that of the context before.
 */
import { hostname } from 'node:os';
import type { Readable } from 'node:stream';
import { type CommandLine, UsageError } from '#base/command-line.ts';
import { formatHostPort, parseHostPort } from '#base/host-port.ts';
import type { Access } from '#cli/access-file.ts';
import { callOptions } from '#cli/call-options.ts';
import type { CommandContext } from '#cli/command.ts';
import { CommandError } from '#cli/command-error.ts';
import { connectCluster } from '#cli/connect-cluster.ts';
import { type Contexts, isContextName, readContexts, writeContexts } from '#cli/contexts-file.ts';
import { fetchRoot, pinOf } from '#cli/fetch-root.ts';
import { showTime } from '#cli/output/format-time.ts';
import { oneLine } from '#cli/output/strip-control.ts';
import type { loginSyntax } from '#cli/syntax/login-syntax.ts';
import { decodeBase64url } from '#core/base64url.ts';
import { exitCodes } from '#core/exit-code.ts';
import type { WhoAmIResponse } from '#protocol/gen/drover/v1/access_pb.ts';
import { untilWhen } from './user-tokens.ts';

type Line = CommandLine<(typeof loginSyntax)['options']>;

/** A person who has gone to lunch has not logged in. */
const askMs = 300_000;
/** Where the API listens unless it is told otherwise. */
const portDefault = 7443;
/** Characters of standard input that a token is looked for in. */
const tokenTextMax = 4_096;

/** Logs in; commands go to that cluster from then on. */
export async function login(context: CommandContext, { options, words }: Line): Promise<number> {
  const contexts = readContexts(context.contextsFile);
  const address = chooseAddress(contexts, words);
  const name = options.name ?? address;
  if (!isContextName(name))
    throw new UsageError(`drover login: ${JSON.stringify(name)} cannot be the name of a context`);
  const rootCertificate = await trustRoot(context, contexts, address, options.pin);
  const token = options.oidc
    ? await askProvider(context, { address, rootCertificate, token: '' })
    : await askToken(context);
  const access = { address, rootCertificate, token };
  const { user, token: recorded } = await whoIs(context, access);
  const byName = new Map([...contexts.byName, [name, access] as const]);
  await writeContexts(context.contextsFile, { current: name, byName });
  context.out.outLine(
    `logged in to ${name === address ? address : `${name} (${address})`} as ${user?.name ?? ''} ${untilWhen(recorded?.expiresAt)}`,
  );
  return exitCodes.success;
}

/** The one that is named, or that of the context in use. */
function chooseAddress({ current, byName }: Contexts, [given]: readonly string[]): string {
  const before = current === undefined ? undefined : byName.get(current)?.address;
  if (given === undefined) {
    if (before !== undefined) return before;
    throw new UsageError('drover login: where? give HOST or HOST:PORT of a controller');
  }
  const text = given.replace(/^https:\/\//, '').replace(/\/$/, '');
  const parsed = parseHostPort(text) ?? parseHostPort(`${text}:${portDefault}`);
  if (parsed && parsed.host !== '' && parsed.port > 0) return formatHostPort(parsed);
  throw new UsageError(`drover login takes HOST or HOST:PORT, not ${JSON.stringify(given)}`);
}

/** The root of the cluster at an address, once it is known to be that cluster's. @throws CommandError, UsageError */
async function trustRoot(
  { terminal, out, abort }: CommandContext,
  { byName }: Contexts,
  address: string,
  given: string | undefined,
): Promise<string> {
  const expected = given === undefined ? undefined : readPin(given);
  const { certificate, pin } = await fetchRoot(address, abort);
  const known = [...byName.values()].filter((access) => access.address === address);
  const pins =
    expected === undefined ? known.map(({ rootCertificate }) => pinOf(rootCertificate)) : [expected];
  if (pins.includes(pin)) return certificate;
  if (pins.length > 0) {
    const whose = expected === undefined ? 'that you have logged in to' : 'that --pin names';
    throw new CommandError(
      exitCodes.denied,
      `the cluster at ${address} is not the one ${whose}: its pin is ${pin}`,
    );
  }
  if (!terminal) {
    throw new UsageError(
      `drover login: nobody is here to confirm the cluster's pin ${pin}: give it with --pin`,
    );
  }
  out.errLine(
    `The cluster at ${address} was never used from here. Its pin, which drover ca show there has, is`,
  );
  out.errLine(`  ${pin}`);
  if ((await terminal.askKey('Is it the right one? [y/n] ', 'yn', askMs)) === 'y') return certificate;
  throw new CommandError(exitCodes.requestFailed, 'not logged in');
}

/** A pin as drover ca show has it. A whole join token, which ends with it, would be a secret in a command line. */
function readPin(text: string): string {
  if (decodeBase64url(text)?.length === 32) return text;
  throw new UsageError(
    'drover login: --pin takes the 43 characters of a pin: drover ca show at the cluster has it',
  );
}

/** Has the person confirm the login in a browser, wherever that is. @returns the token. */
async function askProvider(context: CommandContext, access: Access): Promise<string> {
  const { out, abort } = context;
  using connection = connectCluster(access);
  const request = { description: `drover login on ${hostname()}` };
  for await (const { kind } of connection.login.logInByDevice(request, { signal: abort })) {
    if (kind.case === 'token') return kind.value.text;
    if (kind.case !== 'prompt') continue;
    const { address, code, completeAddress, expiresAt } = kind.value;
    out.errLine(
      oneLine(`Open ${address} in a browser, until ${showTime(expiresAt)}, and confirm the code ${code}`),
    );
    if (completeAddress !== '') out.errLine(oneLine(`or ${completeAddress} where it is filled in.`));
  }
  throw new CommandError(
    exitCodes.requestFailed,
    'not logged in: the controller has not answered with a token',
  );
}

async function askToken({ terminal, input }: CommandContext): Promise<string> {
  const text = terminal ? await terminal.askSecret('Token: ', askMs) : input && (await readLine(input));
  if (terminal && (text === undefined || text === 'interrupt')) {
    throw new CommandError(exitCodes.requestFailed, 'not logged in');
  }
  const token = text?.trim() ?? '';
  if (/^dvo1\.[^.\s]+\.[^.\s]+$/.test(token)) return token;
  throw new UsageError('drover login: what came for a token is none: drover token create prints one');
}

async function readLine(input: Readable): Promise<string> {
  let text = '';
  for await (const chunk of input.setEncoding('utf8')) {
    text += chunk;
    if (text.includes('\n') || text.length > tokenTextMax) break;
  }
  return text.split('\n', 1)[0] ?? '';
}

async function whoIs(context: CommandContext, access: Access): Promise<WhoAmIResponse> {
  using connection = connectCluster(access);
  return await connection.users.whoAmI({}, callOptions(context));
}
