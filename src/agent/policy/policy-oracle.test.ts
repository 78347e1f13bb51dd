/**
 * Decisions on starts against an oracle that is written another way: over policies and orders out of a small world, in which every
 * second try hits something. The oracle knows patterns by listing all vectors that they mean.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { create } from '@bufbuild/protobuf';
import fc from 'fast-check';
import { TaskSpecSchema } from '#protocol/gen/drover/v1/task_pb.ts';
import { parseCommandRules } from './command-rules.ts';
import { decideLaunch } from './decide-launch.ts';

const words = ['a', 'b', '1', '2', '-x', ''];
const binaries = ['/bin/one', '/bin/two'];
const names = ['TZ', 'LANG', 'LD_PRELOAD'];
const users = ['worker', 'other', 'root'];

const element = fc.oneof(
  fc.constantFrom(...words),
  fc.uniqueArray(fc.constantFrom(...words), { minLength: 1 }).map((oneOf) => ({ oneOf })),
  fc.constant({ int: [1, 2] as number[] }),
);
type Element = string | { oneOf: string[] } | { int: number[] };
const rule = fc.oneof(
  fc.record({
    binary: fc.constantFrom(...binaries),
    free: fc.constant(true),
    elements: fc.constant<Element[]>([]),
  }),
  fc.record({
    binary: fc.constantFrom(...binaries),
    free: fc.constant(false),
    elements: fc.array(element, { maxLength: 3 }),
  }),
);

/** All texts that an element means. */
function meant(of: Element): string[] {
  if (typeof of === 'string') return [of];
  return 'oneOf' in of ? of.oneOf : ['1', '2'];
}

/** All lists of arguments that elements mean. */
function vectors(elements: Element[]): string[][] {
  return elements.reduce<string[][]>(
    (all, of) => all.flatMap((one) => meant(of).map((text) => [...one, text])),
    [[]],
  );
}

test('decideLaunch() says what a naive oracle says, of any policy and any order', () => {
  const world = fc.record({
    rules: fc.array(rule, { maxLength: 4 }),
    allowedUsers: fc.uniqueArray(fc.constantFrom(...users), { minLength: 1 }),
    allowedNames: fc.uniqueArray(fc.constantFrom(...names)),
    binary: fc.constantFrom(...binaries),
    argv: fc.array(fc.constantFrom(...words), { maxLength: 3 }),
    user: fc.constantFrom(...users),
    variables: fc.uniqueArray(fc.constantFrom(...names), { maxLength: 2 }),
    shell: fc.tuple(fc.boolean(), fc.boolean()),
    terminal: fc.tuple(fc.boolean(), fc.boolean()),
  });
  let allowedOnes = 0;
  fc.assert(
    fc.property(
      world,
      ({ rules, allowedUsers, allowedNames, binary, argv, user, variables, shell, terminal }) => {
        const [first = 'worker', ...more] = allowedUsers;
        const decision = decideLaunch({
          spec: create(TaskSpecSchema, {
            argv: ['x', ...argv],
            env: Object.fromEntries(variables.map((name) => [name, 'v'])),
            shell: shell[0],
            ...(terminal[0] && { terminal: {} }),
          }),
          named: undefined,
          argv: ['x', ...argv],
          policy: {
            commands: parseCommandRules(
              rules.map(({ binary: at, free, elements }) => (free ? at : [at, ...elements])),
            ),
            namedCommands: new Map(),
            users: [first, ...more],
            signals: [],
            shell: shell[1],
            terminals: terminal[1],
            files: { read: [], write: [], owners: false, setid: false },
            environment: allowedNames,
            limits: { tasks: 1, starts: 1 },
          },
          user,
          account: { found: { name: user, uid: 7, gid: 7, groups: [], home: '/', shell: '/bin/sh' } },
          agentUid: 0,
          binary: { found: binary },
          cwd: '/',
          env: [],
        });
        const command = rules.some(
          ({ binary: at, free, elements }) =>
            at === binary &&
            (free || vectors(elements).some((one) => JSON.stringify(one) === JSON.stringify(argv))),
        );
        const expected =
          command &&
          allowedUsers.includes(user) &&
          variables.every((name) => name !== 'LD_PRELOAD' && allowedNames.includes(name)) &&
          (!shell[0] || shell[1]) &&
          (!terminal[0] || terminal[1]);
        if (expected) allowedOnes++;
        assert.equal(decision.allowed, expected);
      },
    ),
    { numRuns: 5_000 },
  );
  assert.ok(allowedOnes > 50, `only ${allowedOnes} were allowed: the world is too strict to tell`);
});
