import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Code, ConnectError } from '@connectrpc/connect';
import { UsageError } from '#base/command-line.ts';
import { parseNodeSet } from '#core/node-set/parse-node-set.ts';
import { parseSelector } from '#core/selector/parse-selector.ts';
import { type ErrorReason, errorReasons } from '#protocol/errors.ts';
import { CommandError } from './command-error.ts';
import { describeFailure, isConnectionLost, neverConnected } from './failure.ts';
import { refusal } from './testing/fake-api.ts';

/** The exit code of every reason, as the documentation has it. */
const codes: Readonly<Record<ErrorReason, number>> = {
  INVALID: 2,
  AMBIGUOUS_TASK: 2,
  NO_SUCH_NODE: 6,
  NO_NODE_MATCHED: 6,
  NOT_AUTHENTICATED: 7,
  DENIED: 7,
  TOKEN_REFUSED: 7,
  RENEWAL_REFUSED: 7,
  NAME_REFUSED: 7,
  NO_SUCH_TASK: 1,
  NO_SUCH_TOKEN: 1,
  NO_SUCH_USER: 1,
  NO_SUCH_ROLE: 1,
  USER_EXISTS: 1,
  ROLE_EXISTS: 1,
  RUN_EXISTS: 1,
  NO_LOGIN: 1,
  LIMIT: 1,
  STOPPING: 1,
};

for (const reason of Object.keys(errorReasons) as ErrorReason[]) {
  test(`describeFailure() of ${reason} has exit code ${codes[reason]}, and the line of the API`, () => {
    assert.deepEqual(describeFailure(refusal(reason, 'why\nnot')), {
      message: 'why not',
      exitCode: codes[reason],
    });
  });
}

function thrown(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

function system(code: string): ConnectError {
  const cause = Object.assign(new Error(code), { code });
  return new ConnectError('x', Code.Unavailable, undefined, undefined, cause);
}

const others: [what: string, error: unknown, exitCode: number, message: RegExp][] = [
  ['a usage error', new UsageError('drover ps: no'), 2, /^drover ps: no$/],
  [
    'a malformed node set',
    thrown(() => parseNodeSet('a[')),
    2,
    /^node set "a\[" ends inside brackets at character 3$/,
  ],
  ['a malformed selector', thrown(() => parseSelector('a in')), 2, /^label selector "a in" ends where/],
  ['what a command says', new CommandError(7, 'no'), 7, /^no$/],
  [
    'a controller that is not there',
    system('ECONNREFUSED'),
    1,
    /^cannot reach the controller at h:1: connection refused$/,
  ],
  [
    'a certificate of another cluster',
    system('CERT_HAS_EXPIRED'),
    1,
    /its certificate is not that of this cluster/,
  ],
  ['a lost connection', new ConnectError('x', Code.Canceled), 1, /^lost the controller at h:1$/],
  ['no answer in time', new ConnectError('x', Code.DeadlineExceeded), 1, /did not answer in time$/],
  [
    'a request too large',
    new ConnectError('x', Code.ResourceExhausted),
    1,
    /^the request is larger than 1\.0 MiB/,
  ],
  [
    'an internal error of the controller',
    new ConnectError('its store failed', Code.Internal),
    1,
    /^its store failed$/,
  ],
  ['a fault of ours', new TypeError('x is not a function'), 1, /^internal error: x is not a function$/],
];

for (const [what, error, exitCode, message] of others) {
  test(`describeFailure() of ${what} has exit code ${exitCode}`, () => {
    const failure = describeFailure(error, 'h:1');
    assert.equal(failure.exitCode, exitCode);
    assert.match(failure.message, message);
  });
}

function caused(code: string, syscall?: string): ConnectError {
  const cause = Object.assign(new Error(code), { code, ...(syscall && { syscall }) });
  return new ConnectError('x', Code.Internal, undefined, undefined, cause);
}

for (const [error, never] of [
  [caused('ECONNREFUSED', 'connect'), true],
  [caused('ETIMEDOUT', 'connect'), true],
  [caused('ENOTFOUND', 'getaddrinfo'), true],
  [caused('DEPTH_ZERO_SELF_SIGNED_CERT'), true],
  [caused('ECONNRESET', 'read'), false],
  [caused('EPIPE', 'write'), false],
  [caused('ETIMEDOUT', 'read'), false],
  [caused('ERR_STREAM_PREMATURE_CLOSE'), false],
  [caused('ERR_HTTP2_SESSION_ERROR'), false],
  [new ConnectError('x', Code.Canceled), false],
] as const) {
  const { code, syscall } = (error.cause ?? { code: 'canceled' }) as NodeJS.ErrnoException;
  const tells = never ? 'nothing has happened' : 'nobody knows what has happened';
  test(`isConnectionLost(), neverConnected(): after ${code} ${syscall ?? ''} ${tells}`, () => {
    assert.deepEqual([isConnectionLost(error), neverConnected(error)], [true, never]);
  });
}

test('isConnectionLost() is false of an answer', () => {
  assert.equal(isConnectionLost(refusal('INVALID', 'no')), false);
  assert.equal(isConnectionLost(new ConnectError('x', Code.Internal)), false);
});
