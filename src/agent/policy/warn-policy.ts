/**
 * What a policy allows beyond what it seems to: shells and interpreters run whatever their arguments say, and what they are is
 * known by their names only. Pure; whether a file can be replaced by others is looked at elsewhere.
 */
import { basename } from 'node:path';
import type { CommandRule } from './command-rules.ts';
import type { NamedCommand } from './named-commands.ts';
import type { Policy } from './policy.ts';

/** Programs that run what they are told, by their names without a version. */
const interpreters: ReadonlySet<string> = new Set(
  [
    'sh ash bash busybox csh dash fish ksh mksh tcsh zsh',
    'awk gawk mawk bun deno expect gdb java julia lua make node nodejs perl php python ruby sed tclsh',
    'chroot doas env find flock ionice nice nohup nsenter parallel run0 runuser script setpriv setsid ssh stdbuf strace su sudo',
    'pkexec systemd-run time timeout unshare watch xargs crontab at batch docker podman ed emacs ex less more nano vi vim',
  ].flatMap((line) => line.split(' ')),
);

/** What to think of before this policy is used, a line each. */
export function warnPolicy({ commands, namedCommands, noNewPrivs, users, shell }: Policy): string[] {
  const named = [...namedCommands.values()].filter(isOpenCommand);
  const rules = commands === 'any' ? [] : commands.map((rule, index) => ({ rule, place: index + 1 }));
  return [
    ...(commands === 'any'
      ? [`commands: any: this allows everything that ${users.join(' and ')} may do`]
      : []),
    ...rules.flatMap(({ rule, place }) =>
      isOpenRule(rule)
        ? [`commands: command ${place}: ${rule.binary} runs what it is told: this allows everything`]
        : [],
    ),
    ...named.map(
      ({ name, binary }) => `namedCommands: ${name}: ${binary} runs what it is told: this allows everything`,
    ),
    ...(shell && commands !== 'any'
      ? ['shell: true: a command line can only be given to a shell that "commands" allows']
      : []),
    ...(users.includes('root') ? ['users: root: what "commands" allows may be done as root'] : []),
    ...(noNewPrivs === false ? ['noNewPrivs: false: set-uid programs gain what they are owned for'] : []),
  ];
}

/** Whether a binary is a shell, an interpreter, or runs another command that its arguments name. */
export function isInterpreter(binary: string): boolean {
  return interpreters.has(basename(binary).replace(/[-.]?[0-9][0-9.]*$/, ''));
}

function isOpenRule({ binary, pattern }: CommandRule): boolean {
  const [, ...others] = pattern?.arguments ?? [];
  return (
    isInterpreter(binary) &&
    !beginsWithProgram(others.map((each) => (each.kind === 'literal' ? each.text : undefined)))
  );
}

function isOpenCommand({ binary, template }: NamedCommand): boolean {
  return (
    isInterpreter(binary) &&
    !beginsWithProgram(template.map((each) => (typeof each === 'string' ? each : undefined)))
  );
}

/** Whether a script or command is fixed before anything that may vary: then that, and not its caller, says what runs. */
function beginsWithProgram(texts: readonly (string | undefined)[]): boolean {
  const first = texts.find((text) => text === undefined || !text.startsWith('-'));
  return first !== undefined && !texts.slice(0, texts.indexOf(first)).includes(undefined);
}
