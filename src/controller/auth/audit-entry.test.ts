import assert from 'node:assert/strict';
import { it } from 'node:test';
import { Verb } from '#protocol/gen/drover/v1/options_pb.ts';
import { auditRecord } from './audit-entry.ts';

it('auditRecord() writes canonical JSON, without secrets, and empty texts for what there is not', () => {
  const token = `dvo1.abc.${'s'.repeat(43)}`;
  const request = { spec: { argv: ['login', token] }, id: 'r' };
  const entry = { atMs: 1, who: undefined, verb: Verb.TASK_LAUNCH, decision: 'denied', request } as const;
  assert.deepEqual(auditRecord({ ...entry, reason: `not with ${token}`, targets: token }), {
    atMs: 1,
    who: '-',
    verb: 'task.launch',
    decision: 'denied',
    nodes: '',
    targets: 'dvo1.abc.[redacted]',
    request: '{"id":"r","spec":{"argv":["login","dvo1.abc.[redacted]"]}}',
    reason: 'not with dvo1.abc.[redacted]',
  });
});
