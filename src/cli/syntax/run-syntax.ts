/** Syntax of `drover run`, and of `execute` at the prompt. */
import { anyWords, type CommandSyntax, type OptionSpecs } from '#base/command-line.ts';
import { clusterOptions } from './common-options.ts';
import { followingOptions } from './following-options.ts';
import { askingOptions, targetOptions } from './target-options.ts';

const process = {
  user: { type: 'string', value: 'USER', help: "run as this user (default: the node policy's)" },
  cwd: { type: 'string', value: 'DIR', help: "working directory, absolute (default: the agent's workspace)" },
  env: { type: 'string', value: 'NAME=VALUE', help: 'a variable of the environment', multiple: true },
  'env-file': { type: 'string', value: 'FILE', help: 'variables, one NAME=VALUE a line', multiple: true },
  stdin: { type: 'boolean', help: 'give it our standard input, the same on every node' },
  command: {
    type: 'boolean',
    help: "ARGV is the name of a command of the nodes' own policies, and its parameters",
  },
  shell: { type: 'string', value: 'LINE', help: 'give LINE to /bin/sh, in place of ARGV' },
  umask: { type: 'string', value: 'MODE', help: 'what new files are not allowed, octal (default: 022)' },
  nice: { type: 'string', value: 'N', help: 'priority, -20 (most) to 19; below 0 as --nice=-5' },
  limit: {
    type: 'string',
    value: 'NAME=VALUE',
    help: 'limits, as told above: cpu=1.5,memory=512m,nofile=4096',
    multiple: true,
  },
} as const;

const life = {
  timeout: { type: 'string', value: 'DURATION', help: 'stop it after 30s, 5m, 2h …' },
  restart: {
    type: 'string',
    value: 'WHEN',
    help: 'start it again when it has ended: never (the default), on-failure or always',
    choices: ['never', 'on-failure', 'always'],
  },
  'restart-max': {
    type: 'string',
    value: 'N',
    help: 'at the most N times (default: until it fails in a loop)',
  },
  'restart-backoff': {
    type: 'string',
    value: 'FIRST[:LONGEST]',
    help: 'pause before that, doubled with each failure in a row (default: 1s:1m)',
  },
  'stop-signal': { type: 'string', value: 'SIGNAL', help: 'what stop sends first (default: TERM)' },
  'stop-grace': { type: 'string', value: 'DURATION', help: 'from that to SIGKILL (default: 10s)' },
  leftovers: {
    type: 'string',
    value: 'WHAT',
    help: 'what becomes of processes that outlive the command: stop (the default) or keep',
    choices: ['stop', 'keep'],
  },
} as const;

const pace = {
  'max-concurrency': {
    type: 'string',
    value: 'N|P%',
    help: 'on so many nodes at once, or so many per cent of them (at least one)',
  },
  'max-errors': {
    type: 'string',
    value: 'N|P%',
    help: 'once it has failed on more nodes than that, start it on no other',
  },
  'batch-sleep': {
    type: 'string',
    value: 'DURATION',
    help: 'start on the next node so long after the end on one',
  },
} as const;

const naming = { name: { type: 'string', value: 'TEXT', help: 'a name for people' } } as const;

const options = {
  ...grouped('Where', targetOptions),
  ...grouped('Before it starts', askingOptions),
  ...grouped('The process', process),
  ...grouped('Its life', life),
  ...grouped('How fast', pace),
  ...grouped('What you see of it', { ...naming, ...followingOptions }),
  ...clusterOptions,
} as const;

/** Syntax of `drover run`. */
export const runSyntax: CommandSyntax<typeof options> = {
  name: 'run',
  summary: 'launch a command on nodes, and follow it until it has ended everywhere',
  usage: '-w SET [options] [--] ARGV…',
  words: anyWords,
  options,
  stopAtFirstWord: true,
  details: [
    'Every line of output carries the name of its node; a summary of how it ended follows on standard error.',
    'With -b, -B, --diff or --similar, output that is equal is shown once, at the end, under the set of the nodes that printed it; the largest group comes first. On a terminal, a line below the output tells how far the run is.',
    'ARGV is an argument vector, never a shell line: a pipe needs --shell.',
    'With --command, ARGV is the name of a command that the policy of each node has, and its parameters: the node makes the argument vector of them, and runs it as the user, in the directory and with the variables that its policy says. drover inspect shows both.',
    'What the command leaves running when it ends (its children, daemons of its own) is stopped with it; the summary says so. With --leftovers keep it stays, and nobody looks after it any more.',
    'On a terminal, a launch on more than 10 nodes (DROVER_CONFIRM_ABOVE) shows them and asks; not where they are those that the prompt has selected.',
    'Ctrl-C asks whether to stop, detach or kill; without a terminal it stops. A second one kills.',
    'Standard input goes to every node as fast as the slowest command takes it; one that takes no more does not hold up the others. With -d it stays open, and drover attach gives it.',
    'The exit code tells how all ended (drover help exit-codes); with one plain node name it is the command’s own.',
    'With --max-concurrency the nodes have their turns in natural order, whether anybody follows or not, and over a restart of the controller. A task keeps its place until it has ended, restarts included, and with --batch-sleep for that long after its end; it is the pause between two tasks in one place. --max-errors counts tasks that failed, timed out, did not start, are unreachable or unknown: --max-errors 0 ends with the first, 10% of 50 nodes with the sixth (per cents are rounded down). What runs then goes on to its end; the rest is skipped, and said to be.',
    'Limits of everything that a task forks, together: cpu (CPUs), memory (bytes, or 512m, 2g), processes. Limits of each of its processes, as setrlimit(2): nofile, nproc, core, cpu-time (seconds), as, data, stack, fsize, memlock, rss, locks, sigpending, msgqueue, nice, rtprio, rttime; each SOFT or SOFT:HARD, or unlimited. A node that cannot apply a limit does not start the command and says why.',
  ],
  examples: [
    'drover run -w web[1-3] -- uptime',
    'drover run -a -x web2 --timeout 5m -- backup --full',
    'drover run -w web* --max-concurrency 10% --max-errors 1 -- systemctl restart app',
    'drover run -w web* --command restart-service web',
    "drover run -w @role=db --shell 'df -h | tail -n +2'",
    'drover run -a -b --similar -- uname -r',
    'drover run -d -w node1 -- sleep 600',
    'drover run -a --stdin -- tee /srv/motd < motd',
    'drover run -d -w web1 --restart always --limit memory=1g,nofile=8192 -- server',
  ],
};

const rerunOptions = {
  ...grouped('Where', {
    failed: { type: 'boolean', help: 'where it failed, timed out or did not start' },
    unreachable: { type: 'boolean', help: 'where the node was unreachable, or nobody knows how it ended' },
    skipped: { type: 'boolean', help: 'where it never had its turn' },
    all: { type: 'boolean', help: 'on all its nodes' },
  }),
  ...grouped('Before it starts', askingOptions),
  ...grouped('What you see of it', followingOptions),
  ...clusterOptions,
} as const;

/** Syntax of `drover rerun`. */
export const rerunSyntax: CommandSyntax<typeof rerunOptions> = {
  name: 'rerun',
  summary: 'launch a run again, on those of its nodes where it failed, or on all',
  usage: 'RUN --failed|--unreachable|--skipped|--all [options]',
  words: { max: 1 },
  options: rerunOptions,
  details: [
    'It is a new run with the command, name, pacing and limits of the old one. Tasks of the old one that have not ended count for --all only.',
    'It exits with 6 where it went otherwise on no node; else as drover run.',
  ],
  examples: ['drover rerun 0190f0a0 --failed', 'drover rerun 0190f0a0 --failed --skipped --preview'],
};

function grouped<O extends OptionSpecs>(
  group: string,
  specs: O,
): { [K in keyof O]: O[K] & { group: string } } {
  return Object.fromEntries(Object.entries(specs).map(([name, spec]) => [name, { ...spec, group }])) as {
    [K in keyof O]: O[K] & { group: string };
  };
}
