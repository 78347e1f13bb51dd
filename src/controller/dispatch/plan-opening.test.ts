import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import { WhenUnreachable } from '#protocol/gen/drover/v1/api_pb.ts';
import { TaskSchema, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { markForReturn, waitsForTurn, withReason } from './pending-reason.ts';
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
  /** Its run is paced; its turn has not come. */
  paced?: boolean;
  forTurn?: boolean;
  drained?: boolean;
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
  { paced: true, createdAtMs: startedAtMs - 1, plan: 'send' },
  { paced: true, forTurn: true, plan: undefined },
  { paced: true, forTurn: true, when: WAIT, plan: undefined },
  { paced: true, wasUnreachable: true, cut: true, plan: 'unreachable' },
  { when: WAIT, drained: true, plan: 'skipped' },
  { when: FAIL, drained: true, forReturn: true, plan: 'skipped' },
  { when: FAIL, drained: true, wasUnreachable: true, forReturn: true, plan: 'unreachable' },
  { drained: true, paced: true, forTurn: true, plan: undefined },
  { drained: true, held: true, plan: undefined },
  { state: RUNNING, plan: 'missing' },
  { state: RUNNING, drained: true, plan: 'missing' },
  { state: WAITING, plan: 'missing' },
  { state: RUNNING, held: true, plan: undefined },
];

test('planOpening() sends, ends or leaves each task', () => {
  for (const [
    index,
    { state = PENDING, when = FAIL, paced = false, createdAtMs = nowMs, ...facts },
  ] of cases.entries()) {
    const { held, cut, forReturn, forTurn, drained, wasUnreachable, plan } = facts;
    const created = create(TaskSchema, { id: 't', state, createdAt: timestampFromMs(createdAtMs) });
    const marked = forReturn ? markForReturn(created, 20_000) : created;
    const task = forTurn ? withReason(marked, waitsForTurn) : marked;
    const decided = planOpening({
      tasks: [task],
      held: new Set(held ? ['t'] : []),
      cut: new Set(cut ? ['t'] : []),
      wasUnreachable: wasUnreachable ?? false,
      whenUnreachable: () => when,
      isDrained: drained ?? false,
      isPaced: () => paced,
      startedAtMs,
      nowMs,
    });
    const got = Object.entries(decided).find(([, tasks]) => tasks.length > 0)?.[0];
    assert.equal(got, plan, `case ${index}`);
  }
});
