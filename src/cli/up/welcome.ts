/** What `drover up` says when the cluster is there. Pure. */
import { join } from 'node:path';
import { quoteWord } from '#cli/output/quote-word.ts';
import { foldNodeNames } from '#core/node-set/fold-node-names.ts';
import type { UpLayout } from './up-layout.ts';

/** What there is to tell. */
export interface WelcomeFacts {
  readonly version: string;
  readonly layout: UpLayout;
  /** HOST:PORT of the API. */
  readonly address: string;
  readonly nodes: readonly string[];
  /** Nodes joined at this start: what holds for new ones is said once. */
  readonly isNew: boolean;
  /** The command for a second terminal, without its arguments: "/opt/drover/bin/drover". */
  readonly command: string;
  /** The data directory has to be named in a second terminal. */
  readonly nameData: boolean;
  readonly user: string;
}

/** The lines of the welcome. */
export function renderWelcome(facts: WelcomeFacts): string[] {
  const { version, layout, address, nodes, isNew, command, nameData, user } = facts;
  const count = nodes.length === 1 ? '1 node' : `${nodes.length} nodes`;
  const data = nameData ? ` --data ${quoteWord(layout.root)}` : '';
  return [
    `Drover ${version}: a controller and ${count} on this machine, ${foldNodeNames(nodes)}`,
    `  API             https://${address}`,
    `  data            ${layout.root}`,
    `  admin token     in ${join(layout.controller, 'access.json')}`,
    `  other terminal  ${quoteWord(command)} ps${data}`,
    ...(isNew
      ? [`Tasks run as ${user}: the policy of these nodes does not confine tasks of your own user.`]
      : []),
  ];
}
