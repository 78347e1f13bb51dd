import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '#base/command-line.ts';
import { CommandError } from '#cli/command-error.ts';
import { makeTask } from '#cli/testing/fake-api.ts';
import { exitCodes } from '#core/exit-code.ts';
import { exited, notStarted, signaled } from '#core/outcome.ts';
import { Cause, Freshness, type Outcome, TaskState } from '#protocol/gen/drover/v1/task_pb.ts';
import { writeResultSets } from './result-sets.ts';

const ended = (node: string, outcome: Outcome) =>
  makeTask(`id${node}`, node, { state: TaskState.ENDED, outcome });
const tasks = [
  ended('web1', exited(0)),
  ended('web2', exited(0)),
  ended('web3', exited(1)),
  ended('db1', signaled('SIGKILL', false)),
  ended('db2', notStarted('command', 2, 'nope')),
  makeTask('idweb6', 'web6', { state: TaskState.ENDED, outcome: exited(0), cause: Cause.TIMEOUT }),
  makeTask('idweb4', 'web4'),
  makeTask('idweb5', 'web5', { freshness: Freshness.LOST }),
];

for (const [text, written] of [
  ['$ok', 'web[1-2]'],
  ['$failed', 'db[1-2],web[3,6]'],
  ['$unreachable', 'web5'],
  ['$running', 'web4'],
  ['$ok,$failed', 'web[1-2],db[1-2],web[3,6]'],
  ['@all!$failed', '@all!db[1-2]!web[3,6]'],
  ['$failed&db*', 'db[1-2],web[3,6]&db*'],
  ['web*&$ok', 'web*&web[1-2]'],
  ['web1', 'web1'],
] as const) {
  test(`writeResultSets() of ${text}`, () => assert.equal(writeResultSets(text, tasks), written));
}

for (const [text, error] of [
  ['$skipped', new CommandError(exitCodes.noNode, '$skipped is empty: no node of the last run was skipped')],
  ['$nope', new UsageError('there is no $nope: there are $ok, $failed, $skipped, $unreachable, $running')],
  ['web1,$', new UsageError('there is no $: there are $ok, $failed, $skipped, $unreachable, $running')],
  ['web*&$failed', new UsageError('$failed is more than one set, db[1-2],web[3,6]: write it before the &')],
] as const) {
  test(`writeResultSets() refuses ${text}`, () => assert.throws(() => writeResultSets(text, tasks), error));
}
