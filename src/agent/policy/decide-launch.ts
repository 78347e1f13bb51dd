/**
 * Whether a task may be launched, and exactly how, from facts that were looked up before. Pure; the first rule that
 * refuses gives the reason.
 */
import type { LaunchDecision } from '#agent/process/launch-decision.ts';
import { findLimitProblem } from '#core/find-limit-problem.ts';
import type { TaskSpec } from '#protocol/gen/drover/v1/task_pb.ts';
import { isLoaderVariable } from './loader-variables.ts';
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

/** Where nobody says: what others made may be read by all and changed by nobody else. */
const defaultUmask = 0o022;

/** Decides. */
export function decideLaunch(facts: LaunchFacts): LaunchDecision {
  const refusal = refuseSpec(facts) ?? refuseUser(facts) ?? refuseEnvironment(facts) ?? refuseCommand(facts);
  if (refusal) return refusal;
  const { account, binary, spec, cwd, env, agentUid } = facts;
  if (!('found' in account)) return refuse('user', account.missing, account.errno);
  if (!('found' in binary)) return refuse('command', binary.missing, binary.errno);
  const { uid, gid, groups } = account.found;
  return {
    allowed: true,
    launch: {
      binary: binary.found,
      argv: spec.argv,
      cwd,
      env,
      identity: uid === agentUid ? undefined : { uid, gid, groups },
      umask: spec.umask ?? defaultUmask,
      noNewPrivs: uid !== 0,
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

/** Nothing is launched while there is no good policy. */
export function refuseWithoutPolicy(problem: string): Refusal {
  return refuse('policy', problem);
}

function refuseSpec({ spec, policy, cwd }: LaunchFacts): Refusal | undefined {
  if (!spec.argv[0]) return refuse('command', 'there is no command', einval);
  if (!cwd.startsWith('/')) return refuse('chdir', `directory ${cwd}: not an absolute path`, einval);
  const limitProblem = findLimitProblem(spec);
  if (limitProblem !== undefined) return refuse('limit', limitProblem, einval);
  if (spec.shell && !policy.shell) return refuse('policy', "the node's policy allows no shell");
  if (spec.terminal && !policy.terminals) return refuse('policy', "the node's policy allows no terminals");
  return undefined;
}

function refuseUser({ user, policy, account, agentUid }: LaunchFacts): Refusal | undefined {
  if (!policy.users.includes(user)) {
    return refuse('policy', `the node's policy does not allow to run as ${user}`);
  }
  if ('found' in account && agentUid !== 0 && account.found.uid !== agentUid) {
    return refuse('user', `user ${user}: the agent does not run as root and cannot become another user`);
  }
  return undefined;
}

function refuseEnvironment({ spec, policy }: LaunchFacts): Refusal | undefined {
  for (const name of Object.keys(spec.env)) {
    if (name === '' || /[=\0]/.test(name)) {
      return refuse('environment', `variable ${JSON.stringify(name)}: not a name`, einval);
    }
    if (isLoaderVariable(name)) return refuse('policy', `variable ${name} never passes to a task`);
    if (policy.environment !== 'any' && !policy.environment.includes(name)) {
      return refuse('policy', `the node's policy does not allow to set ${name}`);
    }
  }
  return undefined;
}

function refuseCommand({ policy, binary }: LaunchFacts): Refusal | undefined {
  if (!('found' in binary) || policy.commands === 'any') return undefined;
  if (policy.commands.includes(binary.found)) return undefined;
  return refuse('policy', `the node's policy does not allow ${binary.found}`);
}

function refuse(step: string, reason: string, errno = 0): Refusal {
  return { allowed: false, step, errno, reason };
}
