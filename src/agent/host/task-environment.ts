/** The environment of a task: a minimal one of its user, what the operator set, and what it is. Nothing of the agent's own. */
import type { Account } from '#agent/policy/decide-launch.ts';
import type { Start } from '#protocol/gen/drover/v1/link_pb.ts';
import { attemptId } from '#protocol/ids.ts';

/** SV_TAG of the supervisor's protocol: by it the supervisor knows a process of the task that left everything else behind. */
const supervisorTag = 'DROVER_ATTEMPT_ID';

const defaultPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** UTF-8 without a language, so that output reads the same on every node. */
const defaultLang = 'C.UTF-8';

/** What most terminals of today speak. */
const defaultTerm = 'xterm-256color';

/** The whole environment of the attempt that `start` orders, by name. `node` is this node's name. */
export function taskEnvironment(
  { spec, taskId, attempt, runId }: Start,
  account: Account | undefined,
  node: string,
): Record<string, string> {
  const own = account && {
    HOME: account.home,
    USER: account.name,
    LOGNAME: account.name,
    SHELL: account.shell,
  };
  return {
    PATH: defaultPath,
    LANG: defaultLang,
    ...own,
    ...(spec?.terminal && { TERM: spec.terminal.term || defaultTerm }),
    ...spec?.env,
    DROVER_TASK: taskId,
    DROVER_RUN: runId,
    DROVER_NODE: node,
    DROVER_ATTEMPT: String(attempt),
    [supervisorTag]: attemptId(taskId, attempt),
  };
}
