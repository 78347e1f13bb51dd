/**
 * `drover agent check-policy`: reads a policy as the agent would, warns of what it allows beyond what it seems to, and says of commands,
 * signals and paths whether they are allowed, by which rule, or why not. Starts nothing and changes nothing.
 */
import { stat } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { create } from '@bufbuild/protobuf';
import { systemClock } from '#base/clock.ts';
import {
  type CommandSyntax,
  type OptionSpecs,
  type OptionValues,
  parseCommandLine,
  renderHelp,
  UsageError,
} from '#base/command-line.ts';
import { exitCodes } from '#core/exit-code.ts';
import { canonicalSignal } from '#core/signals.ts';
import { StartSchema } from '#protocol/gen/drover/v1/link_pb.ts';
import { defaultDirectory, defaultPolicyFile } from './config.ts';
import { decideFile, type FileAccess } from './files/decide-files.ts';
import { Accounts } from './host/accounts.ts';
import { resolveLaunch } from './host/resolve-launch.ts';
import { decideSignal } from './policy/decide-launch.ts';
import type { Policy } from './policy/policy.ts';
import { PolicyFile } from './policy/policy-file.ts';
import { warnPolicy } from './policy/warn-policy.ts';

const options = {
  data: {
    type: 'string',
    value: 'DIR',
    help: "the agent's state directory (default: as drover agent has it)",
  },
  command: { type: 'boolean', help: 'ARGV is the name of a command of the policy, and its parameters' },
  user: { type: 'string', value: 'USER', help: 'as this user' },
  cwd: { type: 'string', value: 'DIR', help: 'in this directory' },
  env: { type: 'string', value: 'NAME[=VALUE]', help: 'with this variable', multiple: true },
  shell: { type: 'boolean', help: 'ARGV is a shell with a command line' },
  terminal: { type: 'boolean', help: 'with a terminal' },
  signal: { type: 'string', value: 'SIGNAL', help: 'whether operators may send it', multiple: true },
  read: { type: 'string', value: 'PATH', help: 'whether operators may read it', multiple: true },
  write: {
    type: 'string',
    value: 'PATH',
    help: 'whether operators may write, make, move or remove it',
    multiple: true,
  },
  help: { type: 'boolean', short: 'h', help: 'show this help' },
} as const satisfies OptionSpecs;

const syntax: CommandSyntax<typeof options> = {
  name: 'agent check-policy',
  summary: 'read a policy as the agent would, and explain its decisions',
  usage: '[FILE] [options] [-- ARGV…]',
  words: { max: 1 },
  details: [
    'FILE is the policy (default: as drover agent has it). A line says that it is good, one each what it allows beyond what it seems to, and one each what is allowed or denied of what was asked, with the rule or the reason.',
    'Users, binaries and directories are looked up on this machine. What lies on the way to a path, such as a link or the agent’s own state, is refused when it is opened, and not told here.',
    'It exits with 7 where anything that was asked is denied, with 1 where the policy is bad.',
  ],
  options,
  examples: [
    'drover agent check-policy',
    'drover agent check-policy policy.yaml --user drover-task -- systemctl status web',
    'drover agent check-policy --command -- restart-service web',
    'drover agent check-policy --signal HUP --read /var/log/syslog',
  ],
};

type Options = OptionValues<typeof options>;

/** One decision: what was asked, and the rule, or why not. */
interface Verdict {
  readonly asked: string;
  readonly allowed: boolean;
  readonly why: string;
}

/** @returns the exit code. @throws UsageError */
export async function checkPolicy(args: readonly string[]): Promise<number> {
  const split = args.indexOf('--');
  const own = split < 0 ? args : args.slice(0, split);
  const argv = split < 0 ? [] : args.slice(split + 1);
  const { options: given, words } = parseCommandLine(syntax, own);
  if (given.help) return say(exitCodes.success, renderHelp(syntax));
  requireArgv(given, argv);
  const { uid } = userInfo();
  const directory = resolve(given.data || defaultDirectory(uid));
  const path = words[0] === undefined ? defaultPolicyFile(directory, uid) : resolve(words[0]);
  const file = new PolicyFile({ path, uid, clock: systemClock });
  const state = file.current();
  if ('problem' in state) return say(exitCodes.requestFailed, `bad: ${state.problem}\n`);
  say(exitCodes.success, `good: policy ${path} (${file.standing().digest.slice(0, 12)})\n`);
  for (const warning of [...warnPolicy(state.policy), ...(await findReplaceable(state.policy))]) {
    say(exitCodes.success, `warning: ${warning}\n`);
  }
  const workspace = join(directory, 'workspace');
  const verdicts = [
    ...(argv.length > 0 ? [await checkLaunch(file, argv, given, workspace)] : []),
    ...(given.signal ?? []).map((signal) => checkSignal(file, signal)),
    ...(given.read ?? []).map((asked) => checkPath(state.policy, 'read', asked, workspace)),
    ...(given.write ?? []).map((asked) => checkPath(state.policy, 'write', asked, workspace)),
  ];
  for (const { asked, allowed, why } of verdicts) {
    say(exitCodes.success, `${allowed ? 'allowed' : 'denied'}: ${asked}: ${why}\n`);
  }
  return verdicts.every(({ allowed }) => allowed) ? exitCodes.success : exitCodes.denied;
}

function requireArgv({ command, user, cwd, env, shell, terminal }: Options, argv: readonly string[]): void {
  if (argv.length > 0) return;
  const about = Object.entries({ command, user, cwd, env, shell, terminal }).find(
    ([, value]) => value !== undefined,
  );
  if (about)
    throw new UsageError(`drover agent check-policy: --${about[0]} is about a command: give one after --`);
}

async function checkLaunch(
  file: PolicyFile,
  argv: readonly string[],
  given: Options,
  workspace: string,
): Promise<Verdict> {
  const decide = resolveLaunch({
    policyFile: file,
    accounts: new Accounts(systemClock),
    clock: systemClock,
    node: 'node',
    agentUid: userInfo().uid,
  });
  const env = Object.fromEntries(
    (given.env ?? []).map((text) => text.split(/=(.*)/s, 2)).map(([name, value]) => [name, value ?? '']),
  );
  const { command: named = false, shell = false, user = '', cwd = '' } = given;
  const spec = { argv: [...argv], named, shell, user, cwd, env, ...(given.terminal && { terminal: {} }) };
  const start = create(StartSchema, { taskId: 'check', attempt: 1, runId: 'check', spec });
  const asked = showWords(argv);
  const decision = await decide(start, workspace);
  if (!decision.allowed) return { asked, allowed: false, why: decision.reason };
  const { launch, rule } = decision;
  const runs = [launch.binary, ...launch.argv.slice(1)];
  const who = `user ${launch.identity?.uid ?? userInfo().uid}`;
  const privileges = launch.noNewPrivs ? '' : ', and may gain privileges';
  return {
    asked,
    allowed: true,
    why: `by ${rule}; runs ${showWords(runs)} as ${who} in ${launch.cwd}${privileges}`,
  };
}

function checkSignal(file: PolicyFile, signal: string): Verdict {
  const name = canonicalSignal(signal);
  if (name === undefined)
    throw new UsageError(`drover agent check-policy: there is no signal ${JSON.stringify(signal)}`);
  const decision = decideSignal(file.current(), name);
  return { asked: name, allowed: decision.allowed, why: decision.allowed ? 'by signals' : decision.reason };
}

function checkPath(policy: Policy, access: FileAccess, asked: string, workspace: string): Verdict {
  const decision = decideFile(asked, access, policy.files, workspace);
  const why = decision.allowed ? `by files.${access}, beneath ${decision.root}` : decision.reason;
  return { asked: `${access} ${showWords([decision.path])}`, allowed: decision.allowed, why };
}

/** Binaries that are not there, and those that others than root and we can put something else in the place of. */
async function findReplaceable({ commands, namedCommands }: Policy): Promise<string[]> {
  const rules = commands === 'any' ? [] : commands;
  const binaries = new Set([...rules, ...namedCommands.values()].map(({ binary }) => binary));
  const found = await Promise.all(
    [...binaries].map(async (binary) => {
      try {
        const replaceable = (await isWritable(binary)) || (await isWritable(dirname(binary)));
        return replaceable
          ? [`${binary} can be replaced by others than root: this allows them everything`]
          : [];
      } catch {
        return [`${binary} is not there`];
      }
    }),
  );
  return found.flat();
}

/** A sticky directory lets nobody replace what is another's. */
async function isWritable(path: string): Promise<boolean> {
  const { mode, uid } = await stat(path);
  const isSticky = (mode & 0o1000) !== 0;
  return ((mode & 0o022) !== 0 && !isSticky) || (uid !== 0 && uid !== userInfo().uid);
}

function showWords(words: readonly string[]): string {
  return words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : JSON.stringify(word))).join(' ');
}

function say<T>(result: T, text: string): T {
  process.stdout.write(text);
  return result;
}
