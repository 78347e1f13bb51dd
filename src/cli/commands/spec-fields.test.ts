import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { LeftoverPolicy, RestartMode, StdinMode, TaskSpecSchema } from '#protocol/gen/drover/v1/task_pb.ts';
import { specFields } from './spec-fields.ts';

const { ON_FAILURE, ALWAYS } = RestartMode;

for (const [spec, name, value] of [
  [{ umask: 0o22 }, 'umask', '0022'],
  [{ nice: 0 }, 'nice', '0'],
  [
    { limits: { cpuMillis: 1500, memoryBytes: 1n << 29n, processes: 9 } },
    'limits of all of it',
    'cpu 1.5, memory 512 MiB, processes 9',
  ],
  [
    {
      processLimits: [
        { resource: 'nofile', soft: 4n, hard: 8n },
        { resource: 'core' },
        { resource: 'cpu', soft: 60n, hard: 60n },
        { resource: 'as', soft: 1n },
      ],
    },
    'limits of each process',
    'nofile 4:8, core unlimited, cpu-time 60, as 1:unlimited',
  ],
  [{ stdin: StdinMode.STREAM }, 'input', 'as it is sent'],
  [{ terminal: { rows: 50 } }, 'input', 'a terminal of 50 × 80'],
  [
    { terminal: { hangupAfterMs: 60_000n } },
    'input',
    'a terminal of 24 × 80, hung up when nobody is there for 1m00s',
  ],
  [{ pipes: {} }, 'output', 'as fast as it is read'],
  [{ timeoutMs: 90_000n }, 'time limit', '1m30s'],
  [{ restart: { mode: ALWAYS } }, 'restart', 'always, after 1.0s to 1m00s'],
  [
    { restart: { mode: ON_FAILURE, max: 3, backoffMs: 500n, backoffMaxMs: 9_000n } },
    'restart',
    'on-failure, at most 3 times, after 0.5s to 9.0s',
  ],
  [{ stopSignal: 'SIGINT' }, 'stop', 'SIGINT, SIGKILL after 10s'],
  [{ stopGraceMs: 500n }, 'stop', 'SIGTERM, SIGKILL after 0.5s'],
  [{ leftovers: LeftoverPolicy.KEEP }, 'leftovers', 'keep'],
] satisfies [MessageInitShape<typeof TaskSpecSchema>, string, string][]) {
  test(`specFields() shows ${name} as ${value}`, () => {
    const shown = specFields(create(TaskSpecSchema, { argv: ['x'], ...spec }));
    assert.deepEqual(
      shown.filter(([, text]) => text !== ''),
      [
        ['command', 'x'],
        [name, value],
      ],
    );
  });
}
