/**
 * Whether a task may be launched, and exactly how, from facts that were looked up before. Pure; the first rule that
 * refuses gives the reason.
 */
import { basename } from 'node:path';
import type { LaunchDecision, LaunchLimits } from '#agent/process/launch-decision.ts';
import { findLimitProblem } from '#core/find-limit-problem.ts';
import { quote } from '#core/quote.ts';
import type { TaskSpec } from '#protocol/gen/drover/v1/task_pb.ts';
import { findCommandRule } from './command-rules.ts';
import { isLoaderVariable } from './loader-variables.ts';
import type { NamedCommand } from './named-commands.ts';
import type { Policy } from './policy.ts';
import type { PolicyState } from './policy-file.ts';

/** A user of this host, as the system's databases have it. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  /** All of the user's groups. */
  readonly groups: readonly number[];
  readonly home: string;
  readonly shell: string;
}

/** A thing that was looked up, or one line on why it is not there. */
export type Lookup<T> = { readonly found: T } | { readonly missing: string; readonly errno: number };

/** Everything that the decision rests on. */
export interface LaunchFacts {
  readonly spec: TaskSpec;
  readonly policy: Policy;
  /** The command of the policy that was asked for; undefined where a vector was. */
  readonly named: NamedCommand | undefined;
  /** The vector to run. */
  readonly argv: readonly string[];
  /** Name of the user that it would run as. */
  readonly user: string;
  readonly account: Lookup<Account>;
  /** The agent's own user id; 0 can become anybody. */
  readonly agentUid: number;
  /** argv[0] resolved to an absolute path. */
  readonly binary: Lookup<string>;
  /** Absolute. */
  readonly cwd: string;
  /** The whole environment, "NAME=value". */
  readonly env: readonly string[];
}

type Refusal = Extract<LaunchDecision, { allowed: false }>;

/** errno of an argument that makes no sense. */
const einval = 22;

/** Arguments that a refusal shows. */
const argumentsShownMax = 8;

/** A policy that names one of these means tasks to gain privileges by it. */
const gaining: ReadonlySet<string> = new Set(['sudo', 'su', 'doas', 'pkexec', 'run0']);

/** Where nobody says: what others made may be read by all and changed by nobody else. */
const defaultUmask = 0o022;

/** Decides. */
export function decideLaunch(facts: LaunchFacts): LaunchDecision {
  const refusal =
    refuseSpec(facts) ?? refuseSurroundings(facts) ?? refuseUser(facts) ?? refuseEnvironment(facts);
  if (refusal) return refusal;
  const { account, binary, argv, spec, cwd, env, agentUid } = facts;
  if (!('found' in account)) return refuse('user', account.missing, account.errno);
  if (!('found' in binary)) return refuse('command', binary.missing, binary.errno);
  const rule = findRule(facts, binary.found);
  if (rule === undefined)
    return refuse('policy', `the node's policy does not allow ${showCommand(binary.found, argv)}`);
  const { uid, gid, groups } = account.found;
  return {
    allowed: true,
    rule,
    launch: {
      binary: binary.found,
      argv,
      cwd,
      env,
      identity: uid === agentUid ? undefined : { uid, gid, groups },
      umask: spec.umask ?? defaultUmask,
      noNewPrivs: facts.policy.noNewPrivs ?? (uid !== 0 && !namesSudo(facts)),
    },
  };
}

/** Whether operators may send `signal`. */
export function decideSignal(state: PolicyState, signal: string) {
  if ('problem' in state) return { allowed: false, reason: state.problem } as const;
  const { signals } = state.policy;
  if (signals === 'any' || signals.includes(signal)) return { allowed: true } as const;
  return { allowed: false, reason: `the node's policy does not allow ${signal}` } as const;
}

/** How much may go on at once; undefined where there is no policy that says so. */
export function limitsOf(state: PolicyState): LaunchLimits | undefined {
  return 'policy' in state ? state.policy.limits : undefined;
}

/** Nothing is launched while there is no good policy. */
export function refuseWithoutPolicy(problem: string): Refusal {
  return refuse('policy', problem);
}

function refuseSpec({ spec, argv, policy, cwd }: LaunchFacts): Refusal | undefined {
  if (!argv[0]) return refuse('command', 'there is no command', einval);
  if (!cwd.startsWith('/')) return refuse('chdir', `directory ${cwd}: not an absolute path`, einval);
  const limitProblem = findLimitProblem(spec);
  if (limitProblem !== undefined) return refuse('limit', limitProblem, einval);
  if (spec.shell && !policy.shell) return refuse('policy', "the node's policy allows no shell");
  if (spec.terminal && !policy.terminals) return refuse('policy', "the node's policy allows no terminals");
  return undefined;
}

/** All around a named command is the policy's. */
function refuseSurroundings({ spec, named }: LaunchFacts): Refusal | undefined {
  if (!named) return undefined;
  if (spec.shell) return refuse('command', `command ${named.name} is given to no shell`, einval);
  if (spec.cwd && spec.cwd !== named.directory) {
    return refuse('policy', `command ${named.name} runs in ${named.directory} only`);
  }
  if (named.user !== undefined && spec.user && spec.user !== named.user) {
    return refuse('policy', `command ${named.name} runs as ${named.user} only`);
  }
  return undefined;
}

function refuseUser({ user, policy, named, account, agentUid }: LaunchFacts): Refusal | undefined {
  if (user !== named?.user && !policy.users.includes(user)) {
    return refuse('policy', `the node's policy does not allow to run as ${user}`);
  }
  if ('found' in account && agentUid !== 0 && account.found.uid !== agentUid) {
    return refuse('user', `user ${user}: the agent does not run as root and cannot become another user`);
  }
  return undefined;
}

function refuseEnvironment({ spec, policy, named }: LaunchFacts): Refusal | undefined {
  const mayPass = named?.environment ?? policy.environment;
  const whose = named ? `command ${named.name}` : "the node's policy";
  for (const name of Object.keys(spec.env)) {
    if (name === '' || /[=\0]/.test(name)) {
      return refuse('environment', `variable ${JSON.stringify(name)}: not a name`, einval);
    }
    if (isLoaderVariable(name)) return refuse('policy', `variable ${name} never passes to a task`);
    if (mayPass !== 'any' && !mayPass.includes(name)) {
      return refuse('policy', `${whose} does not allow to set ${name}`);
    }
  }
  return undefined;
}

/** The rule that allows the command, in words. */
function findRule({ policy, named, argv }: LaunchFacts, binary: string): string | undefined {
  if (named) return `namedCommands: ${named.name}`;
  if (policy.commands === 'any') return 'commands: any';
  const place = findCommandRule(policy.commands, binary, argv);
  return place === undefined ? undefined : `commands: command ${place + 1}`;
}

/** The binary, and its arguments as they were given: of a vector as long as it is, the beginning. */
function showCommand(binary: string, argv: readonly string[]): string {
  const shown = argv.slice(1, 1 + argumentsShownMax).map((argument) => quote(argument));
  return [binary, ...shown, ...(argv.length > 1 + argumentsShownMax ? ['…'] : [])].join(' ');
}

function namesSudo({ policy }: LaunchFacts): boolean {
  return policy.commands !== 'any' && policy.commands.some(({ binary }) => gaining.has(basename(binary)));
}

function refuse(step: string, reason: string, errno = 0): Refusal {
  return { allowed: false, step, errno, reason };
}
