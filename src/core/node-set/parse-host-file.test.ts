import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseHostFile } from './parse-host-file.ts';

const cases: [text: string, sets: string[]][] = [
  ['', []],
  ['\n\n', []],
  ['# nothing\n  # here', []],
  ['web1\nweb2\n', ['web1', 'web2']],
  ['web1\r\nweb2\r\n', ['web1', 'web2']],
  ['  web1  # the first\n\nweb[2-3],db1', ['  web1', 'web[2-3],db1']],
  ['@role=web\nweb*', ['@role=web', 'web*']],
];

for (const [text, sets] of cases) {
  test(`parseHostFile() of ${JSON.stringify(text)}`, () => {
    assert.deepEqual(
      parseHostFile(text, 'hosts').map((set) => set.text),
      sets,
    );
  });
}

test('parseHostFile() names the line that is malformed, and where in it', () => {
  assert.throws(() => parseHostFile('web1\n\n  web 2 # two\n', 'hosts'), {
    name: 'ExpressionError',
    message:
      'hosts, line 3: node set "  web 2" has "2" where an operator (, ! & ^) is expected at character 7',
    text: '  web 2',
    position: 6,
  });
});

test('parseHostFile() holds its limit', () => {
  const text = `${'#'.repeat(8_388_603)}\nweb1`;
  assert.equal(parseHostFile(text, 'hosts').length, 1);
  assert.throws(() => parseHostFile(`${text}\n`, 'hosts'), { kind: 'limit', message: /^hosts: / });
});
