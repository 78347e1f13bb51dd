import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Code } from '@connectrpc/connect';
import { createLog } from '#base/log.ts';
import { toConnectError } from './api-errors.ts';

test('toConnectError() takes a caller that went away for no failure of ours', () => {
  const log = createLog('test', 'silent');
  const cut = Object.assign(new Error('write ECANCELED'), { code: 'ECANCELED', syscall: 'write' });
  const aborted = Object.assign(new Error('aborted'), { name: 'AbortError' });
  for (const error of [cut, aborted]) assert.equal(toConnectError(error, 'm', log).code, Code.Canceled);
  assert.equal(toConnectError(new Error('bug'), 'm', log).code, Code.Internal);
});
