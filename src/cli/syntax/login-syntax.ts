/** Syntax of the commands about which cluster is used, and as whom. */
import { type CommandSyntax, noWords } from '#base/command-line.ts';
import { helpOption } from '#cli/command.ts';
import { jsonOption } from './common-options.ts';

const loginOptions = {
  oidc: {
    type: 'boolean',
    help: 'by the identity provider of the cluster, in a browser, instead of a token',
  },
  name: { type: 'string', value: 'NAME', help: 'what to call the context (default: the address)' },
  pin: {
    type: 'string',
    value: 'PIN',
    mayBeginWithDash: true,
    help: "the cluster's pin, as drover ca show there has it (default: you are asked)",
  },
  ...helpOption,
} as const;

/** Syntax of `drover login`. */
export const loginSyntax: CommandSyntax<typeof loginOptions> = {
  name: 'login',
  summary: 'log in to a cluster, with a token or by its identity provider; commands go there from then on',
  usage: '[options] [ADDRESS]',
  words: { max: 1 },
  options: loginOptions,
  details: [
    'The token is asked for, or read from standard input where that is no terminal, and kept in $XDG_CONFIG_HOME/drover/contexts.json (by default in ~/.config), for its owner only. It is sent to nobody who cannot prove to be the cluster with that pin.',
    'Without ADDRESS, which is HOST or HOST:PORT (7443), it is the cluster of the context in use, with another token.',
    '--data and DROVER_DATA come before contexts.',
  ],
  examples: [
    'drover login controller.example.org',
    'drover login --oidc controller.example.org',
    'drover login 192.0.2.7:7443 --name lab --pin Zo1a…Q < token',
  ],
};

const logoutOptions = {
  revoke: { type: 'boolean', help: 'make its token useless too' },
  ...helpOption,
} as const;

/** Syntax of `drover logout`. */
export const logoutSyntax: CommandSyntax<typeof logoutOptions> = {
  name: 'logout',
  summary: 'forget a context and its token',
  usage: '[options] [NAME]',
  words: { max: 1 },
  options: logoutOptions,
  examples: ['drover logout', 'drover logout --revoke lab'],
};

const listContextsOptions = { ...jsonOption, ...helpOption } as const;

/** Syntax of `drover context list`. */
export const listContextsSyntax: CommandSyntax<typeof listContextsOptions> = {
  name: 'context list',
  summary: 'list the clusters that you have logged in to, and which is in use',
  usage: '[options]',
  words: noWords,
  options: listContextsOptions,
  details: ['local is the cluster of this machine, for which no login is needed.'],
  examples: ['drover context list'],
};

const useContextOptions = { ...helpOption } as const;

/** Syntax of `drover context use`. */
export const useContextSyntax: CommandSyntax<typeof useContextOptions> = {
  name: 'context use',
  summary: 'have commands go to another cluster that you have logged in to',
  usage: 'NAME',
  words: { max: 1 },
  options: useContextOptions,
  examples: ['drover context use lab', 'drover context use local'],
};
