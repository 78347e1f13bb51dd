/** Syntax of the commands that see and change tasks. */
import { anyWords, type CommandSyntax } from '#base/command-line.ts';
import { clusterOptions, jsonOption, listOptions, nodesOption } from './common-options.ts';

const references = 'REF is a task id or its beginning, a run id, NODE:PID or a PID.';

const psOptions = {
  all: { type: 'boolean', short: 'a', help: 'ended ones too' },
  last: { type: 'string', short: 'n', value: 'N', help: 'the newest N only (default: all; 50 with -a)' },
  ...nodesOption,
  ...listOptions,
  ...clusterOptions,
} as const;

/** Syntax of `drover ps`. */
export const psSyntax: CommandSyntax<typeof psOptions> = {
  name: 'ps',
  summary: 'list tasks: by default those that have not ended',
  usage: '[options] [REF…]',
  words: anyWords,
  options: psOptions,
  details: [
    references,
    'TIME is how long a task has been running, or ran. OUTCOME is how it ended; of one that waits for its restart, how it did before and when it starts again. -o wide adds how often it was started again, and the reason of its state.',
  ],
  examples: ['drover ps', 'drover ps -a -w web[1-3] -o wide', 'drover ps -o name | xargs drover stop'],
};

const logsOptions = {
  follow: { type: 'boolean', short: 'f', help: 'go on until the tasks have ended, over their restarts' },
  tail: { type: 'string', short: 'n', value: 'N', help: 'only the last N lines of each output' },
  since: { type: 'string', value: 'TIME', help: 'only what was written at that time or later' },
  until: { type: 'string', value: 'TIME', help: 'only what was written before that time' },
  timestamps: { type: 'boolean', short: 't', help: 'begin each line with the time by which it was written' },
  grep: {
    type: 'string',
    value: 'PATTERN',
    help: 'only lines that match this regular expression',
    insteadOfTwice: 'join patterns with |',
  },
  stdout: { type: 'boolean', help: 'standard output only' },
  stderr: { type: 'boolean', help: 'standard error only' },
  attempt: { type: 'string', value: 'N', help: 'of the Nth attempt, or of all (default: the latest)' },
  raw: { type: 'boolean', help: 'print bytes as they come: no node names, no control sequences removed' },
  output: {
    type: 'string',
    short: 'o',
    value: 'FORMAT',
    help: 'text, or jsonl: chunks with their times and offsets',
    choices: ['text', 'jsonl'],
  },
  ...nodesOption,
  ...clusterOptions,
} as const;

/** Syntax of `drover logs`. */
export const logsSyntax: CommandSyntax<typeof logsOptions> = {
  name: 'logs',
  summary: 'print what tasks printed',
  usage: '[options] REF…',
  words: anyWords,
  options: logsOptions,
  details: [
    references,
    'With several tasks each line carries the name of its node. Lines come in the order in which they were written, over both outputs, tasks and nodes; while following, what is new comes as it arrives. Output that is gone is said where it is missing, with the number of its bytes.',
    'TIME is a duration ago (10m, 2h), a time of the day (14:05, 14:05:30: the last one; the next one for --until with -f) or a moment (2026-11-22T14:05:00+01:00; without an offset in local time). What counts are the clocks of the nodes; a time is exact to a millisecond for a task that pauses, to 20 ms for one that does not.',
    'PATTERN is a regular expression of JavaScript, matched against each line as it is shown, without time and node; (?i:error) ignores case.',
  ],
  examples: [
    'drover logs k3',
    'drover logs -f -n 20 node1:4711',
    'drover logs -t --since 10m -w web[1-3] 0198c5b2',
    'drover logs --since 14:05 --until 14:10 k3',
    "drover logs -f --grep 'error|timeout' k3",
    'drover logs --attempt 1 k3',
    'drover logs --attempt all --stdout k3',
    'drover logs --stderr --raw k3 > errors.txt',
    "drover logs -o jsonl k3 | jq -r '.data | @base64d'",
  ],
};

const killOptions = {
  signal: {
    type: 'string',
    short: 's',
    value: 'SIGNAL',
    help: 'which, such as TERM, SIGHUP, 9 or RTMIN+3 (default: INT)',
  },
  force: { type: 'boolean', help: 'SIGKILL to everything that the task ever forked' },
  group: { type: 'boolean', help: 'to the process group of the task' },
  tree: { type: 'boolean', help: 'to everything that the task ever forked' },
  ...nodesOption,
  ...jsonOption,
  ...clusterOptions,
} as const;

/** Syntax of `drover kill`. */
export const killSyntax: CommandSyntax<typeof killOptions> = {
  name: 'kill',
  summary: 'send a signal to tasks: by default SIGINT to the process that was launched',
  usage: '[options] REF…',
  words: anyWords,
  options: killOptions,
  details: [
    references,
    'It does not wait for their end: drover wait does, and drover stop both. A task with --restart comes back after it; what shall stay away is stopped.',
  ],
  examples: ['drover kill k3', 'drover kill -s HUP --group node1:4711', 'drover kill --force k3'],
};

const stopOptions = {
  grace: {
    type: 'string',
    value: 'DURATION',
    help: "from the stop signal to SIGKILL (default: the task's own, 10s)",
  },
  'no-wait': { type: 'boolean', help: 'do not wait for their end' },
  ...nodesOption,
  ...jsonOption,
  ...clusterOptions,
} as const;

/** Syntax of `drover stop`. */
export const stopSyntax: CommandSyntax<typeof stopOptions> = {
  name: 'stop',
  summary: 'stop tasks: their stop signal, a grace, then SIGKILL to all that is left of them',
  usage: '[options] REF…',
  words: anyWords,
  options: stopOptions,
  details: [
    references,
    'A process that is still there 10 s after SIGKILL, such as one that waits for a disk that is gone, is named, and the exit code is 5.',
  ],
  examples: ['drover stop k3', 'drover stop --grace 60s 0198c5b2-…'],
};

const waitOptions = {
  timeout: { type: 'string', value: 'DURATION', help: 'give up after that, exit code 3' },
  largest: { type: 'boolean', short: 'S', help: 'exit with the largest exit code of all tasks' },
  ...nodesOption,
  ...listOptions,
  ...clusterOptions,
} as const;

/** Syntax of `drover wait`. */
export const waitSyntax: CommandSyntax<typeof waitOptions> = {
  name: 'wait',
  summary: 'wait until tasks have ended, and say how',
  usage: '[options] REF…',
  words: anyWords,
  options: waitOptions,
  details: [references, 'The exit code tells how they ended: drover help exit-codes.'],
  examples: ['drover wait k3', 'drover wait --timeout 10m 0198c5b2-…'],
};

const inspectOptions = { ...jsonOption, ...clusterOptions } as const;

/** Syntax of `drover inspect`. */
export const inspectSyntax: CommandSyntax<typeof inspectOptions> = {
  name: 'inspect',
  summary: 'show everything that is known of a task or a run',
  usage: '[options] REF',
  words: { max: 1 },
  options: inspectOptions,
  details: [references],
  examples: ['drover inspect k3', 'drover inspect -o json node1:4711'],
};

const usageOptions = { ...nodesOption, ...listOptions, ...clusterOptions } as const;

/** Syntax of `drover usage`. */
export const usageSyntax: CommandSyntax<typeof usageOptions> = {
  name: 'usage',
  summary: 'show what was used: by each node in all, or by a run or tasks',
  usage: '[options] [REF…]',
  words: anyWords,
  options: usageOptions,
  details: [
    "A node's figures are getrusage(2)'s for every child that its supervisor ever waited for.",
    "A task's are those of all of its attempts, and of what runs of it now, asked of its node. CPU is the CPU time of everything, CPU% that over the time that it ran: two busy CPUs are 200%. MEMORY is the most at once, of a task that runs what it has now; of its cgroup where there is one that counts, else of its largest process. READ and WRITTEN are what went from and to disks, and are known at the end. Several tasks, such as those of a run, are added up in the last line.",
    '-o wide adds user and system time, the largest process, page faults and context switches.',
    references,
  ],
  examples: [
    'drover usage',
    'drover usage -w web[1-3]',
    'drover usage k3',
    'drover usage -o wide 0198c5b2-…',
  ],
};
