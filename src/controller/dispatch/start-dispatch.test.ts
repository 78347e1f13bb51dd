import assert from 'node:assert/strict';
import { test } from 'node:test';
import { timestampMs } from '@bufbuild/protobuf/wkt';
import { WhenUnreachable } from '#protocol/gen/drover/v1/api_pb.ts';
import { NodeState } from '#protocol/gen/drover/v1/node_pb.ts';
import { Cause, SignalScope, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import type { NodeName } from '#protocol/ids.ts';
import { limits } from '#protocol/limits.ts';
import { NodeRefusedError } from './dispatch.ts';
import { orphanLaunchMaxMs } from './plan-opening.ts';
import { DispatchFixture } from './testing/dispatch-fixture.ts';

const { FAIL, WAIT } = WhenUnreachable;
const { PENDING, STARTING, RUNNING, ENDED } = TaskState;

const never = new AbortController().signal;
const exited0 = {
  state: ENDED,
  outcome: { kind: { case: 'exited', value: { code: 0 } } },
  cause: 1,
} as const;

test('launch() sends one start to a connected node, and its events advance the task and end the run', async () => {
  await using fixture = await DispatchFixture.start('n1');
  const agent = await fixture.join('n1');
  const [task] = await fixture.launch(['n1']);
  assert.ok(task);
  const start = await agent.next('start');
  assert.equal(start.taskId, task.id);
  assert.equal(start.attempt, 1);
  assert.equal(start.operator, 'ada');
  assert.equal(start.runId, task.runId);
  assert.deepEqual(start.spec?.argv, ['true']);

  const ended = fixture.changed(({ state }) => state === ENDED);
  agent.event(1, task.id, { state: STARTING });
  assert.equal((await agent.next('ack')).event, 1n);
  assert.equal((await fixture.task(task.id)).state, STARTING);
  agent.event(2, task.id, { state: RUNNING, pid: 42 });
  agent.event(3, task.id, exited0);
  assert.equal((await ended).outcome?.kind.case, 'exited');
  let acknowledged = 0n;
  while (acknowledged < 3n) acknowledged = (await agent.next('ack')).event;
  assert.equal((await fixture.store.read.findNode('n1'))?.acknowledgedEvent, 3n);
  const run = await fixture.store.read.findRun(task.runId);
  assert.ok(run?.run.endedAt);
});

test('launch() ends the tasks of a node that never came as unreachable, or lets them wait', async () => {
  await using fixture = await DispatchFixture.start('n1', 'n2');
  const [failed] = await fixture.launch(['n1'], FAIL);
  assert.ok(failed);
  const ended = await fixture.task(failed.id);
  assert.equal(ended.state, ENDED);
  assert.equal(ended.outcome?.kind.case, 'unreachable');
  assert.equal(ended.reason, 'its node is not connected');
  assert.ok((await fixture.store.read.findRun(failed.runId))?.run.endedAt);

  const [waiting] = await fixture.launch(['n2'], WAIT);
  assert.ok(waiting);
  const marked = await fixture.task(waiting.id);
  assert.equal(marked.state, PENDING);
  assert.equal(marked.reason, 'waits for its node to connect');
  const agent = await fixture.join('n2');
  assert.equal((await agent.next('start')).taskId, waiting.id);
  assert.equal((await fixture.task(waiting.id)).reason, '');
});

test('launch() keeps the tasks of a node that is disconnected, and sends them when it is back', async () => {
  await using fixture = await DispatchFixture.start('n1');
  await fixture.clock.advance(70_000);
  const first = await fixture.join('n1');
  await first[Symbol.asyncDispose]();
  await fixture.gone('n1');
  const [blink] = await fixture.launch(['n1'], FAIL);
  await fixture.advance(3_000);
  const [later] = await fixture.launch(['n1'], FAIL);
  assert.ok(blink && later);
  const { state, reason } = await fixture.task(later.id);
  assert.deepEqual(
    [state, reason.replace(/\d+/, 'N')],
    [PENDING, 'its node is disconnected: unreachable unless it is back in N s'],
  );

  const second = await fixture.join('n1');
  const sent = [await second.next('start'), await second.next('start')].map((start) => start.taskId);
  assert.deepEqual(sent.sort(), [blink.id, later.id].sort());
  assert.equal((await fixture.task(later.id)).reason, '');
  await fixture.advance(30_000);
  assert.equal((await fixture.task(later.id)).state, PENDING);
});

test('launch() for a node that stays away ends when it becomes unreachable, and at once from then on', async () => {
  await using fixture = await DispatchFixture.start('n1', 'n2');
  await fixture.clock.advance(70_000);
  const agents = [await fixture.join('n1'), await fixture.join('n2')];
  const seenAtMs = fixture.clock.wallMs();
  for (const agent of agents) await agent[Symbol.asyncDispose]();
  for (const node of ['n1', 'n2']) await fixture.gone(node);
  const waiting = await fixture.launch(['n1', 'n2'], FAIL);
  const [patient] = await fixture.launch(['n1'], WAIT);
  const [stopped] = await fixture.launch(['n1'], FAIL);
  assert.ok(waiting[0] && patient && stopped);
  await fixture.dispatch.stop(stopped, 0, Cause.OPERATOR, never);
  assert.equal((await fixture.task(stopped.id)).outcome?.kind.case, 'skipped');

  const ended = Promise.all(
    waiting.map(({ id }) => fixture.changed((task) => task.id === id && task.state === ENDED)),
  );
  await fixture.advance(19_000 - (fixture.clock.wallMs() - seenAtMs));
  assert.equal((await fixture.task(waiting[0].id)).state, PENDING);
  fixture.storeFails = true;
  await fixture.advance(1_000);
  fixture.storeFails = false;
  await fixture.advance(1_000);
  for (const { outcome, reason } of await ended) {
    assert.equal(reason, 'its node did not come back');
    assert.ok(outcome?.kind.case === 'unreachable' && outcome.kind.value.seenAt);
    assert.equal(timestampMs(outcome.kind.value.seenAt), seenAtMs);
  }
  assert.ok((await fixture.store.read.findRun(waiting[0].runId))?.run.endedAt);
  assert.equal((await fixture.task(patient.id)).state, PENDING);

  const [atOnce] = await fixture.launch(['n1'], FAIL);
  assert.equal((await fixture.task(atOnce?.id ?? '')).reason, 'its node is not connected');
});

test('after its start a controller waits for the nodes that had a session, no longer than their own silence', async () => {
  await using fixture = await DispatchFixture.start('n1', 'n2');
  for (const node of ['n1', 'n2']) await fixture.join(node);
  await fixture.stopDispatch();
  await fixture.clock.advance(40_000);
  await fixture.startDispatch();
  const [back] = await fixture.launch(['n1'], FAIL);
  const [away] = await fixture.launch(['n2'], FAIL);
  assert.ok(back && away);
  const agent = await fixture.join('n1');
  assert.equal((await agent.next('start')).taskId, back.id);
  // Its end is left to the next controller, which waits as long again.
  await fixture.stopDispatch();
  await fixture.startDispatch();
  const ended = fixture.changed((task) => task.id === away.id);
  await fixture.advance(19_000);
  assert.equal((await fixture.task(away.id)).state, PENDING);
  await fixture.advance(1_000);
  assert.equal((await ended).outcome?.kind.case, 'unreachable');
  assert.equal(fixture.dispatch.liveness('n2').state, NodeState.DISCONNECTED);
  const [late] = await fixture.launch(['n2'], FAIL);
  assert.equal((await fixture.task(late?.id ?? '')).state, ENDED);
});

test('launch() waits for a node that is about to come in, and sends its start once', async () => {
  await using fixture = await DispatchFixture.start('n1');
  const agent = fixture.connect('n1');
  const tasks = await fixture.record(['n1']);
  agent.hello();
  await fixture.dispatch.launch(tasks, 'ada', WAIT);
  const first = await agent.next('start');
  assert.equal(first.taskId, tasks[0]?.id);
  const usage = fixture.dispatch.usage('n1', never);
  const { commandId } = await agent.next('askUsage');
  assert.deepEqual(
    agent.frames.filter((frame) => frame.case === 'start'),
    [],
  );
  agent.send({ case: 'result', value: { commandId, usage: { userUs: 5n } } });
  assert.equal((await usage).userUs, 5n);
});

test('an event that comes twice, or late, changes nothing and is acknowledged', async () => {
  await using fixture = await DispatchFixture.start('n1');
  const agent = await fixture.join('n1');
  const [task] = await fixture.launch(['n1']);
  assert.ok(task);
  agent.event(1, task.id, { state: RUNNING, pid: 42 });
  await agent.next('ack');
  const { length } = fixture.changes;
  agent.event(1, task.id, { state: RUNNING, pid: 43 });
  agent.event(2, task.id, { state: STARTING });
  assert.equal((await agent.next('ack')).event, 2n);
  assert.equal(fixture.changes.length, length);
  assert.equal((await fixture.task(task.id)).attempts[0]?.pid, 42);
});

test('a node cannot change the task of another node, nor one that is not there', async () => {
  await using fixture = await DispatchFixture.start('n1', 'evil');
  await fixture.join('n1');
  const evil = await fixture.join('evil');
  const [task] = await fixture.launch(['n1']);
  assert.ok(task);
  evil.event(1, task.id, exited0);
  evil.event(2, 'nosuchtask', exited0);
  evil.event(3, '../../etc', exited0);
  let acknowledged = 0n;
  while (acknowledged < 3n) acknowledged = (await evil.next('ack')).event;
  assert.equal((await fixture.task(task.id)).state, PENDING);
  assert.deepEqual(fixture.changes, []);
});

test('after a lost link events go on from the last that is on disk', async () => {
  await using fixture = await DispatchFixture.start('n1');
  const first = await fixture.join('n1', { journalId: 'a' });
  const [task] = await fixture.launch(['n1']);
  assert.ok(task);
  first.event(1, task.id, { state: STARTING });
  first.event(2, task.id, { state: RUNNING });
  for (let event = 0n; event < 2n; ) event = (await first.next('ack')).event;
  await first[Symbol.asyncDispose]();

  const second = fixture.connect('n1');
  second.hello({ journalId: 'a', lastEvent: 4n, tasks: [task.id] });
  const welcome = await second.next('welcome');
  assert.equal(welcome.acknowledgedEvent, 2n);
  assert.equal(welcome.version, '1.2.3');
  assert.equal(welcome.clusterId, 'cluster');
  assert.equal(welcome.heartbeatIntervalMs, 5_000);
  second.event(3, task.id, exited0);
  await second.next('ack');
  assert.equal((await fixture.task(task.id)).state, ENDED);
  await second[Symbol.asyncDispose]();

  const lost = fixture.connect('n1');
  lost.hello({ journalId: 'b' });
  assert.equal((await lost.next('welcome')).acknowledgedEvent, 0n);
});

test('starts that a lost link took with it are sent again, those to fail only to a node that came back in time', async () => {
  await using fixture = await DispatchFixture.start('n1');
  await fixture.clock.advance(70_000);
  const first = await fixture.join('n1');
  const [held] = await fixture.launch(['n1'], FAIL);
  const [failing] = await fixture.launch(['n1'], FAIL);
  const [waiting] = await fixture.launch(['n1'], WAIT);
  assert.ok(held && failing && waiting);
  for (let i = 0; i < 3; i++) await first.next('start');
  await first[Symbol.asyncDispose]();
  const second = await fixture.join('n1', { tasks: [held.id] });
  const sent = [await second.next('start'), await second.next('start')].map((start) => start.taskId);
  assert.deepEqual(sent.sort(), [failing.id, waiting.id].sort());
  assert.equal((await fixture.task(held.id)).state, PENDING);
  await second[Symbol.asyncDispose]();
  await fixture.gone('n1');

  await fixture.advance(25_000);
  const third = await fixture.join('n1', { tasks: [held.id] });
  assert.equal((await third.next('start')).taskId, waiting.id);
  assert.equal((await fixture.task(failing.id)).outcome?.kind.case, 'unreachable');
  assert.equal((await fixture.task(held.id)).state, PENDING);
  assert.equal(third.frames.filter((frame) => frame.case === 'start').length, 0);
});

test('a restarted controller settles the starts of the one before it', async () => {
  await using fixture = await DispatchFixture.start('n1');
  await fixture.join('n1');
  const [old] = await fixture.launch(['n1'], FAIL);
  const [oldWaiting] = await fixture.launch(['n1'], WAIT);
  await fixture.stopDispatch();
  await fixture.clock.advance(orphanLaunchMaxMs);
  const [young] = await fixture.record(['n1'], FAIL);
  assert.ok(old && oldWaiting && young);
  await fixture.clock.advance(1_000);
  await fixture.startDispatch();
  const agent = await fixture.join('n1');
  const sent = [await agent.next('start'), await agent.next('start')].map((start) => start.taskId);
  assert.deepEqual(sent.sort(), [oldWaiting.id, young.id].sort());
  assert.equal((await fixture.task(old.id)).outcome?.kind.case, 'unreachable');
});

test('while the store fails agents are sent away unacknowledged, and nothing is lost', async () => {
  await using fixture = await DispatchFixture.start('n1');
  const agent = await fixture.join('n1');
  const [task] = await fixture.launch(['n1']);
  assert.ok(task);
  fixture.storeFails = true;
  agent.event(1, task.id, exited0);
  assert.equal((await agent.next('goodbye')).retryAfterMs, 5_000);
  const early = fixture.connect('n1');
  early.hello({ tasks: [task.id] });
  const goodbye = await early.next('goodbye');
  assert.deepEqual([goodbye.final, goodbye.retryAfterMs], [false, 5_000]);
  fixture.storeFails = false;
  const again = await fixture.join('n1', { tasks: [task.id] });
  again.event(1, task.id, exited0);
  await again.next('ack');
  assert.equal((await fixture.task(task.id)).state, ENDED);
});

test('an agent that sends events faster than they can be recorded is held back, and all are taken', async () => {
  await using fixture = await DispatchFixture.start('n1');
  const agent = await fixture.join('n1');
  const total = limits.ingestQueueMax + 2 * limits.ingestBatchMax;
  for (let sequence = 1; sequence <= total; sequence++) agent.event(sequence, 'nosuchtask', {});
  for (let event = 0n; event < total; ) event = (await agent.next('ack')).event;
});

test('a task that its agent has lost stays as it was, and says so', async () => {
  await using fixture = await DispatchFixture.start('n1');
  const first = await fixture.join('n1');
  const [task] = await fixture.launch(['n1']);
  assert.ok(task);
  first.event(1, task.id, { state: RUNNING });
  await first.next('ack');
  await first[Symbol.asyncDispose]();
  await fixture.join('n1');
  const lost = await fixture.task(task.id);
  assert.equal(lost.state, RUNNING);
  assert.equal(lost.reason, 'its agent has no record of it any more');
});

test('a newer session of the same node ends the older one', async () => {
  await using fixture = await DispatchFixture.start('n1');
  const first = await fixture.join('n1');
  const usage = fixture.dispatch.usage('n1', never);
  await first.next('askUsage');
  const refused = assert.rejects(usage, NodeRefusedError);
  const second = await fixture.join('n1');
  assert.equal((await first.next('goodbye')).reason, 'a newer session of this node replaces it');
  await Promise.all([first.closed, refused]);
  await fixture.launch(['n1']);
  await second.next('start');
});

test('a node that the store does not know with this key is sent away for good, and ends no other session', async () => {
  await using fixture = await DispatchFixture.start('n1');
  const good = await fixture.join('n1');
  const stranger = fixture.connect('n1', await fixture.authority.node('n1'));
  stranger.hello();
  const goodbye = await stranger.next('goodbye');
  assert.equal(goodbye.final, true);
  await stranger.closed;
  await fixture.launch(['n1']);
  await good.next('start');
});

test('signal(), stop() and usage() have one result each', async () => {
  await using fixture = await DispatchFixture.start('n1');
  const agent = await fixture.join('n1');
  const [task] = await fixture.launch(['n1']);
  assert.ok(task);
  const signal = fixture.dispatch.signal(task, 'SIGHUP', SignalScope.GROUP, never);
  const sent = await agent.next('signal');
  assert.deepEqual([sent.taskId, sent.signal, sent.scope], [task.id, 'SIGHUP', SignalScope.GROUP]);
  agent.send({ case: 'result', value: { commandId: sent.commandId, pid: 42 } });
  assert.equal(await signal, 42);

  const stop = fixture.dispatch.stop(task, 500, Cause.OPERATOR, never);
  const order = await agent.next('stop');
  assert.deepEqual([order.taskId, order.graceMs, order.cause], [task.id, 500n, Cause.OPERATOR]);
  agent.send({ case: 'result', value: { commandId: order.commandId, error: 'the policy forbids it' } });
  await assert.rejects(stop, { name: 'NodeRefusedError', message: 'the policy forbids it' });

  const abort = new AbortController();
  const usage = fixture.dispatch.usage('n1', abort.signal);
  const { commandId } = await agent.next('askUsage');
  abort.abort(new Error('enough'));
  await assert.rejects(usage, { message: 'enough' });
  agent.send({ case: 'result', value: { commandId } });
  await fixture.launch(['n1']);
  await agent.next('start');
  await assert.rejects(fixture.dispatch.usage('n2', never), { message: 'the node is not connected' });
});

test('a command rejects when its session ends before the answer', async () => {
  await using fixture = await DispatchFixture.start('n1');
  const agent = await fixture.join('n1');
  const usage = fixture.dispatch.usage('n1', never);
  await agent.next('askUsage');
  const refused = assert.rejects(usage, { name: 'NodeRefusedError', message: /ended before it answered/ });
  await agent[Symbol.asyncDispose]();
  await refused;
});

test('stop() ends a task that was certainly never sent, also after a restart', async () => {
  await using fixture = await DispatchFixture.start('n1', 'n2');
  const [task] = await fixture.launch(['n1'], WAIT);
  assert.ok(task);
  await fixture.stopDispatch();
  await fixture.startDispatch();
  await fixture.dispatch.stop(task, 0, Cause.OPERATOR, never);
  const stopped = await fixture.task(task.id);
  assert.equal(stopped.outcome?.kind.case, 'skipped');
  assert.equal(stopped.cause, Cause.OPERATOR);

  const agent = await fixture.join('n2');
  const [sent] = await fixture.launch(['n2'], WAIT);
  assert.ok(sent);
  await agent[Symbol.asyncDispose]();
  await disconnected(fixture, 'n2');
  await assert.rejects(fixture.dispatch.stop(sent, 0, Cause.OPERATOR, never), NodeRefusedError);
  assert.equal((await fixture.task(sent.id)).state, PENDING);
});

test('a silent agent is cut after 2.5 intervals, and becomes unreachable and lost', async () => {
  await using fixture = await DispatchFixture.start('n1');
  await fixture.clock.advance(70_000);
  const agent = await fixture.join('n1');
  const states: NodeState[] = [];
  fixture.dispatch.onNodeChange((_node, { state }) => void states.push(state));
  await fixture.advance(12_000);
  assert.equal(fixture.dispatch.liveness('n1').state, NodeState.CONNECTED);
  await fixture.advance(2_000);
  await agent.closed;
  await disconnected(fixture, 'n1');
  await fixture.advance(6_000);
  assert.equal(fixture.dispatch.liveness('n1').state, NodeState.UNREACHABLE);
  await fixture.advance(300_000);
  assert.deepEqual(states, [NodeState.DISCONNECTED, NodeState.UNREACHABLE, NodeState.LOST]);
});

test('heartbeats go out at the interval, answer the latest, and keep a session', async () => {
  await using fixture = await DispatchFixture.start('n1');
  const agent = await fixture.join('n1');
  for (let sequence = 1n; sequence <= 4n; sequence++) {
    await fixture.advance(5_000);
    const beat = await agent.next('heartbeat');
    assert.equal(beat.sequence, sequence);
    assert.equal(beat.answers, sequence - 1n);
    agent.send({ case: 'heartbeat', value: { sequence, answers: beat.sequence } });
    await roundTrip(fixture, agent, 'n1');
  }
});

test('a controller that stood still cuts no session and loses no node', async () => {
  await using fixture = await DispatchFixture.start('n1');
  await fixture.clock.advance(70_000);
  await fixture.join('n1');
  const { clock } = fixture;
  const monotonicMs = clock.monotonicMs.bind(clock);
  clock.monotonicMs = () => monotonicMs() + 600_000;
  await fixture.advance(2_000);
  assert.equal(fixture.dispatch.liveness('n1').state, NodeState.CONNECTED);
});

test('when a node was last heard of is written down', async () => {
  await using fixture = await DispatchFixture.start('n1');
  await fixture.clock.advance(5_000);
  const agent = await fixture.join('n1');
  await fixture.clock.advance(5_000);
  const atMs = fixture.clock.wallMs();
  agent.send({ case: 'heartbeat', value: { sequence: 1n } });
  await roundTrip(fixture, agent, 'n1');
  await fixture.stopDispatch();
  assert.equal((await fixture.store.read.findNode('n1'))?.seenAtMs, atMs);
});

test('a controller that stops says goodbye', async () => {
  await using fixture = await DispatchFixture.start('n1');
  const agent = await fixture.join('n1');
  await fixture.stopDispatch();
  const goodbye = await agent.next('goodbye');
  assert.equal(goodbye.reason, 'controller is stopping');
  assert.equal(goodbye.final, false);
  assert.equal(goodbye.retryAfterMs, 0);
});

/** Resolves when everything that the agent has sent so far was read. */
async function roundTrip(
  fixture: DispatchFixture,
  agent: Awaited<ReturnType<DispatchFixture['join']>>,
  node: NodeName,
): Promise<void> {
  const usage = fixture.dispatch.usage(node, never);
  const { commandId } = await agent.next('askUsage');
  agent.send({ case: 'result', value: { commandId, usage: {} } });
  await usage;
}

/** Resolves when the controller counts a node as disconnected. */
async function disconnected(fixture: DispatchFixture, node: NodeName): Promise<void> {
  while (fixture.dispatch.liveness(node).state === NodeState.CONNECTED) await fixture.clock.advance(500);
}
