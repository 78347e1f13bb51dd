import assert from 'node:assert/strict';
import { it } from 'node:test';
import { clone, create, type MessageInitShape, toJson } from '@bufbuild/protobuf';
import { unlimited } from '#core/process-limits.ts';
import { LeftoverPolicy, RestartMode, StdinMode, TaskSpecSchema } from '#protocol/gen/drover/v1/task_pb.ts';
import { normalizeSpec } from './normalize-spec.ts';

type Spec = MessageInitShape<typeof TaskSpecSchema>;

const normalized = (spec: Spec) =>
  toJson(TaskSpecSchema, normalizeSpec(create(TaskSpecSchema, { argv: ['x'], ...spec })));
const plain = { argv: ['x'] };

for (const spec of [
  { umask: 0o22 },
  { limits: {} },
  { restart: { mode: RestartMode.NEVER } },
  { restart: {} },
  { leftovers: LeftoverPolicy.STOP },
  { stdin: StdinMode.NONE },
  { stopSignal: 'term', stopGraceMs: 10_000n },
] satisfies Spec[]) {
  it(`normalizeSpec() leaves the default out that ${Object.keys(spec)} is`, () => {
    assert.deepEqual(normalized(spec), plain);
  });
}

it('normalizeSpec() leaves out of a terminal what every terminal has', () => {
  const terminal = { rows: 24, columns: 80, term: 'xterm-256color', hangupAfterMs: 5n };
  const expected = { ...plain, terminal: { hangupAfterMs: '5' } };
  assert.deepEqual(normalized({ terminal, stdin: StdinMode.STREAM }), expected);
});

it('normalizeSpec() keeps everything else as it was asked for', () => {
  const spec = create(TaskSpecSchema, {
    argv: ['x', '-y'],
    cwd: '/',
    env: { A: 'b' },
    user: 'u',
    shell: true,
    timeoutMs: 5n,
    stopSignal: 'SIGINT',
    stopGraceMs: 1n,
    umask: 0,
    nice: 0,
    processLimits: [{ resource: 'core', soft: 0n, hard: 0n }],
    limits: { cpuMillis: 1500, memoryBytes: 1n << 30n, processes: 9 },
    restart: { mode: RestartMode.ALWAYS, max: 3, backoffMs: 5n, backoffMaxMs: 6n },
    leftovers: LeftoverPolicy.KEEP,
    stdin: StdinMode.STREAM,
  });
  const before = clone(TaskSpecSchema, spec);
  assert.deepEqual(toJson(TaskSpecSchema, normalizeSpec(spec)), toJson(TaskSpecSchema, before));
  assert.deepEqual(spec, before);
});

it('normalizeSpec() makes one of two ways to say the same', () => {
  const { ALWAYS } = RestartMode;
  for (const [one, other] of [
    [{ stopSignal: 'rtmin+3' }, { stopSignal: '37' }],
    [{ restart: { mode: ALWAYS, backoffMs: 1_000n, backoffMaxMs: 60_000n } }, { restart: { mode: ALWAYS } }],
    [
      { processLimits: [{ resource: 'nofile', soft: 1n }, { resource: 'as' }] },
      {
        processLimits: [
          { resource: 'as', soft: unlimited },
          { resource: 'nofile', soft: 1n, hard: unlimited },
        ],
      },
    ],
  ] satisfies [Spec, Spec][]) {
    assert.deepEqual(normalized(one), normalized(other));
  }
});
