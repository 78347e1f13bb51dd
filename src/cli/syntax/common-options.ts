/** Options that many commands share, worded once. */
import type { OptionSpecs } from '#base/command-line.ts';
import { helpOption } from '#cli/command.ts';

/** What to do instead of giving two node sets. */
export const joinSets = 'join node sets with a comma';

/** Of every command that talks to a cluster. */
export const clusterOptions = {
  data: {
    type: 'string',
    value: 'DIR',
    help: 'directory of the cluster (default: DROVER_DATA, see drover help)',
  },
  ...helpOption,
} as const satisfies OptionSpecs;

/** Of every command that lists. */
export const listOptions = {
  output: {
    type: 'string',
    short: 'o',
    value: 'FORMAT',
    help: 'table, wide, json, jsonl or name',
    choices: ['table', 'wide', 'json', 'jsonl', 'name'],
  },
} as const satisfies OptionSpecs;

/** Of every command that can go on and on. */
export const feedOption = {
  output: {
    type: 'string',
    short: 'o',
    value: 'FORMAT',
    help: 'table, json or jsonl',
    choices: ['table', 'json', 'jsonl'],
  },
} as const satisfies OptionSpecs;

/** Of every command that has one answer. */
export const jsonOption = {
  output: { type: 'string', short: 'o', value: 'FORMAT', help: 'table or json', choices: ['table', 'json'] },
} as const satisfies OptionSpecs;

/** Of every command that may be limited to nodes. */
export const nodesOption = {
  nodes: {
    type: 'string',
    short: 'w',
    value: 'SET',
    help: 'only on these nodes, such as web[1-3]',
    insteadOfTwice: joinSets,
  },
} as const satisfies OptionSpecs;

/** Of every command that may be limited to nodes by their labels. */
export const labelOption = {
  label: {
    type: 'string',
    short: 'l',
    value: 'EXPR',
    help: 'only on nodes with these labels, such as "role=web,zone in (a,b),!spot"',
    insteadOfTwice: 'join conditions with a comma',
  },
} as const satisfies OptionSpecs;
