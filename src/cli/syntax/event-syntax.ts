/** Syntax of `drover events`. */
import { anyWords, type CommandSyntax } from '#base/command-line.ts';
import { eventKinds, eventSubjects } from '#core/event-kinds.ts';
import { clusterOptions, feedOption, labelOption, nodesOption } from './common-options.ts';

const options = {
  follow: { type: 'boolean', short: 'f', help: 'go on with those that come: from now on, or from --since' },
  since: {
    type: 'string',
    value: 'WHEN',
    help: 'from then on, such as 10m, 14:05 or 2026-11-22 (default: 1h)',
  },
  kind: {
    type: 'string',
    short: 'k',
    value: 'KIND',
    help: 'of this kind only, such as task.ended, or task for all of those; may be given again',
    multiple: true,
    choices: [...eventSubjects, ...eventKinds],
  },
  ...nodesOption,
  ...labelOption,
  ...feedOption,
  ...clusterOptions,
} as const;

/** Syntax of `drover events`. */
export const eventsSyntax: CommandSyntax<typeof options> = {
  name: 'events',
  summary: 'print what happened in the cluster, up to now or on and on',
  usage: '[options] [REF…]',
  words: anyWords,
  options,
  details: [
    'Each event has a number, without a gap; with -f those that come while the controller is away or restarts are printed when it is back, none twice.',
    'REF is a task id or its beginning, a run id (with its tasks), NODE:PID or a PID; without any, everything.',
  ],
  examples: [
    'drover events',
    'drover events -f -k task.ended -w web[1-3]',
    'drover events --since 1d -o jsonl > events.jsonl',
  ],
};
