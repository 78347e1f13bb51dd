/** Syntax of the commands that put somebody at a task's terminal, or a task into a pipeline. */
import { anyWords, type CommandSyntax } from '#base/command-line.ts';
import { detachKeysDefault } from '#cli/line/detach-keys.ts';
import { clusterOptions } from './common-options.ts';

const detachKeys = {
  'detach-keys': {
    type: 'string',
    value: 'KEYS',
    help: `what leaves the terminal and lets it go on (default: ${detachKeysDefault}; none)`,
  },
} as const;

const leaving =
  'The detach keys leave the command running, and drover attach comes back to it. A terminal whose person has vanished (a closed laptop, a cut line) is hung up after a minute.';

const execOptions = {
  interactive: { type: 'boolean', short: 'i', help: 'give it our standard input' },
  tty: { type: 'boolean', short: 't', help: 'with a terminal of its own; -i is then meant too' },
  user: { type: 'string', value: 'USER', help: "run as this user (default: the node policy's)" },
  cwd: { type: 'string', value: 'DIR', help: "working directory, absolute (default: the agent's workspace)" },
  env: { type: 'string', value: 'NAME=VALUE', help: 'a variable of the environment', multiple: true },
  ...detachKeys,
  ...clusterOptions,
} as const;

/** Syntax of `drover exec`. */
export const execSyntax: CommandSyntax<typeof execOptions> = {
  name: 'exec',
  summary: 'run a command on one node as if it ran here: with this terminal, or in a pipeline',
  usage: '[options] NODE [--] ARGV…',
  words: anyWords,
  options: execOptions,
  stopAtFirstWord: true,
  details: [
    'With -t keys, Ctrl-C among them, and the size of the window go to the command, which has a terminal. Without it, standard input (with -i), output and error are pipes, and every byte is as it was; Ctrl-C stops the command. A command that nobody reads waits.',
    leaving,
    'The exit code is the command’s own: 128 + n when signal n ended it, 127 when it was not found, 126 when it could not be executed.',
  ],
  examples: [
    'drover exec -it web1 -- bash',
    'tar c . | drover exec -i web1 -- tar x -C /srv',
    'drover exec web1 -- cat /var/log/syslog | grep -c error',
  ],
};

const attachOptions = { ...detachKeys, ...clusterOptions } as const;

/** Syntax of `drover attach`. */
export const attachSyntax: CommandSyntax<typeof attachOptions> = {
  name: 'attach',
  summary: 'sit down at the terminal of a running task, or give it standard input',
  usage: '[options] REF',
  words: { max: 1 },
  options: attachOptions,
  details: [
    'REF is a task id or its beginning, NODE:PID or a PID. One is at a terminal at a time: the latest, and who was there before is sent away.',
    'A task without a terminal that was launched with --stdin is given our standard input to its end, and what it prints from now on is printed.',
    leaving,
    'The exit code is the command’s own, or 0 after the detach keys.',
  ],
  examples: ['drover attach k3', 'drover attach --detach-keys ctrl-] k3', 'echo reload | drover attach k3'],
};
