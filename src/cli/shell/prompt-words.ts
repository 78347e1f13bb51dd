/** What the prompt understands beside the commands: the words of the system that this one replaces, and its own signs. */
import { resultSetHelp } from './result-sets.ts';

/** The old words, and the words of ours that stand for them. What follows the old word follows ours. */
export const oldWords: ReadonlyMap<string, readonly string[]> = new Map([
  ['h', ['help']],
  ['list', ['nodes']],
  ['pid', ['ps']],
  ['sKill', ['kill', '--force']],
  ['skill', ['kill', '--force']],
  ['getrusage', ['usage']],
  ['copy', ['cp']],
  ['remove', ['rm']],
]);

/** Words that leave the prompt. */
export const leavingWords: ReadonlySet<string> = new Set(['exit', 'quit']);

/**
 * The words that are ours and not programs of the nodes, beside the old ones and those that leave. Here, and not in the command
 * table, so that a new command never takes a program away from those who type it. One of them that has no command yet says so.
 */
export const ourWords: ReadonlySet<string> = new Set([
  ...['attach', 'audit', 'console', 'cp', 'events', 'exec', 'execute', 'file', 'help', 'history'],
  ...['inspect', 'join-token', 'kill', 'logs', 'nodes', 'ps', 'rerun', 'run', 'stop', 'top'],
  ...['usage', 'use', 'wait'],
]);

/** Every word that is not run on the nodes. */
export const reservedWords: readonly string[] = [
  ...new Set([...oldWords.keys(), ...leavingWords, ...ourWords]),
].sort();

/** All of it for people: what is typed, and what it does. */
export const promptWords: readonly (readonly [string, string])[] = [
  ['ARGV…', 'run a command on the selected nodes; -- ARGV… where its word is one of ours'],
  ['execute [options] ARGV…', 'as run -d: launch on the selected nodes, and do not follow'],
  ...[...oldWords].map(([old, ours]) => [old, `as ${ours.join(' ')}`] as const),
  ['@SET', 'select nodes, such as @web[1-3], @role=web or @all'],
  ['+SET, -SET', 'select these too, or no more'],
  ['?', 'show the selected nodes and their states'],
  ['=', 'fold equal output of commands that are run, or do not any more'],
  ['!LINE', 'run a line in a shell on this machine'],
  ['history [N]', 'what was typed; history -c forgets it, and a line that begins with a space is not kept'],
  ...resultSetHelp,
  ['Enter', 'while a command runs: who is still running'],
  ['Ctrl-C', 'end the command that runs, never the prompt; it asks what becomes of its tasks'],
  ['Ctrl-R', 'look for what was typed before'],
  [[...leavingWords].join(', '), 'leave'],
];
