/** Syntax of `drover audit` and what is beneath it. */
import { type CommandSyntax, noWords } from '#base/command-line.ts';
import { clusterOptions, feedOption, nodesOption } from './common-options.ts';

const auditOptions = {
  follow: { type: 'boolean', short: 'f', help: 'go on with those that come' },
  lines: {
    type: 'string',
    short: 'n',
    value: 'N',
    help: 'only the last N (default: 50, or all with --since or --until)',
  },
  user: {
    type: 'string',
    short: 'u',
    value: 'NAME',
    help: 'of this operator only; may be given again',
    multiple: true,
  },
  ...nodesOption,
  verb: {
    type: 'string',
    value: 'VERB',
    help: 'of this verb only, such as task.launch, or task for all of those; may be given again',
    multiple: true,
  },
  denied: { type: 'boolean', help: 'only what was denied' },
  since: { type: 'string', value: 'WHEN', help: 'from then on, such as 10m, 14:05 or 2026-11-22' },
  until: { type: 'string', value: 'WHEN', help: 'only what was before' },
  ...feedOption,
  ...clusterOptions,
} as const;

/** Syntax of `drover audit`. */
export const auditSyntax: CommandSyntax<typeof auditOptions> = {
  name: 'audit',
  summary: 'print who was allowed or denied what',
  usage: '[options]',
  words: noWords,
  options: auditOptions,
  details: [
    'Every command has a row, on disk before it has any effect; so has every denial, and every read of what tasks print. Looking at nodes, tasks and events has none.',
    'Each line has a number, a time, the decision, who, the verb, the nodes, what was asked, and what else it is about.',
  ],
  examples: [
    'drover audit',
    'drover audit --user ada -w web[1-3] --since 1d',
    'drover audit -f --denied',
    'drover audit --verb task -n 1000 -o jsonl',
  ],
};

const exportOptions = { ...clusterOptions } as const;

/** Syntax of `drover audit export`. */
export const exportAuditSyntax: CommandSyntax<typeof exportOptions> = {
  name: 'audit export',
  summary: 'print the whole audit as JSON lines, which drover audit verify can check',
  usage: '',
  words: noWords,
  options: exportOptions,
  examples: ['drover audit export > audit.jsonl'],
};

const verifyOptions = {
  checkpoints: {
    type: 'string',
    value: 'DIR',
    help: 'compare with the checkpoints in this directory (default: those beneath --data, if they are there)',
  },
  key: {
    type: 'string',
    value: 'FILE',
    help: 'the public key that has signed them (default: those beside them)',
  },
  ...clusterOptions,
} as const;

/** Syntax of `drover audit verify`. */
export const verifyAuditSyntax: CommandSyntax<typeof verifyOptions> = {
  name: 'audit verify',
  summary: 'check that no row of the audit was changed, added or taken out',
  usage: '[options] [FILE]',
  words: { max: 1 },
  options: verifyOptions,
  details: [
    'FILE is what drover audit export has printed, "-" standard input; without it the rows are read from the controller.',
    'The chain of their hashes shows any change but a cut tail, and a chain that was written anew; these only the checkpoints show, up to the last one. The first bad row is named, and the exit code is 1.',
  ],
  examples: [
    'drover audit verify',
    'drover audit verify --checkpoints /mnt/worm/drover',
    'drover audit verify --checkpoints checkpoints --key audit-key.pem audit.jsonl',
  ],
};
