import assert from 'node:assert/strict';
import { it } from 'node:test';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { TaskSpecSchema } from '#protocol/gen/drover/v1/task_pb.ts';
import { findLimitProblem } from './find-limit-problem.ts';
import { processResources } from './process-limits.ts';

type Spec = MessageInitShape<typeof TaskSpecSchema>;

const problem = (spec: Spec) => findLimitProblem(create(TaskSpecSchema, spec));

for (const spec of [
  {},
  { umask: 0, nice: -20 },
  { umask: 0o777, nice: 19 },
  { processLimits: Object.keys(processResources).map((resource) => ({ resource, soft: 1n, hard: 1n })) },
  { processLimits: [{ resource: 'core' }, { resource: 'nofile', soft: 0n }] },
  { limits: { cpuMillis: 10, memoryBytes: 1n << 20n, processes: 1 } },
  { limits: {} },
] satisfies Spec[]) {
  it(`findLimitProblem() finds nothing in ${show(spec)}`, () => assert.equal(problem(spec), undefined));
}

for (const [spec, message] of [
  [{ umask: 0o1000 }, 'umask 01000 is out of range: at most 0777'],
  [{ nice: 20 }, 'nice 20 is out of range: -20 to 19'],
  [{ nice: -21 }, 'nice -21 is out of range: -20 to 19'],
  [{ processLimits: [{ resource: 'NOFILE' }] }, 'there is no process limit "NOFILE"'],
  [{ processLimits: [{ resource: 'constructor' }] }, 'there is no process limit "constructor"'],
  [{ processLimits: [{ resource: 'as' }, { resource: 'as' }] }, 'the process limit as is given twice'],
  [
    { processLimits: [{ resource: 'nofile', soft: 2n, hard: 1n }] },
    'the process limit nofile is 2, above its hard limit 1',
  ],
  [
    { processLimits: [{ resource: 'nofile', hard: 1n }] },
    'the process limit nofile is 18446744073709551615, above its hard limit 1',
  ],
  [{ limits: { cpuMillis: 9 } }, 'a CPU limit of 0.009 is out of range: 0.01 to 8192 CPUs'],
  [{ limits: { cpuMillis: 8_192_001 } }, 'a CPU limit of 8192.001 is out of range: 0.01 to 8192 CPUs'],
  [
    { limits: { memoryBytes: 512n } },
    'a memory limit of 512 bytes is out of range: 1048576 (1 MiB) to 9007199254740991',
  ],
  [
    { limits: { memoryBytes: 2n ** 63n } },
    'a memory limit of 9223372036854775808 bytes is out of range: 1048576 (1 MiB) to 9007199254740991',
  ],
  [{ limits: { processes: 5_000_000 } }, 'a limit of 5000000 processes is out of range: at most 4194304'],
] satisfies [Spec, string][]) {
  it(`findLimitProblem() says of ${show(spec)}: ${message}`, () => assert.equal(problem(spec), message));
}

function show(spec: Spec): string {
  return JSON.stringify(spec, (_, value) => (typeof value === 'bigint' ? String(value) : value)).slice(0, 80);
}
