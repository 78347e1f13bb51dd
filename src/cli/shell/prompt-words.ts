/** What the prompt understands beside the commands: the words of the system that this one replaces, and its own signs. */

/** The old words, and the words of ours that stand for them. What follows the old word follows ours. */
export const oldWords: ReadonlyMap<string, readonly string[]> = new Map([
  ['h', ['help']],
  ['list', ['nodes']],
  ['pid', ['ps']],
  ['sKill', ['kill', '--force']],
  ['skill', ['kill', '--force']],
  ['getrusage', ['usage']],
]);

/** Words that leave the prompt. */
export const leavingWords: ReadonlySet<string> = new Set(['exit', 'quit']);

/** All of it for people: what is typed, and what it does. */
export const promptWords: readonly (readonly [string, string])[] = [
  ...[...oldWords].map(([old, ours]) => [old, `as ${ours.join(' ')}`] as const),
  ['execute [options] ARGV…', 'as run -d: launch on the selected nodes, and do not follow'],
  ['@SET', 'select nodes, such as @web[1-3], @role=web or @all'],
  ['ARGV…', 'run a command on the selected nodes; -- ARGV… where its word is one of ours'],
  [[...leavingWords].join(', '), 'leave'],
];
