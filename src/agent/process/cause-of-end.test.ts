import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { causeWord, exited, signaled } from '#core/outcome.ts';
import {
  Cause,
  GroupUsageSchema,
  ProcessLimitSchema,
  ResourceUsageSchema,
} from '#protocol/gen/drover/v1/task_pb.ts';
import { causeOfEnd, type EndFacts, limitReached } from './cause-of-end.ts';

type Limit = Omit<MessageInitShape<typeof ProcessLimitSchema>, '$typeName'>;

function facts(more: Partial<EndFacts>): EndFacts {
  const nothing = {
    usage: undefined,
    group: undefined,
    processLimits: [],
    signals: [],
    stopCause: undefined,
    hungUp: false,
  };
  return { outcome: exited(0), ...nothing, ...more };
}

function limit(init: Limit): Pick<EndFacts, 'processLimits'> {
  return { processLimits: [create(ProcessLimitSchema, init)] };
}

function used(seconds: number): Pick<EndFacts, 'usage'> {
  const userUs = BigInt(seconds * 1e6 - 1_000);
  return { usage: create(ResourceUsageSchema, { userUs, systemUs: 1_000n }) };
}

const oom = { group: create(GroupUsageSchema, { oomKills: 2 }) };
const killed = signaled('SIGKILL', false);
const cpu = limit({ resource: 'cpu', soft: 3n, hard: 3n });

const rows: readonly (readonly [string, Partial<EndFacts>, string, string?])[] = [
  ['an exit', {}, 'itself'],
  ['a crash', { outcome: signaled('SIGSEGV', true) }, 'itself'],
  ['a stop, whatever else there was', { ...oom, outcome: killed, stopCause: Cause.TIMEOUT }, 'timeout'],
  ["an operator's kill", { outcome: killed, signals: ['SIGKILL'] }, 'operator'],
  [
    "an operator's kill, of one that was near its limits",
    { ...oom, outcome: killed, signals: ['SIGKILL'] },
    'operator',
  ],
  ['an exit after an operator asked for it', { signals: ['SIGTERM'] }, 'operator'],
  ['an exit after a signal that asks for nothing', { signals: ['SIGUSR1'] }, 'itself'],
  ['a terminal that was hung up', { outcome: signaled('SIGHUP', false), hungUp: true }, 'timeout'],
  ['a SIGKILL by whoever', { outcome: killed }, 'itself'],
  [
    'too much memory',
    { ...oom, outcome: killed },
    'limit',
    'for want of memory the kernel killed 2 of its processes',
  ],
  [
    'too much memory of a child that a shell waited for',
    { ...oom, outcome: exited(137) },
    'limit',
    'for want of memory the kernel killed 2 of its processes',
  ],
  ['another exit long after a child was killed for want of memory', { ...oom, outcome: exited(1) }, 'itself'],
  [
    'CPU time',
    { ...cpu, outcome: signaled('SIGXCPU', false) },
    'limit',
    'its limit of 3 s of CPU time was reached',
  ],
  [
    'CPU time, at once',
    { ...cpu, ...used(3), outcome: killed },
    'limit',
    'its limit of 3 s of CPU time was reached',
  ],
  ['a SIGKILL long before its CPU time was used up', { ...cpu, ...used(2), outcome: killed }, 'itself'],
  ['SIGXCPU without such a limit of ours', { outcome: signaled('SIGXCPU', false) }, 'itself'],
  [
    'a file too large',
    { ...limit({ resource: 'fsize', soft: 4_096n }), outcome: signaled('SIGXFSZ', true) },
    'limit',
    'its limit of 4096 bytes a file was reached',
  ],
];

for (const [name, more, word, reason] of rows) {
  test(`causeOfEnd() of ${name}`, () => {
    assert.equal(causeWord(causeOfEnd(facts(more))), word);
    if (word === 'limit') assert.equal(limitReached(facts(more)), reason);
  });
}
