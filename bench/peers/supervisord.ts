/** A Supervisor (supervisord.org) of our own: one program, so many processes of it, in a directory, on a unix socket. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SkippedError } from '#bench/measure/take-turns.ts';

const binary = '/usr/bin/supervisord';
const startTimeoutMs = 30_000;

/** A running supervisord. Disposing of it stops it and what it runs. */
export interface Supervisord extends AsyncDisposable {
  readonly pid: number;
  /** Calls a method of its XML-RPC interface. @returns the answer as it came. @throws where that is a fault. */
  call(method: string, ...params: readonly (string | boolean)[]): Promise<string>;
}

/** @throws SkippedError where Supervisor is not installed. */
export function checkSupervisord(): void {
  if (!existsSync(binary)) throw new SkippedError(`${binary} is missing (bench/peers/setup.ts installs it)`);
}

/** What a supervisord of ours is to run. */
export interface SupervisordOptions {
  /** Where its files and the output go. */
  readonly directory: string;
  readonly command: string;
  /** Processes of the command, as the group "t"; none is started. */
  readonly processes: number;
  /** Of them at once. Each takes five descriptors, and every descriptor that may be open costs each start a close. */
  readonly atOnce: number;
}

/** Starts one. @throws SkippedError where Supervisor is not installed. */
export async function startSupervisord(options: SupervisordOptions): Promise<Supervisord> {
  checkSupervisord();
  const { directory } = options;
  const socket = join(directory, 'sock');
  const file = join(directory, 'supervisord.conf');
  writeFileSync(file, configuration(options, socket));
  const child = spawn(binary, ['-c', file], { stdio: ['ignore', 'ignore', 'inherit'] });
  const call = (method: string, ...params: readonly (string | boolean)[]) =>
    callMethod(socket, method, params);
  const deadline = performance.now() + startTimeoutMs;
  while (!existsSync(socket)) {
    if (performance.now() > deadline) throw new Error('supervisord does not listen');
    await sleep(20);
  }
  return {
    pid: child.pid ?? 0,
    call,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await once(child, 'exit');
    },
  };
}

function configuration(options: SupervisordOptions, socket: string): string {
  const { directory, command, processes, atOnce } = options;
  return `[unix_http_server]
file=${socket}
[supervisord]
nodaemon=true
loglevel=warn
logfile=${join(directory, 'supervisord.log')}
pidfile=${join(directory, 'supervisord.pid')}
minfds=${1_024 + 5 * atOnce}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[program:t]
command=${command}
process_name=%(process_num)05d
numprocs=${processes}
autostart=false
autorestart=false
startsecs=0
stdout_logfile=${join(directory, '%(process_num)05d.out')}
stderr_logfile=${join(directory, '%(process_num)05d.err')}
`;
}

/** XML-RPC over the socket. Its answers are only searched, so they are not parsed. */
async function callMethod(
  socketPath: string,
  method: string,
  params: readonly (string | boolean)[],
): Promise<string> {
  const values = params.map((value) =>
    typeof value === 'boolean' ? `<boolean>${value ? 1 : 0}</boolean>` : `<string>${value}</string>`,
  );
  const body = `<?xml version="1.0"?><methodCall><methodName>supervisor.${method}</methodName><params>${values
    .map((value) => `<param><value>${value}</value></param>`)
    .join('')}</params></methodCall>`;
  const headers = { 'content-type': 'text/xml', 'content-length': Buffer.byteLength(body) };
  const call = request({ socketPath, path: '/RPC2', method: 'POST', headers });
  call.end(body);
  const [response] = await once(call, 'response');
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk;
  if (response.statusCode !== 200 || text.includes('<fault>'))
    throw new Error(`supervisord: ${method}: ${text}`);
  return text;
}
