/** Syntax of the commands about users, roles and tokens. */
import { anyWords, type CommandSyntax, noWords } from '#base/command-line.ts';
import { clusterOptions, jsonOption, listOptions } from './common-options.ts';

const createUserOptions = {
  role: { type: 'string', value: 'ROLE', help: 'a role of the user, again for another', multiple: true },
  ...jsonOption,
  ...clusterOptions,
} as const;

/** Syntax of `drover user create`. */
export const createUserSyntax: CommandSyntax<typeof createUserOptions> = {
  name: 'user create',
  summary: 'record a user; drover token create --user NAME then makes a token for them',
  usage: '[options] NAME',
  words: { max: 1 },
  options: createUserOptions,
  examples: ['drover user create ada --role operator', 'drover user create nightly --role web-ops'],
};

const listAccessOptions = { ...listOptions, ...clusterOptions } as const;

/** Syntax of `drover user list`. */
export const listUsersSyntax: CommandSyntax<typeof listAccessOptions> = {
  name: 'user list',
  summary: 'list the users and their roles',
  usage: '[options]',
  words: noWords,
  options: listAccessOptions,
  examples: ['drover user list', 'drover user list -o json'],
};

const changeUserOptions = { ...jsonOption, ...clusterOptions } as const;

/** Options of the commands that change one user. */
export type ChangeUserOptions = typeof changeUserOptions;

/** Syntax of `drover user grant`. */
export const grantRolesSyntax: CommandSyntax<ChangeUserOptions> = {
  name: 'user grant',
  summary: 'give a user roles',
  usage: '[options] USERNAME ROLE…',
  words: anyWords,
  options: changeUserOptions,
  examples: ['drover user grant ada web-ops viewer'],
};

/** Syntax of `drover user revoke`. */
export const revokeRolesSyntax: CommandSyntax<ChangeUserOptions> = {
  name: 'user revoke',
  summary: 'take roles away from a user',
  usage: '[options] USERNAME ROLE…',
  words: anyWords,
  options: changeUserOptions,
  details: ['What they follow ends within 5 s where they may no longer see it.'],
  examples: ['drover user revoke ada operator'],
};

/** Syntax of `drover user disable`. */
export const disableUserSyntax: CommandSyntax<ChangeUserOptions> = {
  name: 'user disable',
  summary: 'take no token of a user any more, until they are enabled again',
  usage: '[options] USERNAME',
  words: { max: 1 },
  options: changeUserOptions,
  details: ['What they follow ends within 5 s; what they have launched goes on.'],
  examples: ['drover user disable ada'],
};

/** Syntax of `drover user enable`. */
export const enableUserSyntax: CommandSyntax<ChangeUserOptions> = {
  name: 'user enable',
  summary: 'take the tokens of a user again',
  usage: '[options] USERNAME',
  words: { max: 1 },
  options: changeUserOptions,
  examples: ['drover user enable ada'],
};

const namedOptions = { ...clusterOptions } as const;

/** Syntax of `drover user remove`. */
export const removeUserSyntax: CommandSyntax<typeof namedOptions> = {
  name: 'user remove',
  summary: 'remove a user and their tokens',
  usage: '[options] USERNAME',
  words: { max: 1 },
  options: namedOptions,
  examples: ['drover user remove ada'],
};

const createRoleOptions = {
  replace: { type: 'boolean', help: 'in place of the role of that name, if there is one' },
  ...clusterOptions,
} as const;

/** Syntax of `drover role create`. */
export const createRoleSyntax: CommandSyntax<typeof createRoleOptions> = {
  name: 'role create',
  summary: 'record a role from a YAML file, - for standard input',
  usage: '[options] FILE',
  words: { max: 1 },
  options: createRoleOptions,
  details: [
    'The file has a name, a description and rules. A rule has verbs that it allows or forbids (all, or a list such as task.launch), and where it shall not hold for everything, conditions: nodes (a node set), selector (a label selector), runAs (users of the nodes, @default where a task names none) and commands (patterns of argument vectors: a text, oneOf, int, regex, pathBeneath, and rest at the end).',
    'What no rule of a user allows is denied, and what one forbids is denied whatever others allow; the order of rules is nothing. Whoever has node.read on some nodes only sees those.',
    'drover role show NAME prints a role as such a file.',
  ],
  examples: ['drover role create web-ops.yaml', 'drover role show web-ops | drover role create --replace -'],
};

/** Syntax of `drover role list`. */
export const listRolesSyntax: CommandSyntax<typeof listAccessOptions> = {
  name: 'role list',
  summary: 'list the roles that users can have',
  usage: '[options]',
  words: noWords,
  options: listAccessOptions,
  examples: ['drover role list'],
};

const showRoleOptions = {
  output: { type: 'string', short: 'o', value: 'FORMAT', help: 'yaml or json', choices: ['yaml', 'json'] },
  ...clusterOptions,
} as const;

/** Syntax of `drover role show`. */
export const showRoleSyntax: CommandSyntax<typeof showRoleOptions> = {
  name: 'role show',
  summary: 'print a role as drover role create takes it',
  usage: '[options] ROLE',
  words: { max: 1 },
  options: showRoleOptions,
  examples: ['drover role show operator'],
};

/** Syntax of `drover role remove`. */
export const removeRoleSyntax: CommandSyntax<typeof namedOptions> = {
  name: 'role remove',
  summary: 'remove a role that no user has',
  usage: '[options] ROLE',
  words: { max: 1 },
  options: namedOptions,
  examples: ['drover role remove web-ops'],
};

const createUserTokenOptions = {
  user: { type: 'string', value: 'USERNAME', help: 'whose (default: your own)' },
  description: { type: 'string', value: 'TEXT', help: 'what it is for' },
  role: { type: 'string', value: 'ROLE', help: 'good for this role only, again for another', multiple: true },
  verb: {
    type: 'string',
    value: 'VERB',
    help: 'good for this verb only, such as node.read, again for another',
    multiple: true,
  },
  ttl: { type: 'string', value: 'DURATION', help: 'how long it can be used (default: 30d)' },
  'never-expires': { type: 'boolean', help: 'until it is revoked' },
  ...jsonOption,
  ...clusterOptions,
} as const;

/** Syntax of `drover token create`. */
export const createUserTokenSyntax: CommandSyntax<typeof createUserTokenOptions> = {
  name: 'token create',
  summary: 'make a token with which a person or a program uses the cluster',
  usage: '[options]',
  words: noWords,
  options: createUserTokenOptions,
  details: [
    'The token is a secret and is shown this once: the controller keeps a hash. One that is made for yourself is good for no more, and no longer, than the one that you use.',
  ],
  examples: [
    'drover token create --user ada',
    'drover token create --verb node.read --never-expires --description prometheus',
  ],
};

const listUserTokensOptions = {
  user: { type: 'string', value: 'USERNAME', help: 'whose (default: your own)' },
  all: { type: 'boolean', short: 'a', help: 'of every user' },
  ...listOptions,
  ...clusterOptions,
} as const;

/** Syntax of `drover token list`. */
export const listUserTokensSyntax: CommandSyntax<typeof listUserTokensOptions> = {
  name: 'token list',
  summary: 'list tokens of users that could still be used',
  usage: '[options]',
  words: noWords,
  options: listUserTokensOptions,
  examples: ['drover token list', 'drover token list --all -o wide'],
};

/** Syntax of `drover token revoke`. */
export const revokeUserTokenSyntax: CommandSyntax<typeof namedOptions> = {
  name: 'token revoke',
  summary: 'make a token of a user useless, by its id or by the token itself',
  usage: '[options] TOKEN',
  words: { max: 1 },
  options: namedOptions,
  details: ['What was opened with it ends within 5 s.'],
  examples: ['drover token revoke k3v7q2ab'],
};

const whoAmIOptions = { ...jsonOption, ...clusterOptions } as const;

/** Syntax of `drover whoami`. */
export const whoAmISyntax: CommandSyntax<typeof whoAmIOptions> = {
  name: 'whoami',
  summary: 'show as whom you use the cluster, and until when',
  usage: '[options]',
  words: noWords,
  options: whoAmIOptions,
  examples: ['drover whoami'],
};

const explainOptions = {
  nodes: { type: 'string', short: 'w', value: 'SET', help: 'on these nodes, such as web[1-3]' },
  'run-as': { type: 'string', value: 'USER', help: 'as this user of the nodes (default: @default)' },
  ...jsonOption,
  ...clusterOptions,
} as const;

/** Syntax of `drover access explain`. */
export const explainAccessSyntax: CommandSyntax<typeof explainOptions> = {
  name: 'access explain',
  summary: 'say which rule decides whether a user may do a thing',
  usage: '[options] USERNAME VERB [--] ARGV…',
  words: anyWords,
  options: explainOptions,
  details: [
    'It exits with 7 where anything of it is denied. The policy of each node decides too, and is not asked: drover agent check-policy there says what it does.',
  ],
  examples: [
    'drover access explain ada node.manage',
    'drover access explain ada task.launch -w web[1-3] -- systemctl restart web',
  ],
};
