import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { TaskSpecSchema } from '#protocol/gen/drover/v1/task_pb.ts';
import { describeFailure } from './describe-failure.ts';

const spec = create(TaskSpecSchema, {
  nice: -5,
  processLimits: [{ resource: 'nofile' }, { resource: 'core' }],
  limits: { cpuMillis: 1_500, memoryBytes: 512n << 20n, processes: 50 },
});
const names = { cwd: '/nope', binary: '/bin/x', spec };

for (const [step, errno, line] of [
  ['chdir', 2, 'chdir /nope: no such file or directory'],
  ['execve', 13, 'execve /bin/x: permission denied'],
  ['fork', 11, 'fork: resource temporarily unavailable'],
  ['fork', 4000, 'fork: errno 4000'],
  ['constructor', 1, 'constructor: operation not permitted'],
  ['nice', 13, 'nice -5: permission denied'],
  ['rlimit', 1, 'process limits (nofile, core): operation not permitted'],
  ['cgroup-cpu', 95, 'limit of 1.5 CPUs: no cgroup of this node can hold it'],
  ['cgroup-memory', 13, 'limit of 512 MiB of memory: no writable cgroup on this node'],
  ['cgroup-processes', 30, 'limit of 50 processes: no writable cgroup on this node'],
  ['cgroup-processes', 28, 'limit of 50 processes: no space left on device'],
] as const) {
  test(`describeFailure() of ${step} ${errno}`, () =>
    assert.equal(describeFailure(step, errno, names), line));
}
