import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { ChaosCluster } from './chaos-cluster.ts';
import { FarNode } from './far-node.ts';
import { testInNamespace } from './in-namespace.ts';
import { rate } from './pace.ts';

testInNamespace(
  '18: packets are dropped one way or both, by the kernel',
  { file: import.meta.filename, unshare: ['--net'], skip: findNoPacketFilter() },
  async (t) => {
    run('ip', 'link', 'set', 'lo', 'up');
    const cluster = await ChaosCluster.start(t, { nodes: 0, clockRate: rate });
    const { port } = cluster.addresses.agents;
    const far = await FarNode.start(cluster, cluster.addresses.agents);
    run('nft', 'add table ip drover; add chain ip drover in { type filter hook input priority 0; }');
    for (const [what, ...ways] of [
      ['up', 'dport'],
      ['down', 'sport'],
      ['both ways', 'dport', 'sport'],
    ]) {
      await t.test(`${what}`, async () => {
        await far.launch();
        await far.part(() => {
          for (const way of ways) run('nft', `add rule ip drover in tcp ${way} ${port} counter drop`);
        });
        assert.match(run('nft', 'list chain ip drover in'), /packets [1-9]/);
        await far.heal(() => void run('nft', 'flush chain ip drover in'));
      });
    }
    await far.verify();
  },
);

/** Why packets cannot be dropped here; undefined where they can. */
function findNoPacketFilter(): string | false {
  const missing = ['ip', 'nft'].filter((program) => spawnSync(program, ['-V']).error !== undefined);
  return missing.length > 0 && `there is no ${missing.join(', no ')}`;
}

function run(program: string, ...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  assert.equal(status, 0, `${program} ${args.join(' ')}: ${stderr}`);
  return stdout;
}
