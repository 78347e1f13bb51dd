/** What an agent sees of a cluster: an API to join by and a listener for its link, over one authority. */
import 'reflect-metadata';
import { Pkcs10CertificateRequest } from '@peculiar/x509';
import type { JoinToken } from '#core/join-token.ts';
import { ApiPeer } from './api-peer.ts';
import { LinkPeer } from './link-peer.ts';
import { makeTestPki, type TestPki } from './test-pki.ts';

/** Lets every node in that asks. */
export class PeerCluster implements AsyncDisposable {
  readonly pki: TestPki;
  readonly api: ApiPeer;
  readonly link: LinkPeer;
  /** Good for any name, any number of times. */
  readonly token: JoinToken;

  private constructor(pki: TestPki, api: ApiPeer, link: LinkPeer) {
    this.pki = pki;
    this.api = api;
    this.link = link;
    this.token = { id: 'abc', secret: new Uint8Array(32), pin: pki.pin };
  }

  static async start(): Promise<PeerCluster> {
    const pki = await makeTestPki();
    const identity = await pki.issueServer();
    const link = await LinkPeer.listen(identity, pki.root);
    const api = await ApiPeer.listen({
      identity,
      rootDer: pki.rootDer,
      join: async ({ name, certificateRequest }) => {
        const request = new Pkcs10CertificateRequest(new Uint8Array(certificateRequest));
        const certificate = await pki.certifyNode(name, await request.publicKey.export());
        const agentAddress = `:${link.address.port}`;
        return { name, certificates: [certificate], agentAddress, clusterId: 'cluster-1' };
      },
    });
    return new PeerCluster(pki, api, link);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.api[Symbol.asyncDispose]();
    await this.link[Symbol.asyncDispose]();
  }
}
