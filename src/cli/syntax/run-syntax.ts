/** Syntax of `drover run`, and of `execute` at the prompt. */
import { anyWords, type CommandSyntax } from '#base/command-line.ts';
import { clusterOptions, joinSets } from './common-options.ts';

const options = {
  nodes: {
    type: 'string',
    short: 'w',
    value: 'SET',
    help: 'nodes: web1, web[1-3], web*, @all, @role=web',
    insteadOfTwice: joinSets,
  },
  all: { type: 'boolean', short: 'a', help: 'every node, as -w @all' },
  exclude: {
    type: 'string',
    short: 'x',
    value: 'SET',
    help: 'not on these nodes',
    insteadOfTwice: joinSets,
  },
  detach: { type: 'boolean', short: 'd', help: 'do not follow: print the ids and end' },
  name: { type: 'string', value: 'TEXT', help: 'a name for people' },
  user: { type: 'string', value: 'USER', help: "run as this user (default: the node policy's)" },
  cwd: { type: 'string', value: 'DIR', help: "working directory, absolute (default: the agent's workspace)" },
  env: { type: 'string', value: 'NAME=VALUE', help: 'a variable of the environment', multiple: true },
  'env-file': { type: 'string', value: 'FILE', help: 'variables, one NAME=VALUE a line', multiple: true },
  shell: { type: 'string', value: 'LINE', help: 'give LINE to /bin/sh, in place of ARGV' },
  timeout: { type: 'string', value: 'DURATION', help: 'stop it after 30s, 5m, 2h …' },
  'stop-signal': { type: 'string', value: 'SIGNAL', help: 'what stop sends first (default: TERM)' },
  'stop-grace': { type: 'string', value: 'DURATION', help: 'from that to SIGKILL (default: 10s)' },
  'wait-for-nodes': {
    type: 'boolean',
    help: 'start on unreachable nodes when they are back, instead of giving them up',
  },
  largest: { type: 'boolean', short: 'S', help: 'exit with the largest exit code of all nodes' },
  raw: { type: 'boolean', help: 'print bytes as they come: no node names, no control sequences removed' },
  output: {
    type: 'string',
    short: 'o',
    value: 'FORMAT',
    help: 'table, json (the run and its tasks at the end), jsonl (each event) or name (the id of the run, and no output)',
    choices: ['table', 'json', 'jsonl', 'name'],
  },
  ...clusterOptions,
} as const;

/** Syntax of `drover run`. */
export const runSyntax: CommandSyntax<typeof options> = {
  name: 'run',
  summary: 'launch a command on nodes, and follow it until it has ended everywhere',
  usage: '-w SET [options] [--] ARGV…',
  words: anyWords,
  options,
  stopAtFirstWord: true,
  details: [
    'Every line of output carries the name of its node; a summary of how it ended follows on standard error.',
    'ARGV is an argument vector, never a shell line: a pipe needs --shell.',
    'What the command leaves running when it ends (its children, daemons of its own) is stopped with it; the summary says so.',
    'Ctrl-C asks whether to stop, detach or kill; without a terminal it stops. A second one kills.',
    'The exit code tells how all ended (drover help exit-codes); with one plain node name it is the command’s own.',
  ],
  examples: [
    'drover run -w web[1-3] -- uptime',
    'drover run -a -x web2 --timeout 5m -- backup --full',
    "drover run -w @role=db --shell 'df -h | tail -n +2'",
    'drover run -d -w node1 -- sleep 600',
  ],
};
