/** Has a change of a node's policy logged, and told to whoever tells the controller. Decides nothing. */
import type { Clock } from '#base/clock.ts';
import type { Logger } from '#base/log.ts';
import { PolicyFile } from './policy-file.ts';

/** A policy file, and whom to tell that another policy is in force. */
export interface WatchedPolicy {
  readonly policyFile: PolicyFile;
  /** Dispatches "change". */
  readonly factsChanged: EventTarget;
}

/** Opens the file at `path`; every change is logged. `uid` is the agent's own user. */
export function watchPolicy(path: string, uid: number, clock: Clock, log: Logger): WatchedPolicy {
  const factsChanged = new EventTarget();
  const policyFile: PolicyFile = new PolicyFile({
    path,
    uid,
    clock,
    onChange: () => {
      logPolicy(policyFile, log);
      factsChanged.dispatchEvent(new Event('change'));
    },
  });
  logPolicy(policyFile, log);
  return { policyFile, factsChanged };
}

/** Says in the log which policy is in force, or why none or an older one is. */
export function logPolicy(policyFile: PolicyFile, log: Logger): void {
  const { digest, problem } = policyFile.standing();
  const { path } = policyFile;
  if (problem === '') log.info({ path, digest }, 'the policy of this node is in force');
  else if (digest === '') log.warn(`no task will be launched: ${problem}`);
  else log.error({ digest }, `the policy that was read before stays in force: ${problem}`);
}
