/** What the command line and the environment say to the agent. The only file of the program that reads either. */
import { existsSync } from 'node:fs';
import { homedir, hostname, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { parseClockRate } from '#base/clock-rate.ts';
import {
  type CommandSyntax,
  noWords,
  type OptionSpecs,
  type OptionValues,
  parseCommandLine,
  UsageError,
} from '#base/command-line.ts';
import { type ArmedFailpoints, parseFailpoints } from '#base/failpoint.ts';
import { formatHostPort, type HostPort, parseHostPort } from '#base/host-port.ts';
import { type LogLevel, logLevels } from '#base/log.ts';
import { parseSize } from '#base/parse-size.ts';
import { isNodeName } from '#protocol/ids.ts';
import { defaultLogQuota, type LogQuota } from './logs/log-quota.ts';
import { type Preset, presets } from './policy/starter-policy.ts';

/** Where a controller's API is unless somebody says otherwise. */
export const defaultController: HostPort = { host: '127.0.0.1', port: 7443 };

/** Less would be given back block by block. */
const logQuotaBytesMin = 64 << 10;

const systemPolicyFile = '/etc/drover/policy.yaml';

/** The options of `drover agent`. */
export const agentOptions = {
  data: {
    type: 'string',
    value: 'DIR',
    help: 'state of this agent (default /var/lib/drover/agent as root, else ~/.local/share/drover/agent)',
  },
  join: {
    type: 'string',
    value: 'TOKEN',
    help: 'join the cluster that made this token; others on this machine can read it in ps, so better --join-file or DROVER_JOIN_TOKEN',
  },
  'join-file': { type: 'string', value: 'FILE', help: 'the same, from a file; "-" reads standard input' },
  controller: {
    type: 'string',
    value: 'HOST:PORT',
    help: `the API of the controller, to join (default ${formatHostPort(defaultController)}) or where it has moved since`,
  },
  name: { type: 'string', value: 'NAME', help: 'name to ask for when joining (default the host name)' },
  policy: {
    type: 'string',
    value: 'FILE',
    help: `what this node allows (default ${systemPolicyFile} as root if it is there, else policy.yaml in the state directory)`,
  },
  preset: {
    type: 'string',
    value: 'PRESET',
    choices: presets,
    help: 'which policy to write where there is none: confined (default when joining) or open',
  },
  'log-quota': {
    type: 'string',
    value: 'SIZE',
    help: 'how much each output of a running task keeps, such as 16m: its oldest bytes go (default 64m)',
  },
  'log-node-quota': {
    type: 'string',
    value: 'SIZE',
    help: 'how much is kept of all tasks together, such as 500m: what ended first goes first (default 2g)',
  },
  'log-level': {
    type: 'string',
    value: 'LEVEL',
    choices: logLevels,
    help: `how much to log: ${logLevels.join(', ')} (default info)`,
  },
  'until-stdin-closes': { type: 'boolean', help: 'end when standard input ends' },
  help: { type: 'boolean', short: 'h', help: 'show this help' },
  version: { type: 'boolean', help: 'show the version' },
} as const satisfies OptionSpecs;

/** `drover agent`, for parsing and help. */
export const agentSyntax: CommandSyntax<typeof agentOptions> = {
  name: 'agent',
  summary: 'run the agent of this node, in the foreground',
  usage: '[--join TOKEN --controller HOST:PORT]',
  words: noWords,
  details: [
    'The agent dials its controller and listens nowhere. Tasks are not its children: it can be stopped, killed and upgraded while they run.',
    'On SIGHUP it reads its policy again. drover agent check-policy explains what a policy allows.',
    'It prints "ready NAME" when its controller has let it in, and logs to standard error.',
  ],
  options: agentOptions,
  examples: ['drover agent --controller controller.example:7443 --join-file token', 'drover agent'],
};

/** Where a join token comes from. */
export type TokenSource =
  | { readonly from: 'text'; readonly text: string }
  | { readonly from: 'file'; readonly path: string };

/** Everything that the agent was told. */
export interface AgentConfig {
  readonly directory: string;
  readonly token: TokenSource | undefined;
  /** Undefined where nobody says. */
  readonly controller: HostPort | undefined;
  readonly name: string;
  readonly policyFile: string;
  readonly preset: Preset | undefined;
  readonly logQuota: LogQuota;
  readonly logLevel: LogLevel;
  readonly untilStdinCloses: boolean;
  /** From DROVER_FAILPOINTS, which only tests set. */
  readonly failpoints: ArmedFailpoints;
  /** From DROVER_CLOCK_RATE, which only tests set. */
  readonly clockRate: number;
  /** Print this and end. */
  readonly show: 'help' | 'version' | undefined;
}

/** What a configuration is read from, beside the command line. */
export interface ConfigSurroundings {
  readonly environment: NodeJS.ProcessEnv;
  /** The agent's own user id: root's agent is the machine's, anybody else's is their own. */
  readonly uid: number;
}

/**
 * Reads `argv` (without program and script), and by default this process's environment.
 *
 * @throws UsageError
 */
export function readConfig(
  argv: readonly string[],
  { environment, uid }: ConfigSurroundings = { environment: process.env, uid: userInfo().uid },
): AgentConfig {
  const { options } = parseCommandLine(agentSyntax, argv);
  const directory = resolve(options.data || defaultDirectory(uid));
  return {
    directory,
    token: readTokenSource(options, environment),
    controller: readController(options.controller),
    name: readName(options.name),
    policyFile: options.policy ? resolve(options.policy) : defaultPolicyFile(directory, uid),
    preset: presets.find((preset) => preset === options.preset),
    logQuota: readLogQuota(options),
    logLevel: logLevels.find((level) => level === options['log-level']) ?? 'info',
    untilStdinCloses: options['until-stdin-closes'] ?? false,
    failpoints: parseFailpoints(environment['DROVER_FAILPOINTS']),
    clockRate: parseClockRate(environment['DROVER_CLOCK_RATE']),
    show: options.help ? 'help' : options.version ? 'version' : undefined,
  };
}

/** Where an agent of that user has its state unless somebody says otherwise. */
export function defaultDirectory(uid: number): string {
  return uid === 0 ? '/var/lib/drover/agent' : join(homedir(), '.local', 'share', 'drover', 'agent');
}

/** Where its policy is then. */
export function defaultPolicyFile(directory: string, uid: number): string {
  return uid === 0 && existsSync(systemPolicyFile) ? systemPolicyFile : join(directory, 'policy.yaml');
}

function readTokenSource(
  options: OptionValues<typeof agentOptions>,
  { DROVER_JOIN_TOKEN }: NodeJS.ProcessEnv,
): TokenSource | undefined {
  const { join: text, 'join-file': path } = options;
  if (text !== undefined && path !== undefined)
    throw new UsageError('--join and --join-file exclude each other');
  if (path === '-' && options['until-stdin-closes']) {
    throw new UsageError('--join-file - and --until-stdin-closes cannot share standard input');
  }
  if (path !== undefined) return { from: 'file', path };
  const given = text ?? DROVER_JOIN_TOKEN;
  return given ? { from: 'text', text: given } : undefined;
}

function readLogQuota(options: OptionValues<typeof agentOptions>): LogQuota {
  const { streamBytesMax, nodeBytesMax } = defaultLogQuota;
  return {
    streamBytesMax: readQuota(options['log-quota'], '--log-quota', streamBytesMax),
    nodeBytesMax: readQuota(options['log-node-quota'], '--log-node-quota', nodeBytesMax),
  };
}

function readQuota(text: string | undefined, option: string, otherwise: number): number {
  if (text === undefined) return otherwise;
  const bytes = Number(parseSize(text) ?? -1);
  if (bytes >= logQuotaBytesMin && bytes <= Number.MAX_SAFE_INTEGER) return bytes;
  throw new UsageError(`${option} takes a size from 64k on, such as 16m or 2g, not ${JSON.stringify(text)}`);
}

function readController(text: string | undefined): HostPort | undefined {
  if (text === undefined) return undefined;
  const address = parseHostPort(text);
  if (!address || address.host === '' || address.port === 0) {
    throw new UsageError(`--controller takes HOST:PORT, not ${JSON.stringify(text)}`);
  }
  return address;
}

function readName(text: string | undefined): string {
  const name = text ?? hostname().toLowerCase();
  if (isNodeName(name)) return name;
  if (text === undefined) {
    throw new UsageError(`the host name ${JSON.stringify(name)} cannot be a node's name; give --name`);
  }
  throw new UsageError(
    `--name ${JSON.stringify(name)}: a node's name is up to 63 of a-z, 0-9, ".", "_" and "-", and begins with a letter or digit`,
  );
}
