import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs, timestampMs } from '@bufbuild/protobuf/wkt';
import fc from 'fast-check';
import { describeOutcome } from '#core/outcome.ts';
import { attemptCanAdvance, stateWord } from '#core/task-state.ts';
import {
  AttemptSchema,
  Cause,
  LeftoverPolicy,
  SignalScope,
  TaskSpecSchema,
  TaskState,
} from '#protocol/gen/drover/v1/task_pb.ts';
import { type AttemptInput, type AttemptLife, advanceAttempt, newLife, resumeLife } from './attempt-life.ts';

const usage = {
  userUs: 1n,
  systemUs: 2n,
  maxRssBytes: 3n,
  minorFaults: 4n,
  majorFaults: 5n,
  blockInputs: 6n,
  blockOutputs: 7n,
  voluntarySwitches: 8n,
  involuntarySwitches: 9n,
};
const group = { memoryPeakBytes: 0n, cpuUs: 0n, oomKills: 0 };
const left = [{ pid: 9, command: 'sleep' }];
const started: AttemptInput = { kind: 'started', pid: 7, startTicks: 1n, wallMs: 1_000, monitorPid: 6 };
const empty: AttemptInput = { kind: 'empty', wallMs: 3_000, stdoutBytes: 5n, stderrBytes: 6n, group };
const lost: AttemptInput = {
  kind: 'lost',
  reason: 'monitor lost',
  wallMs: 1,
  stdoutBytes: 1n,
  stderrBytes: 2n,
};
const chdir: AttemptInput = {
  kind: 'notStarted',
  step: 'chdir',
  errno: 2,
  reason: 'chdir /nope: no such file',
};
const timeout: AttemptInput = { kind: 'timeout' };
const killDue: AttemptInput = { kind: 'killDue' };

function exited(status: number, leftovers: readonly { pid: number; command: string }[] = []): AttemptInput {
  return { kind: 'exited', status, usage, wallMs: 2_000, stdoutBytes: 1n, stderrBytes: 1n, leftovers, group };
}

const diskFull: AttemptInput = { kind: 'logDiskFull' };

function stop(graceMs = 4_000, cause: Cause = Cause.OPERATOR): AttemptInput {
  return { kind: 'stop', cause, graceMs };
}

function signalled(signal: string): AttemptInput {
  return { kind: 'signalled', signal };
}

type SpecInit = Omit<MessageInitShape<typeof TaskSpecSchema>, '$typeName'>;

function fresh(more: SpecInit = {}): AttemptLife {
  const attempt = create(AttemptSchema, { number: 1, state: TaskState.STARTING });
  return newLife(attempt, create(TaskSpecSchema, { timeoutMs: 60_000n, stopSignal: 'SIGINT', ...more }));
}

const scopeWords: Readonly<Record<number, string>> = {
  [SignalScope.GROUP]: 'GROUP',
  [SignalScope.TREE]: 'TREE',
};

/** Runs inputs one second apart and writes down what follows from each. */
function live(inputs: readonly AttemptInput[], spec: SpecInit = {}): { life: AttemptLife; trace: string[] } {
  let life = fresh(spec);
  const trace: string[] = [];
  for (const [i, input] of inputs.entries()) {
    const nowMs = 1_000 * (i + 1);
    const advanced = advanceAttempt(life, input, { wallMs: nowMs, monotonicMs: nowMs });
    life = advanced.life;
    for (const step of advanced.steps) {
      switch (step.step) {
        case 'report':
          trace.push(stateWord(life.attempt.state));
          break;
        case 'signal':
          trace.push(`${step.signal} ${scopeWords[step.scope]}`);
          break;
        case 'arm':
          trace.push(`${step.timer} ${step.delayMs}`);
          break;
        case 'release':
          trace.push(step.kept ? 'release, kept' : 'release');
      }
    }
  }
  return { life, trace };
}

const { ITSELF, OPERATOR, TIMEOUT, SHUTDOWN } = Cause;

const lives = [
  {
    name: 'runs and exits',
    inputs: [started, exited(0x0700), empty],
    trace: ['running', 'timeout 60000', 'ended', 'release'],
    end: ['exit 7', ITSELF],
  },
  {
    name: 'is not started',
    inputs: [chdir],
    trace: ['ended', 'release'],
    end: ['not started: chdir /nope: no such file', ITSELF],
  },
  {
    name: 'dumps core',
    inputs: [started, exited(0x8b), empty],
    trace: ['running', 'timeout 60000', 'ended', 'release'],
    end: ['SIGSEGV, core dumped', ITSELF],
  },
  {
    name: 'leaves processes that go',
    inputs: [started, exited(0, left), empty],
    trace: ['running', 'timeout 60000', 'stopping', 'SIGINT TREE', 'killDue 10000', 'ended', 'release'],
    end: ['exit 0', ITSELF],
  },
  {
    name: 'is stopped',
    inputs: [started, stop(), exited(2), empty],
    trace: ['running', 'timeout 60000', 'stopping', 'SIGINT GROUP', 'killDue 4000', 'ended', 'release'],
    end: ['SIGINT', OPERATOR],
  },
  {
    name: 'is stopped twice: the shorter grace, the first cause',
    inputs: [started, stop(9_000, SHUTDOWN), stop(1_000), stop(5_000), exited(2), empty],
    trace: [
      ...['running', 'timeout 60000', 'stopping', 'SIGINT GROUP', 'killDue 9000'],
      ...['stopping', 'killDue 1000', 'stopping', 'killDue 0', 'ended', 'release'],
    ],
    end: ['SIGINT', SHUTDOWN],
  },
  {
    name: 'is stopped before it has started',
    inputs: [stop(), started, exited(2), empty],
    trace: ['stopping', 'stopping', 'SIGINT GROUP', 'killDue 3000', 'ended', 'release'],
    end: ['SIGINT', OPERATOR],
  },
  {
    name: 'survives the grace',
    inputs: [started, stop(1_000), killDue, killDue, exited(9), empty],
    trace: [
      ...['running', 'timeout 60000', 'stopping', 'SIGINT GROUP', 'killDue 1000'],
      ...['stopping', 'SIGKILL TREE', 'killDue 2000', 'SIGKILL TREE', 'killDue 2000', 'ended', 'release'],
    ],
    end: ['SIGKILL', OPERATOR],
  },
  {
    name: 'has a kill that comes too early',
    inputs: [started, stop(4_000), killDue, exited(0), empty],
    trace: [
      ...['running', 'timeout 60000', 'stopping', 'SIGINT GROUP', 'killDue 4000', 'killDue 3000'],
      ...['ended', 'release'],
    ],
    end: ['exit 0', OPERATOR],
  },
  {
    name: 'takes too long',
    inputs: [started, timeout, timeout, exited(2), empty],
    trace: ['running', 'timeout 60000', 'stopping', 'SIGINT GROUP', 'killDue 10000', 'ended', 'release'],
    end: ['SIGINT', TIMEOUT],
  },
  {
    name: 'is stopped while others of its processes are left: that is not the cause',
    inputs: [started, exited(0, left), stop(1_000), empty],
    trace: [
      ...['running', 'timeout 60000', 'stopping', 'SIGINT TREE', 'killDue 10000'],
      ...['stopping', 'SIGINT TREE', 'killDue 1000', 'ended', 'release'],
    ],
    end: ['exit 0', ITSELF],
  },
  {
    name: 'is killed by an operator',
    inputs: [started, signalled('SIGKILL'), exited(9), empty],
    trace: ['running', 'timeout 60000', 'ended', 'release'],
    end: ['SIGKILL', OPERATOR],
  },
  {
    name: 'exits in order when asked by an operator',
    inputs: [started, signalled('SIGTERM'), exited(0), empty],
    trace: ['running', 'timeout 60000', 'ended', 'release'],
    end: ['exit 0', OPERATOR],
  },
  {
    name: 'was only nudged by an operator',
    inputs: [started, signalled('SIGHUP'), exited(0), empty],
    trace: ['running', 'timeout 60000', 'ended', 'release'],
    end: ['exit 0', ITSELF],
  },
  {
    name: 'is lost',
    inputs: [started, lost],
    trace: ['running', 'timeout 60000', 'ended', 'release'],
    end: ['unknown: monitor lost', ITSELF],
  },
  {
    name: 'is lost by a reboot',
    inputs: [{ ...lost, reason: 'reboot' }],
    trace: ['ended', 'release'],
    end: ['unknown: reboot', Cause.REBOOT],
  },
  {
    name: 'is lost after its leader ended',
    inputs: [started, exited(0x0100, left), lost],
    trace: ['running', 'timeout 60000', 'stopping', 'SIGINT TREE', 'killDue 10000', 'ended', 'release'],
    end: ['exit 1', ITSELF],
  },
  {
    name: 'is told everything twice',
    inputs: [started, started, exited(0), exited(9), started, empty, empty, lost, chdir, stop(), killDue],
    trace: ['running', 'timeout 60000', 'ended', 'release'],
    end: ['exit 0', ITSELF],
  },
] as const;

for (const { name, inputs, trace, end } of lives) {
  test(`advanceAttempt() of one that ${name}`, () => {
    const { life, trace: found } = live(inputs);
    assert.deepEqual(found, trace);
    const { outcome, cause } = life.attempt;
    assert.deepEqual([outcome && describeOutcome(outcome), cause], end);
  });
}

const keep: SpecInit = { leftovers: LeftoverPolicy.KEEP };

test('advanceAttempt() ends with the leader where leftovers are kept, and lists them', () => {
  const { life, trace } = live([started, exited(0, [...left, { pid: 10, command: 'sh' }])], keep);
  assert.deepEqual(trace, ['running', 'timeout 60000', 'ended', 'release, kept']);
  const { reason, leftovers, endedAt } = life.attempt;
  assert.deepEqual([reason, leftovers.length], ['2 of its processes were left running', 2]);
  assert.equal(endedAt && timestampMs(endedAt), 2_000);
  assert.deepEqual(live([started, exited(0), empty], keep).trace.at(-1), 'release');
});

test('advanceAttempt() keeps no leftovers of what is being stopped', () => {
  for (const order of [stop(), timeout]) {
    const { trace } = live([started, order, exited(0, left), empty], keep);
    assert.deepEqual(trace.slice(-5, -3), ['stopping', 'SIGINT TREE']);
    assert.equal(trace.at(-1), 'release');
  }
});

function killSent(...pids: number[]): AttemptInput {
  return { kind: 'killSent', processes: pids.map((pid) => ({ pid, command: 'cp', state: 'D' })) };
}

test('advanceAttempt() says what survives SIGKILL, once, and when it is gone', () => {
  const killed = [started, stop(1_000), killDue];
  const { life, trace } = live([...killed, killDue, killSent(4711), killDue, killSent(4711)]);
  assert.equal(trace.filter((word) => word === 'stopping').length, 3);
  const { reason, survivors } = life.attempt;
  assert.equal(reason, 'SIGKILL was sent 2 s ago, still there: cp 4711 (D: waits in the kernel)');
  assert.deepEqual(
    survivors.map(({ pid, state }) => [pid, state]),
    [[4711, 'D']],
  );
  const fewer = live([...killed, killDue, killSent(4711), killDue, killSent()]).life.attempt;
  assert.deepEqual([fewer.reason, fewer.survivors], ['SIGKILL sent to all of it', []]);
  const gone = live([...killed, killDue, killSent(4711), exited(9), empty]).life.attempt;
  assert.deepEqual([gone.state, gone.survivors, gone.reason], [TaskState.ENDED, [], '']);
});

test('advanceAttempt() takes nothing for a survivor that had no time to die', () => {
  const sent = { wallMs: 5_000, monotonicMs: 5_000 };
  const { life } = live([started, stop(1_000)]);
  const killed = advanceAttempt(life, killDue, sent).life;
  assert.deepEqual(advanceAttempt(killed, killSent(1, 2), { ...sent, monotonicMs: 5_900 }).steps, []);
  assert.deepEqual(advanceAttempt(life, killSent(1, 2), sent).steps, []);
});

test('advanceAttempt() keeps what the cgroup counted, and says which limit ended it', () => {
  const group = { memoryPeakBytes: 5n << 20n, cpuUs: 7n, oomKills: 1 };
  const { life } = live([
    started,
    { ...exited(9), group } as AttemptInput,
    { ...empty, group: { ...group, cpuUs: 9n } },
  ]);
  const { cause, reason, groupUsage } = life.attempt;
  assert.equal(cause, Cause.LIMIT);
  assert.equal(reason, 'for want of memory the kernel killed one of its processes');
  assert.deepEqual([groupUsage?.cpuUs, groupUsage?.oomKills], [9n, 1]);
  assert.equal(live([started, exited(9), empty]).life.attempt.groupUsage, undefined);
});

test('advanceAttempt() only advances, and ends once', () => {
  const input = fc.constantFrom<AttemptInput>(
    ...[started, exited(0), exited(9, left), empty, lost, chdir, timeout, killDue],
    ...[
      stop(),
      stop(0, SHUTDOWN),
      signalled('SIGTERM'),
      signalled('SIGUSR1'),
      killSent(3),
      killSent(),
      diskFull,
    ],
  );
  fc.assert(
    fc.property(fc.array(input, { maxLength: 30 }), fc.constantFrom({}, keep), (inputs, spec) => {
      let life = fresh(spec);
      let ends = 0;
      for (const [i, each] of inputs.entries()) {
        const before = life.attempt;
        const { life: after, steps } = advanceAttempt(life, each, { wallMs: i * 700, monotonicMs: i * 700 });
        life = after;
        const { state, outcome } = life.attempt;
        assert.ok(state === before.state || attemptCanAdvance(before.state, state));
        if (before.outcome) assert.deepEqual(outcome, before.outcome);
        if (before.state === TaskState.ENDED) assert.deepEqual(steps, []);
        if (steps.some(({ step }) => step === 'release')) ends++;
        assert.equal(state === TaskState.ENDED, ends === 1);
        assert.equal(outcome !== undefined, life.attempt.cause !== Cause.UNSPECIFIED);
        if (ends === 1) assert.ok(outcome && life.attempt.survivors.length === 0);
        if (state === TaskState.STOPPING) assert.notEqual(life.attempt.reason, '');
      }
    }),
  );
});

test('advanceAttempt() keeps when the disk of its output was first full while it ran', () => {
  const at = (wallMs: number) => ({ wallMs, monotonicMs: wallMs });
  let { life } = advanceAttempt(fresh(), diskFull, at(1_000));
  assert.equal(life.attempt.logDiskFullAt, undefined);
  life = advanceAttempt(life, started, at(2_000)).life;
  const first = advanceAttempt(life, diskFull, at(3_000));
  assert.deepEqual(first.steps, [{ step: 'report' }]);
  assert.deepEqual(first.life.attempt.logDiskFullAt, timestampFromMs(3_000));
  assert.deepEqual(advanceAttempt(first.life, diskFull, at(4_000)), { life: first.life, steps: [] });
});

test('resumeLife() arms what is left of the time limit and of the grace', () => {
  const { life } = live([started, stop(4_000)]);
  assert.deepEqual(resumeLife(life, { wallMs: 31_000, monotonicMs: 5_000 }), [
    { step: 'arm', timer: 'killDue', delayMs: 1_000 },
    { step: 'arm', timer: 'timeout', delayMs: 30_000 },
  ]);
});
