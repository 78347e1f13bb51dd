/** A node whose link goes through a proxy that sees its frames. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { findIdentity } from '#agent/identity.ts';
import { FrameProxy } from '#test/fault-proxy/frame-proxy.ts';
import type { ChaosCluster } from './chaos-cluster.ts';

/** Lets a node join and starts its agent, behind a proxy that is closed when the test is over. */
export async function startBehindFrameProxy(
  t: TestContext,
  cluster: ChaosCluster,
  name: string,
): Promise<FrameProxy> {
  const pki = (file: string) => readFileSync(join(cluster.layout.controller, 'pki', file), 'utf8');
  const credentials = async () => {
    const identity = await findIdentity(cluster.directoryOf(name));
    assert.ok(identity);
    return identity.credentials;
  };
  const proxy = await FrameProxy.start({
    target: cluster.addresses.agents,
    cert: pki('controller.pem') + pki('controller-ca.pem'),
    key: pki('controller.pem'),
    root: pki('root.pem'),
    credentials,
  });
  t.after(() => proxy[Symbol.asyncDispose]());
  await cluster.join(name, proxy.address);
  await cluster.startAgent(name);
  return proxy;
}
