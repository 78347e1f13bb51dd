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
  follow: { type: 'boolean', short: 'f', help: 'go on until the tasks have ended' },
  tail: { type: 'string', short: 'n', value: 'N', help: 'only the last N lines of each output' },
  stdout: { type: 'boolean', help: 'standard output only' },
  stderr: { type: 'boolean', help: 'standard error only' },
  attempt: { type: 'string', value: 'N', help: 'of the Nth attempt (default: the latest)' },
  raw: { type: 'boolean', help: 'print bytes as they come: no node names, no control sequences removed' },
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
  details: [references, 'With several tasks each line carries the name of its node.'],
  examples: [
    'drover logs k3',
    'drover logs -f -n 20 node1:4711',
    'drover logs --stderr --raw k3 > errors.txt',
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
