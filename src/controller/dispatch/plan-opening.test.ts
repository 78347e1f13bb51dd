import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { WhenUnreachable } from '#protocol/gen/drover/v1/api_pb.ts';
import { TaskSchema, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { markForReturn } from './pending-reason.ts';
import { type OpeningPlan, orphanLaunchMaxMs, planOpening } from './plan-opening.ts';

const { FAIL, WAIT } = WhenUnreachable;
const { PENDING, RUNNING, WAITING } = TaskState;

const startedAtMs = 1_000_000;
const nowMs = startedAtMs + 100_000;

interface Case {
  state?: TaskState;
  when?: WhenUnreachable;
  held?: boolean;
  cut?: boolean;
  /** It was never sent: its node was away when it was launched. */
  forReturn?: boolean;
  wasUnreachable?: boolean;
  createdAtMs?: number;
  plan: keyof OpeningPlan | undefined;
}

const cases: Case[] = [
  { held: true, plan: undefined },
  { held: true, cut: true, plan: undefined },
  { when: WAIT, plan: 'send' },
  { when: WAIT, cut: true, plan: 'send' },
  { when: WAIT, createdAtMs: 0, plan: 'send' },
  { when: FAIL, plan: 'send' },
  { when: FAIL, cut: true, plan: 'send' },
  { when: FAIL, forReturn: true, plan: 'send' },
  { when: FAIL, wasUnreachable: true, plan: 'send' },
  { when: FAIL, wasUnreachable: true, cut: true, plan: 'unreachable' },
  { when: FAIL, wasUnreachable: true, forReturn: true, plan: 'unreachable' },
  { when: WAIT, wasUnreachable: true, cut: true, plan: 'send' },
  { when: FAIL, createdAtMs: startedAtMs, plan: 'send' },
  { when: FAIL, createdAtMs: startedAtMs - 1, plan: 'unreachable' },
  { when: FAIL, createdAtMs: nowMs - orphanLaunchMaxMs + 1, plan: 'send' },
  { state: RUNNING, plan: 'missing' },
  { state: WAITING, plan: 'missing' },
  { state: RUNNING, held: true, plan: undefined },
];

test('planOpening() sends, ends or leaves each task', () => {
  for (const [
    index,
    { state = PENDING, when = FAIL, held, cut, forReturn, wasUnreachable, createdAtMs = nowMs, plan },
  ] of cases.entries()) {
    const created = create(TaskSchema, { id: 't', state, createdAt: timestampFromMs(createdAtMs) });
    const task = forReturn ? markForReturn(created, 20_000) : created;
    const decided = planOpening({
      tasks: [task],
      held: new Set(held ? ['t'] : []),
      cut: new Set(cut ? ['t'] : []),
      wasUnreachable: wasUnreachable ?? false,
      whenUnreachable: () => when,
      startedAtMs,
      nowMs,
    });
    const got = Object.entries(decided).find(([, tasks]) => tasks.length > 0)?.[0];
    assert.equal(got, plan, `case ${index}`);
  }
});
