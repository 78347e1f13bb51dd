/** Syntax of the commands that show one node, and that change nodes. */
import { anyWords, type CommandSyntax } from '#base/command-line.ts';
import { clusterOptions, joinSets, jsonOption, labelOption, listOptions } from './common-options.ts';

const showOptions = { ...jsonOption, ...clusterOptions } as const;

/** Syntax of `drover nodes show`. */
export const showNodeSyntax: CommandSyntax<typeof showOptions> = {
  name: 'nodes show',
  summary: 'show everything that is known of a node',
  usage: '[options] NODE',
  words: { max: 1 },
  options: showOptions,
  examples: ['drover nodes show web3', 'drover nodes show -o json web3'],
};

const labelOptions = { ...listOptions, ...clusterOptions } as const;

/** Syntax of `drover nodes label`. */
export const labelNodesSyntax: CommandSyntax<typeof labelOptions> = {
  name: 'nodes label',
  summary: 'set labels of nodes (KEY=VALUE) and take them away (KEY-)',
  usage: '[options] SET… KEY=VALUE… KEY-…',
  words: anyWords,
  options: labelOptions,
  details: ['A word with = sets a label, one that ends in - takes one away, the others are node sets.'],
  examples: ['drover nodes label web[1-3] role=web zone=a', 'drover nodes label @role=web zone-'],
};

const drainOptions = {
  reason: { type: 'string', value: 'TEXT', help: 'why, for whoever launches there: must be given' },
  stop: { type: 'boolean', help: 'stop the tasks that they have' },
  ...labelOption,
  ...listOptions,
  ...clusterOptions,
} as const;

/** Syntax of `drover nodes drain`. */
export const drainNodesSyntax: CommandSyntax<typeof drainOptions> = {
  name: 'nodes drain',
  summary: 'have nodes take no new tasks; those that they have go on',
  usage: '[options] --reason TEXT SET',
  words: { max: 1, insteadOfMore: joinSets },
  options: drainOptions,
  details: [
    'What is launched on them is skipped with the reason, until drover nodes resume; so is what waits for them, when they come.',
  ],
  examples: [
    'drover nodes drain web3 --reason "new disk"',
    'drover nodes drain --stop -l zone=a --reason move',
  ],
};

const resumeOptions = { ...labelOption, ...listOptions, ...clusterOptions } as const;

/** Syntax of `drover nodes resume`. */
export const resumeNodesSyntax: CommandSyntax<typeof resumeOptions> = {
  name: 'nodes resume',
  summary: 'have drained nodes take tasks again',
  usage: '[options] SET',
  words: { max: 1, insteadOfMore: joinSets },
  options: resumeOptions,
  examples: ['drover nodes resume web3'],
};

const removeOptions = {
  yes: { type: 'boolean', short: 'y', help: 'do not ask' },
  ...jsonOption,
  ...clusterOptions,
} as const;

/** Syntax of `drover nodes remove`. */
export const removeNodesSyntax: CommandSyntax<typeof removeOptions> = {
  name: 'nodes remove',
  summary: 'take nodes out of the cluster for good',
  usage: '[options] SET',
  words: { max: 1, insteadOfMore: joinSets },
  options: removeOptions,
  details: [
    'Sessions are cut and keys are refused from then on; tasks that have not ended end as unknown, though what runs there goes on: drover nodes drain --stop before.',
    'More than one are confirmed by typing how many they are.',
  ],
  examples: ['drover nodes remove web3', 'drover nodes remove --yes web[3-5]'],
};
