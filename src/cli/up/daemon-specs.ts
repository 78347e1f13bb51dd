/** The command lines of the daemons that `drover up` starts. Tokens go by the environment, where other users cannot see them. */
import { join } from 'node:path';
import type { DaemonSpec } from './daemon-process.ts';
import type { UpLayout } from './up-layout.ts';

/** The controller. The groups of its ready line are HOST:PORT of the API and of the agents' listener. */
export function controllerSpec(
  layout: UpLayout,
  listen: string,
  agentListen: string,
  environment: NodeJS.ProcessEnv,
): DaemonSpec {
  return {
    title: 'the controller',
    program: 'controller',
    args: [
      '--data',
      layout.controller,
      '--listen',
      listen,
      '--agent-listen',
      agentListen,
      '--until-stdin-closes',
    ],
    environment,
    logPath: join(layout.logs, 'controller.log'),
    ready: /^ready https:\/\/(\S+) agents (\S+)$/,
  };
}

/**
 * The agent of a node.
 *
 * @param address HOST:PORT of the API, for joining.
 * @param token lets it join; undefined where it has. A node that joins gets the open policy: it is this user's own.
 */
export function agentSpec(
  layout: UpLayout,
  name: string,
  address: string,
  environment: NodeJS.ProcessEnv,
  token: string | undefined,
): DaemonSpec {
  const joining = token === undefined ? [] : ['--controller', address, '--name', name, '--preset', 'open'];
  const directory = join(layout.nodes, name);
  return {
    title: `the agent of ${name}`,
    program: 'agent',
    args: [
      '--data',
      directory,
      '--policy',
      join(directory, 'policy.yaml'),
      ...joining,
      '--until-stdin-closes',
    ],
    environment: { ...environment, DROVER_JOIN_TOKEN: token },
    logPath: join(layout.logs, `${name}.log`),
    ready: /^ready (\S+)$/,
  };
}
