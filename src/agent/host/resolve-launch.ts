/** Looks up what a decision on a start rests on (policy file, user, binary), and has policy/decide-launch.ts decide. */
import { create } from '@bufbuild/protobuf';
import { decideLaunch, refuseWithoutPolicy } from '#agent/policy/decide-launch.ts';
import type { PolicyFile } from '#agent/policy/policy-file.ts';
import type { DecideLaunch } from '#agent/process/launch-decision.ts';
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

/** Makes the decider of starts for this node. */
export function resolveLaunch({ policyFile, accounts, node, agentUid }: ResolveLaunchOptions): DecideLaunch {
  return async (start, workspace) => {
    const state = policyFile.current();
    if ('problem' in state) return refuseWithoutPolicy(state.problem);
    const { policy } = state;
    const spec = start.spec ?? create(TaskSpecSchema);
    const user = spec.user || policy.users[0];
    const cwd = spec.cwd || workspace;
    const account = await accounts.find(user);
    const environment = taskEnvironment(start, 'found' in account ? account.found : undefined, node);
    const binary = await findBinary(spec.argv[0] ?? '', environment['PATH'] ?? '', cwd);
    const env = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
    return decideLaunch({ spec, policy, user, account, agentUid, binary, cwd, env });
  };
}
