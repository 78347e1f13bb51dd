import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePolicy } from './policy.ts';
import { isInterpreter, warnPolicy } from './warn-policy.ts';

const rest = 'users: [worker]\nsignals: any\nshell: false\nenvironment: []\n';
const warn = (text: string) => warnPolicy(parsePolicy(`version: 1\n${rest}${text}\n`));
const everything = /this allows everything/;

test('warnPolicy() says that a shell or an interpreter allows everything, unless its script is fixed', () => {
  for (const command of [
    '/bin/sh',
    '/usr/bin/python3.11',
    '[/bin/bash, -c, {regex: ".*"}]',
    '[/usr/bin/env, {rest: 3}]',
    '[/usr/bin/perl, {oneOf: [a.pl, b.pl]}]',
    '[/usr/bin/python3, -u, {rest: 2}]',
  ]) {
    const [warning, ...others] = warn(`commands: [${command}]`);
    assert.match(warning ?? '', everything, command);
    assert.deepEqual(others, []);
  }
  for (const command of ['/usr/bin/uptime', '[/usr/bin/python3, -u, /opt/report.py, {rest: 2}]']) {
    assert.deepEqual(warn(`commands: [${command}]`), [], command);
  }
});

test('warnPolicy() speaks of named commands, of any command and of root too', () => {
  const named = 'namedCommands: {x: {argv: [/bin/sh, -c, {parameter: y}], parameters: {y: {regex: ".*"}}}}';
  assert.match(warn(`commands: []\n${named}`).join(), /^namedCommands: x: \/bin\/sh .*everything$/);
  assert.match(warn('commands: any').join(), /^commands: any: this allows everything that worker may do$/);
  const asRoot = parsePolicy(`version: 1\ncommands: []\n${rest.replace('[worker]', '[root]')}`);
  assert.match(warnPolicy(asRoot).join(), /^users: root: /);
});

test('isInterpreter() looks past versions', () => {
  for (const name of ['python3', 'python3.12', 'lua5.4', 'php8.2', 'bash'])
    assert.ok(isInterpreter(`/usr/bin/${name}`));
  for (const name of ['shutdown', 'systemctl', 'pythonic']) assert.ok(!isInterpreter(`/usr/bin/${name}`));
});
