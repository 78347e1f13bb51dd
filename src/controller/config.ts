/** The controller's command line and environment, and what they mean. The only place here that reads either. */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseClockRate } from '#base/clock-rate.ts';
import { type CommandSyntax, noWords, parseCommandLine, UsageError } from '#base/command-line.ts';
import { type ArmedFailpoints, parseFailpoints } from '#base/failpoint.ts';
import { type HostPort, parseHostPort } from '#base/host-port.ts';
import { type LogLevel, logLevels } from '#base/log.ts';
import { parseSize } from '#base/parse-size.ts';
import type { CheckpointPlace } from '#controller/audit/checkpoint-sink.ts';
import { limits } from '#protocol/limits.ts';
import type { SiteCertificateFiles } from './auth/site-certificate.ts';

/** How `drover controller` is called. */
export const controllerSyntax = {
  name: 'controller',
  summary: 'run a controller in the foreground',
  usage: '[options]',
  words: noWords,
  details: [
    'Prints one line "ready https://HOST:PORT agents HOST:PORT" on standard output when commands will work. ' +
      'The data directory holds the database, the certificates and, in access.json, the admin token.',
  ],
  options: {
    data: {
      type: 'string',
      value: 'DIR',
      help: 'data directory (default: controller beneath DROVER_DATA, else beneath /var/lib/drover for root and ~/.local/share/drover for others)',
    },
    listen: {
      type: 'string',
      value: 'HOST:PORT',
      help: 'where API and console listen (default 127.0.0.1:7443; port 0: any free one)',
    },
    'agent-listen': {
      type: 'string',
      value: 'HOST:PORT',
      help: 'where agents connect (default 127.0.0.1:7444; port 0: any free one)',
    },
    'file-cache': {
      type: 'string',
      value: 'SIZE',
      help: `what is kept on disk of files on their way, such as 10g (default ${limits.fileCacheBytesDefault / 2 ** 30}g)`,
    },
    'audit-checkpoints': {
      type: 'string',
      value: 'PLACE',
      help: 'keep signed checkpoints of the audit there too: a directory, syslog, or an https address to post them to; may be given again',
      multiple: true,
    },
    'audit-key': {
      type: 'string',
      value: 'FILE',
      help: 'the Ed25519 key that signs them, PEM (default: one that is made in the data directory)',
    },
    oidc: {
      type: 'string',
      value: 'FILE',
      help: 'how people log in by an identity provider, YAML: issuer, clientId, clientSecretFile, scopes, nameClaim, rolesClaim, tokenHours, and roles by the values of rolesClaim',
    },
    'tls-cert': {
      type: 'string',
      value: 'FILE',
      help: "the site's own certificate for API and console, PEM with what it chains to; read again on SIGHUP (default: the cluster's)",
    },
    'tls-key': { type: 'string', value: 'FILE', help: 'its private key, PEM' },
    'log-level': {
      type: 'string',
      value: 'LEVEL',
      help: `how much to log on standard error: ${logLevels.join(', ')} (default info)`,
      choices: logLevels,
    },
    shell: {
      type: 'boolean',
      help: 'with the prompt of drover shell; exit stops the controller, and the log is controller.log in the data directory',
    },
    'until-stdin-closes': { type: 'boolean', help: 'stop when standard input ends' },
    version: { type: 'boolean', help: 'print the version' },
    help: { type: 'boolean', short: 'h', help: 'print this help' },
  },
  examples: [
    'drover controller',
    'drover controller --shell',
    'drover controller --listen 0.0.0.0:7443 --agent-listen 0.0.0.0:7444',
  ],
} as const satisfies CommandSyntax;

/** What the command line asks for. */
export type ControllerCommand =
  | { readonly kind: 'help' | 'version' }
  | { readonly kind: 'run'; readonly config: ControllerConfig };

/** How to run. */
export interface ControllerConfig {
  /** Absolute. */
  readonly dataDirectory: string;
  readonly listen: HostPort;
  readonly agentListen: HostPort;
  /** Bytes of files on their way that are kept on disk. */
  readonly fileCacheBytes: number;
  /** Where checkpoints of the audit are kept beside the data directory. */
  readonly auditCheckpoints: readonly CheckpointPlace[];
  /** Absolute; undefined: a key in the data directory. */
  readonly auditKeyFile: string | undefined;
  /** Absolute; undefined: there is no identity provider. */
  readonly oidcFile: string | undefined;
  /** Absolute; undefined: API and console serve with the cluster's certificate. */
  readonly siteFiles: SiteCertificateFiles | undefined;
  readonly logLevel: LogLevel;
  readonly untilStdinCloses: boolean;
  /** With a prompt on the terminal, or for the lines of standard input. */
  readonly shell: boolean;
  /** From DROVER_FAILPOINTS, which only tests set. */
  readonly failpoints: ArmedFailpoints;
  /** From DROVER_CLOCK_RATE, which only tests set. */
  readonly clockRate: number;
}

/** Reads the command line (without the command's own name). @throws UsageError */
export function readCommand(argv: readonly string[], env = process.env): ControllerCommand {
  const { options } = parseCommandLine(controllerSyntax, argv);
  if (options.help) return { kind: 'help' };
  if (options.version) return { kind: 'version' };
  if (options.shell && options['until-stdin-closes']) {
    throw new UsageError(
      'drover controller: --shell and --until-stdin-closes both read standard input: give one of them',
    );
  }
  return {
    kind: 'run',
    config: {
      dataDirectory: resolve(options.data ?? defaultDirectory(env)),
      listen: readListen('listen', options.listen ?? '127.0.0.1:7443'),
      agentListen: readListen('agent-listen', options['agent-listen'] ?? '127.0.0.1:7444'),
      fileCacheBytes: readCacheSize(options['file-cache']),
      auditCheckpoints: (options['audit-checkpoints'] ?? []).map(readPlace),
      auditKeyFile: options['audit-key'] === undefined ? undefined : resolve(options['audit-key']),
      oidcFile: options.oidc === undefined ? undefined : resolve(options.oidc),
      siteFiles: readSiteFiles(options['tls-cert'], options['tls-key']),
      logLevel: (options['log-level'] ?? 'info') as LogLevel,
      untilStdinCloses: options['until-stdin-closes'] ?? false,
      shell: options.shell ?? false,
      failpoints: parseFailpoints(env['DROVER_FAILPOINTS']),
      clockRate: parseClockRate(env['DROVER_CLOCK_RATE']),
    },
  };
}

function defaultDirectory(env: NodeJS.ProcessEnv): string {
  const base = process.getuid?.() === 0 ? '/var/lib/drover' : join(homedir(), '.local/share/drover');
  return join(env['DROVER_DATA'] || base, 'controller');
}

function readSiteFiles(certFile: string | undefined, keyFile: string | undefined) {
  if (certFile === undefined && keyFile === undefined) return undefined;
  if (certFile === undefined || keyFile === undefined) {
    throw new UsageError('drover controller: --tls-cert and --tls-key need each other: give both');
  }
  return { certFile: resolve(certFile), keyFile: resolve(keyFile) };
}

function readCacheSize(text: string | undefined): number {
  if (text === undefined) return limits.fileCacheBytesDefault;
  const bytes = Number(parseSize(text) ?? 0n);
  if (bytes >= limits.fileCacheBytesMin && Number.isSafeInteger(bytes)) return bytes;
  const least = `${limits.fileCacheBytesMin >> 20}m`;
  throw new UsageError(
    `drover controller: --file-cache takes a size of ${least} at least, such as 10g, not ${JSON.stringify(text)}`,
  );
}

function readPlace(text: string): CheckpointPlace {
  if (text === 'syslog') return { to: 'syslog' };
  if (!/^[a-z]+:\/\//i.test(text)) return { to: 'directory', path: resolve(text) };
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain = url?.username === '' && url.password === '';
  if (isPlain && ['https:', 'http:'].includes(url.protocol)) return { to: 'url', url: url.href };
  const form = 'a directory, syslog, or an http or https address without a password';
  throw new UsageError(`drover controller: --audit-checkpoints takes ${form}`);
}

function readListen(option: string, text: string): HostPort {
  const address = parseHostPort(text);
  if (address && address.host !== '') return address;
  const form = 'HOST:PORT, an IPv6 address in brackets';
  throw new UsageError(`drover controller: --${option} takes ${form}, not ${JSON.stringify(text)}`);
}
