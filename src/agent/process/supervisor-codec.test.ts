import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { installationRoot } from '#base/installation.ts';
import { encodeMessage, SupervisorDecoder, type SupervisorMessage } from './supervisor-codec.ts';
import { supervisorFrameBytesMax } from './supervisor-messages.ts';
import { WireError } from './wire-fields.ts';

const vectorsPath = join(installationRoot, 'native', 'supervisor', 'test', 'vectors.txt');
const vectors = readFileSync(vectorsPath, 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => line.split(' '))
  .map(([name = '', hex = '']) => ({ name, bytes: Buffer.from(hex, 'hex') }));

function decodeOne(bytes: Buffer): SupervisorMessage {
  const messages = new SupervisorDecoder().push(bytes);
  assert.equal(messages.length, 1);
  return messages[0] as SupervisorMessage;
}

function encodeAgain({ name, tag, body }: SupervisorMessage): Buffer {
  return encodeMessage(name, tag, body as never);
}

test('supervisor codec agrees with every vector of the supervisor, both ways', () => {
  assert.ok(existsSync(vectorsPath) && vectors.length >= 20, `only ${vectors.length} vectors`);
  for (const { name, bytes } of vectors) {
    assert.equal(encodeAgain(decodeOne(bytes)).toString('hex'), bytes.toString('hex'), name);
  }
});

test('encodeMessage() writes the values where the vectors have them', () => {
  const start = vectors.find((vector) => vector.name === 'start');
  const usage = { userUs: 1_000_001n, systemUs: 2_000_002n, maxRssBytes: 3_145_728n, minorFaults: 4n };
  const rest = { majorFaults: 5n, blockInputs: 6n, blockOutputs: 7n, voluntarySwitches: 8n };
  assert.deepEqual(decodeOne(start?.bytes ?? Buffer.alloc(0)), {
    name: 'start',
    tag: 2,
    body: {
      id: 'run-7.web_1',
      flags: 47,
      uid: 1000,
      gid: 1001,
      groups: [1001, 27],
      umask: 0o22,
      nice: -5,
      oomScoreAdj: 500,
      rlimits: [{ resource: 7, soft: 1024n, hard: 1_099_511_627_776n }],
      cpuMillis: 1500,
      memoryBytes: 268_435_456n,
      processes: 64,
      rows: 24,
      columns: 80,
      cwd: '/srv/app',
      stdin: '',
      stdout: '/var/log/o',
      stderr: '/var/log/e',
      path: '/bin/echo',
      argv: ['echo', 'héllo'],
      env: ['PATH=/bin', 'EMPTY='],
    },
  });
  const group = { memoryPeakBytes: 1_073_741_824n, cpuUs: 3_000_003n, oomKills: 2 };
  const ended = vectors.find((vector) => vector.name === 'status-ended');
  assert.deepEqual(decodeOne(ended?.bytes ?? Buffer.alloc(0)).body, {
    id: 'run-7.web_1',
    started: { pid: 4242, startTicks: 123_456_789n, wallMs: 1_790_000_000_123, monitorPid: 4241 },
    exited: {
      status: 0x0300,
      usage: { ...usage, ...rest, involuntarySwitches: 9n },
      wallMs: 1_790_000_001_456,
      stdoutBytes: 10n,
      stderrBytes: 5_000_000_000n,
      leftovers: [],
      group,
    },
    empty: { wallMs: 1_790_000_002_789, stdoutBytes: 11n, stderrBytes: 5_000_000_001n, group },
  });
});

test('SupervisorDecoder.push() takes any cut of the stream', () => {
  const stream = Buffer.concat(vectors.map((vector) => vector.bytes));
  fc.assert(
    fc.property(fc.array(fc.nat(stream.length), { maxLength: 40 }), (cuts) => {
      const decoder = new SupervisorDecoder();
      const edges = [0, ...cuts.sort((a, b) => a - b), stream.length];
      const names = edges
        .slice(1)
        .flatMap((edge, i) => decoder.push(stream.subarray(edges[i], edge)))
        .map((message) => message.tag);
      assert.equal(names.length, vectors.length);
    }),
  );
});

test('SupervisorDecoder.push() refuses a frame whose body is shorter or longer than its message', () => {
  for (const { name, bytes } of vectors) {
    for (let cut = 9; cut < bytes.length; cut++) {
      const short = Buffer.from(bytes.subarray(0, cut));
      short.writeUInt32LE(cut - 4);
      assert.throws(() => new SupervisorDecoder().push(short), WireError, `${name} cut at ${cut}`);
    }
    const long = Buffer.concat([bytes, Buffer.alloc(1)]);
    long.writeUInt32LE(long.length - 4);
    assert.throws(() => new SupervisorDecoder().push(long), WireError, `${name} with a byte too many`);
  }
});

test('SupervisorDecoder.push() answers garbage with WireError only', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        new SupervisorDecoder().push(Buffer.from(bytes));
      } catch (error) {
        assert.ok(error instanceof WireError);
      }
    }),
  );
});

test('SupervisorDecoder.push() refuses an oversized frame before its bytes came', () => {
  const head = Buffer.alloc(4);
  head.writeUInt32LE(supervisorFrameBytesMax + 1);
  assert.throws(() => new SupervisorDecoder().push(head), WireError);
});

test('encodeMessage() refuses NUL, long lists and oversized frames', () => {
  assert.throws(() => encodeMessage('ack', 1, { id: 'a\0b' }), WireError);
  assert.throws(() => encodeMessage('ack', 1, { id: 'a'.repeat(supervisorFrameBytesMax) }), WireError);
});
