/** Options of the commands that launch and follow: what is seen of a run. */
import type { OptionSpecs } from '#base/command-line.ts';

/** What is seen of it. */
export const followingOptions = {
  detach: { type: 'boolean', short: 'd', help: 'do not follow: print the ids and end' },
  largest: { type: 'boolean', short: 'S', help: 'exit with the largest exit code of all nodes' },
  fold: {
    type: 'boolean',
    short: 'b',
    help: 'at the end, equal output once, under the nodes that printed it',
  },
  'fold-stderr': { type: 'boolean', short: 'B', help: 'as -b, with standard error' },
  diff: { type: 'boolean', help: 'as -b; of smaller groups only what differs from the largest' },
  similar: { type: 'boolean', help: 'as -b; names of nodes and numbers may differ' },
  outdir: {
    type: 'string',
    value: 'DIR',
    help: 'write what each node prints to DIR/NODE.out and DIR/NODE.err, instead of showing it',
  },
  raw: { type: 'boolean', help: 'print bytes as they come: no node names, no control sequences removed' },
  output: {
    type: 'string',
    short: 'o',
    value: 'FORMAT',
    help: 'table, json (the run and its tasks at the end), jsonl (each event) or name (the id of the run, and no output)',
    choices: ['table', 'json', 'jsonl', 'name'],
  },
} as const satisfies OptionSpecs;
