/** `npm run herd -- [--agents N]`: case 25 with as many simulated agents as a cluster may have, 10,000 where nobody says. */
import { parseArgs } from 'node:util';
import { runAlone } from './run-alone.ts';

/** As many as a run may have nodes. */
const agentsMax = 20_000;

/** Ten thousand take two minutes. */
const timeoutMs = 15 * 60_000;

const { values } = parseArgs({ options: { agents: { type: 'string', default: '10000' } } });
const agents = Number(values.agents);
if (!Number.isSafeInteger(agents) || agents < 1 || agents > agentsMax) {
  console.error(`drover: --agents takes 1 to ${agentsMax}`);
  process.exitCode = 2;
} else {
  const passed = runAlone('herd.test.ts', { env: { DROVER_HERD_AGENTS: String(agents) }, timeoutMs });
  process.exitCode = passed ? 0 : 1;
}
