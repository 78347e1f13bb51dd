/** Syntax of the commands that are tools of the command line itself. */
import { anyWords, type CommandSyntax } from '#base/command-line.ts';
import { helpOption } from '#cli/command.ts';
import { clusterOptions, joinSets, labelOption } from './common-options.ts';

const nodesetOptions = {
  expand: { type: 'boolean', short: 'e', help: 'print the names, one a line' },
  fold: { type: 'boolean', short: 'f', help: 'print the set as short as it can be written' },
  count: { type: 'boolean', short: 'c', help: 'print how many names there are' },
  all: { type: 'boolean', short: 'a', help: 'every node, as the set @all' },
  ...labelOption,
  exclude: { type: 'string', short: 'x', value: 'SET', help: 'without these', insteadOfTwice: joinSets },
  hostfile: {
    type: 'string',
    value: 'FILE',
    help: 'sets from a file too, one a line, # begins a comment; - reads standard input',
  },
  pick: { type: 'string', value: 'N', help: 'only N of them, at random' },
  ...clusterOptions,
} as const;

/** Syntax of `drover nodeset`. */
export const nodesetSyntax: CommandSyntax<typeof nodesetOptions> = {
  name: 'nodeset',
  summary: 'expand, fold or count node sets',
  usage: '-e|-f|-c [options] [SET…]',
  words: anyWords,
  options: nodesetOptions,
  details: [
    'Several sets are one: the nodes of any of them. Names need not be nodes, and nothing is asked of a cluster unless there is a glob, a label or -a.',
    'A set is made of names, ranges web[1-3,7], padding n[08-11], steps n[0-6/2], several dimensions dc[1-2]n[1-9], globs web*, labels @role=web or @gpu, and @all. Operators work from left to right: , adds, ! takes away, & keeps what both have, ^ what one of both has.',
    'It exits with 6 where nothing is left.',
  ],
  examples: [
    "drover nodeset -e 'web[1-3]!web2'",
    'drover nodeset -f web1 web2 web3 db1',
    "drover nodeset -c -l 'role=web,!spot'",
    'drover nodes -o name | drover nodeset -f --hostfile - --pick 3',
  ],
};

const completionOptions = { ...helpOption } as const;

/** Syntax of `drover completion`. */
export const completionSyntax: CommandSyntax<typeof completionOptions> = {
  name: 'completion',
  summary: 'print what makes bash, zsh or fish complete commands, options, nodes, labels and tasks',
  usage: 'bash|zsh|fish',
  words: { max: 1 },
  options: completionOptions,
  details: ['The script itself says where it belongs.'],
  examples: ['source <(drover completion bash)', 'drover completion fish | source'],
};

const completeOptions = { ...helpOption } as const;

/** Syntax of `drover complete`, which the scripts of the shells call. */
export const completeSyntax: CommandSyntax<typeof completeOptions> = {
  name: 'complete',
  summary:
    'print what may stand at the end of a command line, a line each; for the scripts of drover completion',
  usage: '-- [WORD…]',
  words: anyWords,
  options: completeOptions,
  stopAtFirstWord: true,
  examples: ['drover complete -- nodes we'],
};
