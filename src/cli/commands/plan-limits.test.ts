import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '#base/command-line.ts';
import { processResources } from '#core/process-limits.ts';
import { planLimits, processLimitNames } from './plan-limits.ts';

for (const [values, expected] of [
  [[], {}],
  [['cpu=1.5'], { limits: { cpuMillis: 1500 } }],
  [
    ['cpu=0.01,memory=512m', 'processes=100'],
    { limits: { cpuMillis: 10, memoryBytes: 2n ** 29n, processes: 100 } },
  ],
  [['nofile=4096'], { processLimits: [{ resource: 'nofile', soft: 4096n, hard: 4096n }] }],
  [['nofile=4096:8192'], { processLimits: [{ resource: 'nofile', soft: 4096n, hard: 8192n }] }],
  [['nofile=4096:unlimited'], { processLimits: [{ resource: 'nofile', soft: 4096n }] }],
  [['core=unlimited'], { processLimits: [{ resource: 'core' }] }],
  [
    ['core=0', 'stack=8m'],
    {
      processLimits: [
        { resource: 'core', soft: 0n, hard: 0n },
        { resource: 'stack', soft: 2n ** 23n, hard: 2n ** 23n },
      ],
    },
  ],
  [
    ['cpu-time=60,cpu=2'],
    { limits: { cpuMillis: 2000 }, processLimits: [{ resource: 'cpu', soft: 60n, hard: 60n }] },
  ],
] as const) {
  test(`planLimits() of ${values.join(' ') || 'nothing'}`, () =>
    assert.deepEqual(planLimits(values), expected));
}

test('planLimits() knows every limit of a process', () => {
  const resources = processLimitNames.flatMap((name) => planLimits([`${name}=1`]).processLimits ?? []);
  assert.deepEqual(resources.map(({ resource }) => resource).sort(), Object.keys(processResources).sort());
});

for (const [values, message] of [
  [['memory=512q'], '--limit memory=512q: not a size: give bytes, or 512m, 2g'],
  [['memory=unlimited'], '--limit memory=unlimited: not a size: give bytes, or 512m, 2g'],
  [['memory=0'], '--limit memory=0: not a size: give bytes, or 512m, 2g'],
  [['cpu=2,memory'], '--limit memory: memory needs a value after ='],
  [['cpu=1500m'], '--limit cpu=1500m: not a number of CPUs: give one such as 2, 0.5 or 1.25'],
  [['cpu=0'], '--limit cpu=0: not a number of CPUs: give one such as 2, 0.5 or 1.25'],
  [['processes=many'], '--limit processes=many: not a number of processes: give one such as 100'],
  [['nofiles=1'], '--limit nofiles=1: there is no limit "nofiles": did you mean nofile?'],
  [['nofile=1k'], '--limit nofile=1k: not a number: give one such as 4096, or unlimited'],
  [['core=big'], '--limit core=big: not a size: give bytes, or 512m, 2g, or unlimited'],
  [['nofile=2:1'], '--limit nofile=2:1: the soft limit is above the hard one: 2 is more than 1'],
  [
    ['nofile=unlimited:1'],
    '--limit nofile=unlimited:1: the soft limit is above the hard one: unlimited is more than 1',
  ],
  [['nofile=1:2:3'], '--limit nofile=1:2:3: more than SOFT:HARD'],
  [['nofile=:2'], '--limit nofile=:2: not a number: give one such as 4096, or unlimited'],
  [['cpu=1', 'cpu=2'], '--limit cpu=2: cpu is given twice'],
  [
    ['speed=9'],
    '--limit speed=9: there is no limit "speed": cpu, memory, processes, nofile, nproc, core, cpu-time, as, data, stack, fsize, memlock, rss, locks, sigpending, msgqueue, nice, rtprio, rttime',
  ],
] as const) {
  test(`planLimits() refuses ${values.join(' ')}`, () => {
    assert.throws(() => planLimits(values), new UsageError(message));
  });
}
