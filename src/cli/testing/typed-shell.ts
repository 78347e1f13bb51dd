/** An interactive shell in a terminal of its own, for tests that type into it. `script` of util-linux makes the terminal. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';

/** Sent to the shell by `Control-O`, which the shell must answer with `LINE=<what is being typed>`. */
const showLine = '\u000f';
const killLine = '\u0015';
const endOfInput = '\u0004';

/** Longest wait for an answer: a shell and a start of ours on a busy machine. */
const answerTimeoutMs = 30_000;

/** The shell. Disposing of it ends it. */
export class TypedShell implements AsyncDisposable {
  readonly #child: ChildProcess;
  #seen = '';

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#seen += text;
    });
  }

  /** @param command starts the shell, and prints READY when it can be typed into. */
  static async start(command: string, env: NodeJS.ProcessEnv): Promise<TypedShell> {
    const inside = `stty cols 200 rows 50; exec ${command}`;
    const child = spawn('script', ['-qfec', inside, '/dev/null'], { stdio: 'pipe', env });
    const shell = new TypedShell(child);
    await shell.#answer(/READY/);
    return shell;
  }

  /** What stands on the line after these keys; it is then taken away. */
  async type(keys: string): Promise<string> {
    this.#seen = '';
    this.#child.stdin?.write(keys + showLine);
    const [, line = ''] = await this.#answer(/LINE=<(.*?)>\r?\n/s);
    this.#child.stdin?.write(killLine);
    return line;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#child, 'close');
    this.#child.stdin?.write(endOfInput);
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 5_000);
    await closed;
    clearTimeout(timer);
  }

  async #answer(pattern: RegExp): Promise<RegExpExecArray> {
    const signal = AbortSignal.timeout(answerTimeoutMs);
    for (;;) {
      const found = pattern.exec(this.#seen);
      if (found) return found;
      await once(this.#child.stdout ?? this.#child, 'data', { signal }).catch((cause) => {
        throw new Error(`the shell does not answer; it printed ${JSON.stringify(this.#seen)}`, { cause });
      });
    }
  }
}

/** Why a shell cannot be typed into here; false where it can. */
export function missing(...programs: string[]): string | false {
  const absent = programs.filter((program) => spawnSync(program, ['--version'], { stdio: 'ignore' }).error);
  return absent.length > 0 && `there is no ${absent.join(' and no ')} here`;
}
