/** Syntax of `drover top`. */
import { anyWords, type CommandSyntax } from '#base/command-line.ts';
import { clusterOptions, nodesOption } from './common-options.ts';

const options = {
  interval: { type: 'string', value: 'DURATION', help: 'from one look to the next (default: 2s)' },
  sort: {
    type: 'string',
    value: 'KEY',
    help: 'by cpu (the default), memory, processes, time, node or output',
    choices: ['cpu', 'memory', 'processes', 'time', 'node', 'output'],
  },
  once: { type: 'boolean', help: 'look once, print a table and end; so it does without a terminal' },
  output: {
    type: 'string',
    short: 'o',
    value: 'FORMAT',
    help: 'table (once), json (once) or jsonl (a line for each look)',
    choices: ['table', 'json', 'jsonl'],
  },
  ...nodesOption,
  ...clusterOptions,
} as const;

/** Syntax of `drover top`. */
export const topSyntax: CommandSyntax<typeof options> = {
  name: 'top',
  summary: 'watch what running tasks use: live, sorted, with keys to signal and to stop them',
  usage: '[options] [REF…]',
  words: anyWords,
  options,
  details: [
    'Keys: c m p t n o sort, r reverses, arrows select, k sends a signal, s stops, l shows output, / filters, space pauses, ? helps, q leaves.',
    'CPU% is of one CPU, between two looks: two busy CPUs are 200%. MEMORY is that of a task’s cgroup where there is one that counts, else of all its processes together.',
    'REF is a task id or its beginning, a run id, NODE:PID or a PID; without any, every task.',
  ],
  examples: [
    'drover top',
    'drover top -w web[1-3] --sort memory',
    'drover top --once',
    'drover top -o jsonl > usage.jsonl',
  ],
};
