/** Syntax of the commands that are about nodes and the cluster as a whole. */
import { type CommandSyntax, noWords } from '#base/command-line.ts';
import { helpOption } from '#cli/command.ts';
import { clusterOptions, joinSets, jsonOption, labelOption, listOptions } from './common-options.ts';

const nodesOptions = { ...labelOption, ...listOptions, ...clusterOptions } as const;

/** Syntax of `drover nodes`. */
export const nodesSyntax: CommandSyntax<typeof nodesOptions> = {
  name: 'nodes',
  summary: 'list nodes and how the controller stands to them',
  usage: '[options] [SET]',
  words: { max: 1, insteadOfMore: joinSets },
  options: nodesOptions,
  examples: [
    'drover nodes',
    'drover nodes web[1-3] -o wide',
    'drover nodes @role=web -o name',
    'drover nodes -l role=web,!spot',
  ],
};

const shutdownOptions = {
  'stop-tasks': { type: 'boolean', help: 'stop every task first' },
  timeout: { type: 'string', value: 'DURATION', help: 'longest wait for tasks to end (default: 30s)' },
  ...jsonOption,
  ...clusterOptions,
} as const;

/** Syntax of `drover shutdown`. */
export const shutdownSyntax: CommandSyntax<typeof shutdownOptions> = {
  name: 'shutdown',
  summary: 'stop the controller; tasks and agents go on unless told otherwise',
  usage: '[options]',
  words: noWords,
  options: shutdownOptions,
  examples: ['drover shutdown', 'drover shutdown --stop-tasks --timeout 1m'],
};

const createTokenOptions = {
  names: {
    type: 'string',
    value: 'SET',
    help: 'names that it may give, such as web[1-9] (default: any)',
    insteadOfTwice: joinSets,
  },
  label: { type: 'string', short: 'l', value: 'KEY=VALUE', help: 'a label for its nodes', multiple: true },
  ttl: { type: 'string', value: 'DURATION', help: 'how long it can be used (default: 1h, at most 24h)' },
  uses: { type: 'string', value: 'N', help: 'how many nodes it lets in (default: 1)' },
  ...jsonOption,
  ...clusterOptions,
} as const;

/** Syntax of `drover join-token create`. */
export const createTokenSyntax: CommandSyntax<typeof createTokenOptions> = {
  name: 'join-token create',
  summary: 'make a token that lets a node in, and print the command for the other machine',
  usage: '[options]',
  words: noWords,
  options: createTokenOptions,
  details: ['The token is a secret and is shown this once: the controller keeps a hash.'],
  examples: ['drover join-token create', 'drover join-token create --names web[1-9] --uses 9 -l role=web'],
};

const listTokensOptions = { ...listOptions, ...clusterOptions } as const;

/** Syntax of `drover join-token list`. */
export const listTokensSyntax: CommandSyntax<typeof listTokensOptions> = {
  name: 'join-token list',
  summary: 'list tokens that could still be used',
  usage: '[options]',
  words: noWords,
  options: listTokensOptions,
  examples: ['drover join-token list'],
};

const revokeTokenOptions = { ...clusterOptions } as const;

/** Syntax of `drover join-token revoke`. */
export const revokeTokenSyntax: CommandSyntax<typeof revokeTokenOptions> = {
  name: 'join-token revoke',
  summary: 'make a token useless',
  usage: '[options] ID',
  words: { max: 1 },
  options: revokeTokenOptions,
  examples: ['drover join-token revoke 7f3a'],
};

const versionOptions = { ...jsonOption, ...clusterOptions } as const;

/** Syntax of `drover version`. */
export const versionSyntax: CommandSyntax<typeof versionOptions> = {
  name: 'version',
  summary: "show this program's version and the controller's",
  usage: '[options]',
  words: noWords,
  options: versionOptions,
  examples: ['drover version'],
};

const helpOptions = {
  man: { type: 'boolean', help: 'print the manual page, in the language of man' },
  ...helpOption,
} as const;

/** Syntax of `drover help`. */
export const helpSyntax: CommandSyntax<typeof helpOptions> = {
  name: 'help',
  summary: 'list the commands, or explain one, or exit-codes',
  usage: '[--man | COMMAND | exit-codes]',
  words: { max: 2 },
  options: helpOptions,
  examples: ['drover help', 'drover help run', 'drover help exit-codes', 'drover help --man | man -l -'],
};

const shellOptions = { ...clusterOptions } as const;

/** Syntax of `drover shell`. */
export const shellSyntax: CommandSyntax<typeof shellOptions> = {
  name: 'shell',
  summary: 'a prompt for a running cluster; lines from standard input where that is no terminal',
  usage: '[options]',
  words: noWords,
  options: shellOptions,
  details: [
    'A word that is not one of ours runs on the selected nodes; h at the prompt lists ours, and its signs and keys.',
    'What is typed is kept in $XDG_STATE_HOME/drover/history (by default in ~/.local/state), for its owner only; a line that begins with a space is not.',
    'Where lines come from no terminal, nothing is asked and no prompt is shown; the exit code is that of the last line that failed, 0 where none did.',
  ],
  examples: ['drover shell', 'echo ps | drover shell'],
};

const upOptions = {
  nodes: { type: 'string', value: 'N', help: 'start at least N nodes (default: 1, or as many as there are)' },
  data: {
    type: 'string',
    value: 'DIR',
    help: 'directory of the cluster (default: DROVER_DATA, see drover help)',
  },
  listen: { type: 'string', value: 'HOST:PORT', help: 'API address (default: 127.0.0.1:7443; port 0: any)' },
  'agent-listen': {
    type: 'string',
    value: 'HOST:PORT',
    help: 'where agents connect to (default: 127.0.0.1:7444; port 0: any)',
  },
  'no-shell': { type: 'boolean', help: 'no prompt: run until SIGTERM, print one line when ready' },
  keep: { type: 'boolean', help: 'leave tasks running at the end' },
  ...helpOption,
} as const;

/** Syntax of `drover up`. */
export const upSyntax: CommandSyntax<typeof upOptions> = {
  name: 'up',
  summary: 'a whole cluster on this machine: a controller and nodes, then a prompt',
  usage: '[options]',
  words: noWords,
  options: upOptions,
  details: [
    'State is kept in the data directory: started again, the cluster has its nodes, tasks and tokens.',
    'exit, the end of input, Ctrl-C and SIGTERM stop it, and the tasks of its own nodes with it unless --keep is given.',
    'Other commands with the same data directory use this cluster without a login.',
  ],
  examples: ['drover up', 'drover up --nodes 3 --data ./cluster', 'echo list | drover up'],
};
