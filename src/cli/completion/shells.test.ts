/** Words completed as they are typed: the real shells in a terminal, the real drover, a small API that has nodes. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { makeTask, startFakeApi } from '#cli/testing/fake-api.ts';
import { missing, TypedShell } from '#cli/testing/typed-shell.ts';
import { NodeService, TaskService } from '#protocol/gen/drover/v1/api_pb.ts';
import { droverPath } from '#test/fixture/drover-command.ts';
import { temporaryDirectory } from '#test/fixture/temporary-directory.ts';
import { completionScripts, type Shell } from './shell-scripts.ts';

/** What is typed, `⇥` for Tab, and what stands there then. The last ones are of a file and a directory that are there. */
const cases: [typed: string, line: string][] = [
  ['drover vers⇥', 'drover version '],
  ['drover join-token rev⇥', 'drover join-token revoke '],
  ['drover run --wait-f⇥', 'drover run --wait-for-nodes '],
  ['drover nodes -o wi⇥', 'drover nodes -o wide '],
  ['drover nodes --output=wi⇥', 'drover nodes --output=wide '],
  ['drover nodes al⇥', 'drover nodes alpha '],
  ['drover nodes n⇥', 'drover nodes node'],
  ['drover nodes alpha,node2⇥', 'drover nodes alpha,node2 '],
  ['drover run -w @role=d⇥', 'drover run -w @role=db '],
  ['drover run -w @sp⇥', 'drover run -w @spot '],
  ['drover run --nodes=al⇥', 'drover run --nodes=alpha '],
  ['drover run --nodes=@sp⇥', 'drover run --nodes=@spot '],
  ['drover nodes alpha,@sp⇥', 'drover nodes alpha,@spot '],
  ['drover run --nodes=@role=d⇥', 'drover run --nodes=@role=db '],
  ["drover run -w 'al⇥", "drover run -w 'alpha' "],
  ['drover logs ka⇥', 'drover logs kaaaaaaaaa '],
  ['drover kill -s TER⇥', 'drover kill -s TERM '],
  ['drover --data=nope nod⇥', 'drover --data=nope nod'],
  ['drover run --env-file vari⇥', 'drover run --env-file variables.env '],
  ['drover run --env-file=vari⇥', 'drover run --env-file=variables.env '],
  ['drover run --data clus⇥', 'drover run --data cluster/'],
];

/** How each shell is started, with a file that it reads first, and what that must do. */
const starts: Readonly<Record<Shell, { file: string; setup: string; command: (file: string) => string }>> = {
  bash: {
    file: 'bashrc',
    setup: String.raw`bind 'set bell-style none'; bind -x '"\C-o": printf "\nLINE=<%s>\n" "$READLINE_LINE"'; echo READY`,
    command: (file) => `bash --noprofile --rcfile ${file} -i`,
  },
  zsh: {
    file: 'zsh/.zshrc',
    setup: `show() { print -r -- "LINE=<$BUFFER>"; zle redisplay }; zle -N show; bindkey '^O' show; setopt nobeep; echo READY`,
    command: (file) => `env ZDOTDIR=${dirname(file)} zsh -i -o noglobalrcs`,
  },
  fish: {
    file: 'setup.fish',
    setup: String.raw`bind \co 'echo; echo "LINE=<"(commandline)">"; commandline -f repaint'; echo READY`,
    command: (file) => `fish --no-config --init-command 'source ${file}' --interactive`,
  },
};

for (const shell of ['bash', 'zsh', 'fish'] as const) {
  test(`completion of ${shell}, as typed`, { skip: missing(shell, 'script') }, async (t) => {
    await using api = await startApi();
    const directory = makeFiles(t, api.access);
    const { file, setup, command } = starts[shell];
    const path = join(directory, file);
    mkdirSync(dirname(path), { recursive: true });
    const first = shell === 'zsh' ? 'autoload -U compinit; compinit -u -D' : '';
    writeFileSync(path, [first, completionScripts[shell], `cd ${directory}`, setup, ''].join('\n'));
    await using typed = await TypedShell.start(command(path), {
      ...process.env,
      HOME: directory,
      TERM: 'xterm',
      TMPDIR: directory,
      PATH: `${dirname(droverPath)}:${process.env['PATH']}`,
      DROVER_DATA: join(directory, 'cluster'),
    });
    for (const [keys, line] of cases) {
      await t.test(`${keys} is ${line}`, async () => {
        assert.equal(await typed.type(keys.replaceAll('⇥', '\t')), line);
      });
    }
  });
}

function startApi() {
  const nodes: { name: string; labels: Record<string, string> }[] = [
    { name: 'alpha', labels: { role: 'db' } },
    { name: 'node1', labels: { role: 'web', spot: '' } },
    { name: 'node2', labels: { role: 'web' } },
  ];
  return startFakeApi((router) => {
    router.service(NodeService, { listNodes: () => ({ nodes }) });
    router.service(TaskService, { listTasks: () => ({ tasks: [makeTask('kaaaaaaaaa', 'node1')] }) });
  });
}

/** The cluster's access, and two names to complete. */
function makeFiles(t: TestContext, access: object): string {
  const directory = temporaryDirectory(t);
  mkdirSync(join(directory, 'cluster'));
  writeFileSync(join(directory, 'cluster', 'access.json'), JSON.stringify(access));
  writeFileSync(join(directory, 'variables.env'), '');
  return directory;
}
