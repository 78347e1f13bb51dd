/** Looks up what a decision on a start rests on (policy file, user, binary), and has policy/decide-launch.ts decide. */
import { stat } from 'node:fs/promises';
import { create } from '@bufbuild/protobuf';
import { type Account, decideLaunch, type Lookup, refuseWithoutPolicy } from '#agent/policy/decide-launch.ts';
import { expandCommand } from '#agent/policy/named-commands.ts';
import type { Policy } from '#agent/policy/policy.ts';
import type { PolicyFile } from '#agent/policy/policy-file.ts';
import type { DecideLaunch, LaunchDecision } from '#agent/process/launch-decision.ts';
import { BriefMemory } from '#base/brief-memory.ts';
import type { Clock } from '#base/clock.ts';
import type { Start } from '#protocol/gen/drover/v1/link_pb.ts';
import { TaskSpecSchema } from '#protocol/gen/drover/v1/task_pb.ts';
import type { Accounts } from './accounts.ts';
import { findBinary } from './find-binary.ts';
import { taskEnvironment } from './task-environment.ts';

/**
 * So long what was found in the file system is good for, milliseconds: a look costs more than the rest of a start, and a burst
 * needs one.
 */
const foundFreshMs = 1_000;

/** What resolving needs of the node. */
export interface ResolveLaunchOptions {
  readonly policyFile: PolicyFile;
  readonly accounts: Accounts;
  readonly clock: Clock;
  /** This node's name, for DROVER_NODE. */
  readonly node: string;
  /** The agent's own user id. */
  readonly agentUid: number;
}

/** Where another user's task runs, since the workspace is the agent's own: at home, else at the root. */
async function homeOf({ home }: Account): Promise<string> {
  try {
    return (await stat(home)).isDirectory() ? home : '/';
  } catch {
    return '/';
  }
}

/** Makes the decider of starts for this node. */
export function resolveLaunch(options: ResolveLaunchOptions): DecideLaunch {
  const { policyFile, accounts, clock, node, agentUid } = options;
  const binaries = new BriefMemory<Lookup<string>>(clock, foundFreshMs);
  const homes = new BriefMemory<string>(clock, foundFreshMs);
  return async (start, workspace) => {
    const state = policyFile.current();
    if ('problem' in state) return refuseWithoutPolicy(state.problem);
    const decision = await decide(state.policy, start, workspace);
    if (decision.allowed || decision.step !== 'policy') return decision;
    return { ...decision, reason: `${decision.reason} (${policyFile.path})` };
  };

  async function defaultDirectory(account: Account | undefined, workspace: string): Promise<string> {
    if (!account || account.uid === agentUid) return workspace;
    return await homes.recall(account.home, () => homeOf(account));
  }

  async function decide(policy: Policy, start: Start, workspace: string): Promise<LaunchDecision> {
    const spec = start.spec ?? create(TaskSpecSchema);
    const expansion = spec.named
      ? expandCommand(policy.namedCommands, spec.argv)
      : { argv: spec.argv, command: undefined };
    if ('problem' in expansion)
      return { allowed: false, step: 'policy', errno: 0, reason: expansion.problem };
    const { argv, command: named } = expansion;
    const user = named?.user ?? (spec.user || policy.users[0]);
    const account = await accounts.find(user);
    const found = 'found' in account ? account.found : undefined;
    const cwd = named?.directory ?? (spec.cwd || (await defaultDirectory(found, workspace)));
    const environment = taskEnvironment(start, found, node);
    const [command, path] = [argv[0] ?? '', environment['PATH'] ?? ''];
    const key = [command, path, cwd].join('\0');
    const binary = await binaries.recall(key, () => findBinary(command, path, cwd));
    const env = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
    return decideLaunch({ spec, policy, named, argv, user, account, agentUid, binary, cwd, env });
  }
}
