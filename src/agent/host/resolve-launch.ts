/** Looks up what a decision on a start rests on (policy file, user, binary), and has policy/decide-launch.ts decide. */
import { stat } from 'node:fs/promises';
import { create } from '@bufbuild/protobuf';
import { type Account, decideLaunch, refuseWithoutPolicy } from '#agent/policy/decide-launch.ts';
import type { Policy } from '#agent/policy/policy.ts';
import type { PolicyFile } from '#agent/policy/policy-file.ts';
import type { DecideLaunch, LaunchDecision } from '#agent/process/launch-decision.ts';
import type { Start } from '#protocol/gen/drover/v1/link_pb.ts';
import { TaskSpecSchema } from '#protocol/gen/drover/v1/task_pb.ts';
import type { Accounts } from './accounts.ts';
import { findBinary } from './find-binary.ts';
import { taskEnvironment } from './task-environment.ts';

/** What resolving needs of the node. */
export interface ResolveLaunchOptions {
  readonly policyFile: PolicyFile;
  readonly accounts: Accounts;
  /** This node's name, for DROVER_NODE. */
  readonly node: string;
  /** The agent's own user id. */
  readonly agentUid: number;
}

/** Where another user's task runs by default, since the workspace is the agent's own: at home, else at the root. */
async function homeOf({ home }: Account): Promise<string> {
  try {
    return (await stat(home)).isDirectory() ? home : '/';
  } catch {
    return '/';
  }
}

/** Makes the decider of starts for this node. */
export function resolveLaunch({ policyFile, accounts, node, agentUid }: ResolveLaunchOptions): DecideLaunch {
  return async (start, workspace) => {
    const state = policyFile.current();
    if ('problem' in state) return refuseWithoutPolicy(state.problem);
    const decision = await decide(state.policy, start, workspace);
    if (decision.allowed || decision.step !== 'policy') return decision;
    return { ...decision, reason: `${decision.reason} (${policyFile.path})` };
  };

  async function decide(policy: Policy, start: Start, workspace: string): Promise<LaunchDecision> {
    const spec = start.spec ?? create(TaskSpecSchema);
    const user = spec.user || policy.users[0];
    const account = await accounts.find(user);
    const found = 'found' in account ? account.found : undefined;
    const cwd = spec.cwd || (found && found.uid !== agentUid ? await homeOf(found) : workspace);
    const environment = taskEnvironment(start, found, node);
    const binary = await findBinary(spec.argv[0] ?? '', environment['PATH'] ?? '', cwd);
    const env = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
    return decideLaunch({ spec, policy, user, account, agentUid, binary, cwd, env });
  }
}
