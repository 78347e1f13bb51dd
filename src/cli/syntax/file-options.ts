/** Options of the commands about files, worded once. */
import type { OptionSpecs } from '#base/command-line.ts';
import { clusterOptions } from './common-options.ts';
import { targetOptions } from './target-options.ts';

/** Which nodes, where the words do not say. */
export const placeOptions = { ...targetOptions, ...clusterOptions } as const satisfies OptionSpecs;

/** Of those that change something on many nodes. */
export const yesOption = {
  yes: { type: 'boolean', help: 'do not ask, however many nodes there are' },
} as const satisfies OptionSpecs;

/** How fast, over many nodes. */
export const paceOptions = {
  'max-concurrency': {
    type: 'string',
    value: 'N|P%',
    help: 'so many nodes at once (default: 64)',
    group: 'Pace',
  },
  'max-errors': {
    type: 'string',
    value: 'N|P%',
    help: 'begin on no further node once more than that have failed',
    group: 'Pace',
  },
  bwlimit: {
    type: 'string',
    value: 'RATE',
    help: 'bytes a second to all nodes together, such as 500k, 10m or 1g',
    group: 'Pace',
  },
} as const satisfies OptionSpecs;

/** How what comes from several nodes is shown. */
export const foldOption = {
  fold: { type: 'boolean', short: 'b', help: 'at the end, what is equal once, under the nodes that have it' },
} as const satisfies OptionSpecs;

/** Text, or each answer as it comes. */
export const textOrLines = {
  output: {
    type: 'string',
    short: 'o',
    value: 'FORMAT',
    help: 'text, or jsonl: every answer of every node as it comes',
    choices: ['text', 'jsonl'],
  },
} as const satisfies OptionSpecs;
