/** Puts the parts of dispatch together and opens the agents' listener. */
import type { Clock } from '#base/clock.ts';
import type { HostPort } from '#base/host-port.ts';
import type { Logger } from '#base/log.ts';
import type { Store } from '#controller/store/store.ts';
import { NodeState } from '#protocol/gen/drover/v1/node_pb.ts';
import type { Task } from '#protocol/gen/drover/v1/task_pb.ts';
import type { NodeName } from '#protocol/ids.ts';
import { AgentDispatch } from './agent-dispatch.ts';
import { AgentSession, type SessionOwner } from './agent-session.ts';
import { Changes } from './changes.ts';
import { ContactWriter } from './contact-writer.ts';
import type { Dispatch, NodeLiveness } from './dispatch.ts';
import { Ingest } from './ingest.ts';
import { Launches } from './launches.ts';
import { LinkServer, type LinkTls } from './link-server.ts';
import { LivenessTracker } from './liveness-tracker.ts';
import { NodeLinks } from './node-links.ts';
import { Openings } from './openings.ts';
import { PacedRuns } from './paced-runs.ts';
import { NodeRecorder } from './record-nodes.ts';
import { type Certifier, Renewals } from './renewals.ts';
import { repeat } from './repeat.ts';
import { tickMs } from './stall-clock.ts';

/** What dispatch is given. All of it must outlive it. */
export interface DispatchOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
  /** Certificates of the agents' listener. */
  readonly tls: LinkTls;
  /** Where the agents' listener is to be; port 0 for any free one. */
  readonly listen: HostPort;
  /** The controller's version. */
  readonly version: string;
  /** Random id of the cluster. */
  readonly clusterId: string;
  readonly certifier: Certifier;
  /** Evenly in [0, 1), for the jitter of heartbeats and renewals. Default Math.random. */
  readonly random?: () => number;
  /** Called with the time that a heartbeat took to an agent and back, milliseconds. */
  readonly onRoundTrip?: (ms: number) => void;
}

/** Dispatch, listening. Disposing of it says goodbye to all agents and waits for what they have told. */
export interface RunningDispatch extends Dispatch, AsyncDisposable {
  /** Where agents connect, as HOST:PORT with the real port. */
  readonly address: string;
  /** Serves the agents that connect from now on with these. */
  useCertificates(tls: LinkTls): void;
}

/** How often what nodes were last heard of is written down. */
const writeSeenMs = 30_000;

/**
 * Starts to listen for agents.
 *
 * @throws the system's error when it cannot listen there; StoreError.
 */
export async function startDispatch(options: DispatchOptions): Promise<RunningDispatch> {
  const { store, clock, log, random = Math.random } = options;
  const taskChanges = new Changes<[Task]>();
  const nodeChanges = new Changes<[NodeName, NodeLiveness]>();
  const liveness = new LivenessTracker(clock, nodeChanges, await store.read.listNodes());
  const nodeRecorder = new NodeRecorder({ store, clock, log, liveness, changes: nodeChanges });
  const now = () => liveness.now();
  const links = new NodeLinks();
  taskChanges.listen((task) => links.forget(task));
  const ingest = new Ingest({ store, clock, log, changes: taskChanges });
  const openings = new Openings({ ...options, links, liveness, changes: taskChanges });
  const launches = await Launches.open({ store, clock, log, links, liveness, changes: taskChanges });
  const pacedRuns = await PacedRuns.open({
    store,
    clock,
    log,
    links,
    liveness,
    launches,
    changes: taskChanges,
  });
  const renewals = new Renewals({ ...options, random });
  const contacts = new ContactWriter(store, liveness, log);
  const owner = createOwner({ links, liveness, contacts, ingest, openings }, options.onRoundTrip);
  const server = await LinkServer.start({
    ...options,
    onSession(stream, peer, cut) {
      const session = new AgentSession(stream, peer, { owner, clock, now, random, log, cut });
      links.add(session);
      return session;
    },
  });
  const timers = new DisposableStack();
  timers.use(
    repeat(clock, tickMs, () => tick({ liveness, nodeRecorder, links, launches, pacedRuns, renewals })),
  );
  timers.use(repeat(clock, writeSeenMs, () => void contacts.write()));
  nodeChanges.listen((_, { state }) => {
    if (state === NodeState.CONNECTED) pacedRuns.lookAgain();
  });
  const tasks = { links, launches, pacedRuns, taskChanges };
  const dispatch = new AgentDispatch({
    store,
    clock,
    liveness,
    nodeChanges,
    ...tasks,
    isListening: () => server.isListening,
    findMassLoss: () => nodeRecorder.massLoss,
    forgetNode(node) {
      liveness.forget(node);
      nodeRecorder.forget(node);
    },
  });
  return Object.assign(dispatch, {
    address: server.address,
    useCertificates: (tls: LinkTls) => server.useCertificates(tls),
    async [Symbol.asyncDispose]() {
      timers.dispose();
      // Before the sessions end: what is released without them would count as unreachable.
      await pacedRuns[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
      await renewals[Symbol.asyncDispose]();
      await openings[Symbol.asyncDispose]();
      await ingest[Symbol.asyncDispose]();
      await launches[Symbol.asyncDispose]();
      await nodeRecorder[Symbol.asyncDispose]();
      await contacts.write();
    },
  });
}

interface OwnerParts {
  readonly contacts: ContactWriter;
  readonly links: NodeLinks;
  readonly liveness: LivenessTracker;
  readonly ingest: Ingest;
  readonly openings: Openings;
}

function createOwner(
  { links, liveness, contacts, ingest, openings }: OwnerParts,
  onRoundTrip: (ms: number) => void = () => {},
): SessionOwner {
  return {
    onHello: (session) => openings.add(session),
    onEvent: (session, event, bytes) => ingest.add(session, event, bytes),
    onHeard(session) {
      if (session.state === 'open') liveness.heard(session.node);
    },
    onRoundTrip,
    onFacts: (session, facts) => contacts.told(session.node, facts),
    onClosed(session) {
      if (links.remove(session)) liveness.disconnected(session.node);
    },
  };
}

interface Ticking {
  readonly liveness: LivenessTracker;
  readonly nodeRecorder: NodeRecorder;
  readonly links: NodeLinks;
  readonly launches: Launches;
  readonly pacedRuns: PacedRuns;
  readonly renewals: Renewals;
}

function tick({ liveness, nodeRecorder, links, launches, pacedRuns, renewals }: Ticking): void {
  liveness.tick();
  nodeRecorder.tick();
  for (const session of links.sessions()) session.tick();
  renewals.tick(links.sessions());
  launches.endOverdue();
  pacedRuns.lookAgain();
}
