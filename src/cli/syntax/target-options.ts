/** Options of the commands that launch: on which nodes, and whether somebody is asked first. */
import type { OptionSpecs } from '#base/command-line.ts';
import { joinSets, labelOption } from './common-options.ts';

/** Which nodes. */
export const targetOptions = {
  nodes: {
    type: 'string',
    short: 'w',
    value: 'SET',
    help: 'nodes: web1, web[1-3], web*, @all, @role=web',
    insteadOfTwice: joinSets,
  },
  all: { type: 'boolean', short: 'a', help: 'every node, as -w @all' },
  ...labelOption,
  exclude: {
    type: 'string',
    short: 'x',
    value: 'SET',
    help: 'not on these nodes',
    insteadOfTwice: joinSets,
  },
  hostfile: {
    type: 'string',
    value: 'FILE',
    help: 'on the nodes of a file too: sets, one a line, # begins a comment; - reads standard input',
  },
  pick: { type: 'string', value: 'N', help: 'only on N of them, at random' },
} as const satisfies OptionSpecs;

/** What comes before a launch. */
export const askingOptions = {
  'wait-for-nodes': {
    type: 'boolean',
    help: 'start on unreachable nodes when they are back, instead of giving them up; not with --stdin',
  },
  yes: { type: 'boolean', help: 'do not ask, however many nodes there are' },
  preview: { type: 'boolean', help: 'say what would run where, and launch nothing' },
} as const satisfies OptionSpecs;
