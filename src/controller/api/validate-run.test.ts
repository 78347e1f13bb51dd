import assert from 'node:assert/strict';
import { it } from 'node:test';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  type CreateRunRequest,
  CreateRunRequestSchema,
  WhenUnreachable,
} from '#protocol/gen/drover/v1/api_pb.ts';
import {
  type LeftoverPolicy,
  PacingSchema,
  PipeSpecSchema,
  RestartMode,
  RestartPolicySchema,
  StdinMode,
  type TaskSpec,
  TerminalSpecSchema,
} from '#protocol/gen/drover/v1/task_pb.ts';
import { findRunProblem } from './validate-run.ts';

const id = '01979c5e-7d0c-7000-8000-000000000001';

function problem(change: Partial<CreateRunRequest>, spec: Partial<TaskSpec> = {}): string | undefined {
  const asked = create(CreateRunRequestSchema, { id, nodes: 'web1', spec: { argv: ['true'] } });
  Object.assign(asked.spec ?? {}, spec);
  return findRunProblem(Object.assign(asked, change));
}

it('findRunProblem() finds nothing in what can be launched', () => {
  assert.equal(problem({}), undefined);
  assert.equal(problem({ name: 'x'.repeat(128), whenUnreachable: 2 }), undefined);
  assert.equal(problem({ nodes: '', selector: 'role=web' }), undefined);
  const argv = ['/bin/echo', '', 'ünï', '$HOME', '-- --', 'a\nb'];
  const env = { A: '', _b1: 'x=y\nz' };
  const spec = { argv, env, cwd: '/', user: 'nobody', stopSignal: 'int', timeoutMs: 1n, stopGraceMs: 5n };
  assert.equal(problem({}, spec), undefined);
  assert.equal(problem({}, { argv: ['x', 'y'.repeat((128 << 10) - 3)] }), undefined);
  assert.equal(
    problem({}, { terminal: terminal({ rows: 65_535, term: 'screen.xterm-256color' }) }),
    undefined,
  );
});

const terminal = (init: MessageInitShape<typeof TerminalSpecSchema>) => create(TerminalSpecSchema, init);
const always = create(RestartPolicySchema, { mode: RestartMode.ALWAYS });

const refused: readonly (readonly [string, string | undefined])[] = [
  ['run id "x" is no UUIDv7 in lower case', problem({ id: 'x' })],
  [
    'run id "01979C5E-7D0C-7000-8000-000000000001" is no UUIDv7 in lower case',
    problem({ id: id.toUpperCase() }),
  ],
  [
    'run id "01979c5e-7d0c-4000-8000-000000000001" is no UUIDv7 in lower case',
    problem({ id: id.replace('-7000', '-4000') }),
  ],
  ["the run's name has 129 characters, at most 128 are taken", problem({ name: 'x'.repeat(129) })],
  ["the run's name has a control character", problem({ name: 'a\u001b[31m' })],
  ['no nodes are named: an empty target never means all', problem({ nodes: '' })],
  ['when_unreachable is 9, which is none of its values', problem({ whenUnreachable: 9 as WhenUnreachable })],
  ['there is no spec: nothing to launch', findRunProblem(create(CreateRunRequestSchema, { id, nodes: 'a' }))],
  ['the command is empty', problem({}, { argv: [] })],
  ['the command is empty', problem({}, { argv: ['', 'x'] })],
  ['the command has 4097 arguments, at most 4096 are taken', problem({}, { argv: Array(4097).fill('x') })],
  [
    'the command has 131073 bytes, at most 131072 are taken',
    problem({}, { argv: ['x', 'y'.repeat((128 << 10) - 2)] }),
  ],
  ['an argument of the command has a NUL', problem({}, { argv: ['a', 'b\0c'] })],
  ['"A B" cannot be the name of a variable', problem({}, { env: { 'A B': '' } })],
  ['"" cannot be the name of a variable', problem({}, { env: { '': '' } })],
  ['"1A" cannot be the name of a variable', problem({}, { env: { '1A': '' } })],
  ['the value of A has a NUL', problem({}, { env: { A: '\0' } })],
  [
    'the environment has 131073 bytes, at most 131072 are taken',
    problem({}, { env: { A: 'x'.repeat((128 << 10) - 2) } }),
  ],
  [
    'the environment has 1025 variables, at most 1024 are taken',
    problem({}, { env: Object.fromEntries(Array.from({ length: 1025 }, (_, i) => [`A${i}`, ''])) }),
  ],
  ['working directory "tmp" is not absolute', problem({}, { cwd: 'tmp' })],
  ['the working directory has a NUL', problem({}, { cwd: '/a\0' })],
  ['the working directory is longer than a path can be', problem({}, { cwd: `/${'x'.repeat(4095)}` })],
  ['"a:b" cannot be the name of a user', problem({}, { user: 'a:b' })],
  ['"a b" cannot be the name of a user', problem({}, { user: 'a b' })],
  ['there is no signal "NOPE"', problem({}, { stopSignal: 'NOPE' })],
  ['a time limit of 9007199254740992 ms is out of range', problem({}, { timeoutMs: 2n ** 53n })],
  ['umask 01000 is out of range: at most 0777', problem({}, { umask: 0o1000 })],
  ['leftovers is 9, which is none of its values', problem({}, { leftovers: 9 as LeftoverPolicy })],
  [
    'input goes to all tasks alike, so they must run at once: a pace cannot be kept with it',
    problem({ pacing: create(PacingSchema, { maxConcurrency: 1 }) }, { stdin: StdinMode.STREAM }),
  ],
  [
    'input goes to all tasks alike, so they must run at once: a node that is away cannot be waited for with it',
    problem({ whenUnreachable: WhenUnreachable.WAIT }, { stdin: StdinMode.STREAM }),
  ],
  ['stdin is 9, which is none of its values', problem({}, { stdin: 9 as StdinMode })],
  [
    'no terminal has 65536 rows of 80 columns',
    problem({}, { terminal: terminal({ rows: 65_536, columns: 80 }) }),
  ],
  ['"a b" cannot be the name of a terminal', problem({}, { terminal: terminal({ term: 'a b' }) })],
  [
    'the output of a task goes to a terminal or through pipes, not both',
    problem({}, { terminal: terminal({}), pipes: create(PipeSpecSchema) }),
  ],
  [
    'hanging up after 9007199254740992 ms is out of range',
    problem({}, { terminal: terminal({ hangupAfterMs: 2n ** 53n }) }),
  ],
  [
    'a task that is given input or waits for its reader cannot be restarted: one attempt has them, and is gone then',
    problem({}, { stdin: StdinMode.STREAM, restart: always }),
  ],
  [
    'a task that is given input or waits for its reader cannot be restarted: one attempt has them, and is gone then',
    problem({}, { terminal: terminal({}), restart: always }),
  ],
  ['a stop grace of 9007199254740992 ms is out of range', problem({}, { stopGraceMs: 2n ** 53n })],
];

for (const [expected, found] of refused) {
  it(`findRunProblem() says: ${expected.slice(0, 60)}`, () => assert.equal(found, expected));
}
