/** Both ends of a session: the agent's, over a real connection, and the controller's in a test's hands. */
import { create } from '@bufbuild/protobuf';
import { connectLink, type Link } from '#agent/session/connect-link.ts';
import { LinkSession } from '#agent/session/link-session.ts';
import { FakeClock } from '#base/clock.ts';
import { HostFactsSchema } from '#protocol/gen/drover/v1/node_pb.ts';
import { FakeWorkload } from './fake-workload.ts';
import { LinkPeer, type PeerSession } from './link-peer.ts';
import { makeTestPki } from './test-pki.ts';

const pki = await makeTestPki();
const server = await pki.issueServer();
const node = await pki.issueNode('node1');

/** The two ends. */
export interface SessionFixture {
  readonly workload: FakeWorkload;
  readonly clock: FakeClock;
  readonly agent: LinkSession;
  readonly session: PeerSession;
  readonly peer: LinkPeer;
  readonly link: Link;
  /** Dispatch "change" on it for facts to be told. */
  readonly factsChanged: EventTarget;
}

/** Opens a session and hands both ends to `body`; nothing is left of either afterwards. */
export async function withSession(
  body: (fixture: SessionFixture) => Promise<void>,
  workload = new FakeWorkload(),
) {
  await using peer = await LinkPeer.listen(server, pki.root);
  const clock = new FakeClock();
  const credentials = { ...node, root: pki.root };
  const link = await connectLink(peer.address, credentials, new AbortController().signal);
  const factsChanged = new EventTarget();
  const agent = new LinkSession(link, {
    workload,
    clock,
    facts: create(HostFactsSchema, { hostname: 'host1', bootId: 'boot' }),
    readFacts: async () => create(HostFactsSchema, { hostname: 'host2' }),
    factsChanged,
    version: '1.2.3',
    random: () => 0.5,
    onWelcome: () => {},
  });
  try {
    await body({ workload, clock, agent, session: await peer.sessions.next(), peer, link, factsChanged });
  } finally {
    agent.close('the test is over');
    await agent.ended;
  }
}

/** The same, past Welcome. */
export function withOpenSession(
  body: (fixture: SessionFixture) => Promise<void>,
  workload = new FakeWorkload(),
) {
  return withSession(async (fixture) => {
    await fixture.session.expect('hello');
    fixture.session.welcome();
    await body(fixture);
  }, workload);
}
