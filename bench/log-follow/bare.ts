/** The same bytes without Drover: from the file, and over the same connections with nothing in them. */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '#base/clock.ts';
import { bufferedLines } from '#bench/log-capture/programs.ts';
import { measureParts, runToEnd, secondsSince, type Used } from '#bench/measure/parts.ts';
import { type Contestant, inPlaces } from '#bench/measure/take-turns.ts';
import { openCertificateAuthority } from '#controller/auth/certificate-authority.ts';
import { serverNames } from '#controller/auth/server-names.ts';
import type { RelayIdentity, SourceOrder } from './bare-relay.ts';
import type { Measured, Writing } from './measured.ts';

const relayProgram = join(import.meta.dirname, 'bare-relay.ts');

/** tail(1), until the writer has ended. */
export function enterTail(directory: string, writing: Writing): Contestant<Measured> {
  return inPlaces(directory, async (place) => {
    const path = join(place, 'output');
    const from = performance.now();
    const writer = startWriter(writing, path);
    // Looks as often as an agent does.
    const tail = `exec tail -c +1 -f -s 0.02 --pid=${writer.pid} ${path}`;
    const used = await runToEnd('sh', ['-c', `(${tail}) | cat`]);
    const seconds = secondsSince(from);
    if (statSync(path).size !== writing.bytes) throw new Error('the writer has not written all');
    return { bytes: writing.bytes, seconds, parts: { 'tail and cat': used } };
  });
}

/** Three processes, two connections, and nothing but the bytes. @param node the Node.js that the release brings. */
export async function enterRelay(
  node: string,
  directory: string,
  writing: Writing,
): Promise<Contestant<Measured>> {
  const names = serverNames(['127.0.0.1']);
  const pki = { directory: join(directory, 'pki'), clock: systemClock, names };
  const { controller, rootPem } = await openCertificateAuthority(pki);
  const [source, relay] = [startPart('source', node), startPart('relay', node)];
  const identity: RelayIdentity = controller;
  relay.send(identity);
  const [port] = await once(relay, 'message');
  const rounds = inPlaces(directory, async (place) => {
    const path = join(place, 'output');
    let [seconds, sink]: [number, Used] = [0, { cpuSeconds: 0 }];
    const pids = { source: source.pid ?? 0, relay: relay.pid ?? 0 };
    const parts = await measureParts(pids, async () => {
      const from = performance.now();
      startWriter(writing, path);
      const order: SourceOrder = { port, root: rootPem, path, bytes: writing.bytes };
      source.send(order);
      sink = await runToEnd(node, [relayProgram, 'sink', `${port}`, rootPem]);
      seconds = secondsSince(from);
    });
    return { bytes: writing.bytes, seconds, parts: { ...parts, sink } };
  });
  return {
    measure: () => rounds.measure(),
    async [Symbol.asyncDispose]() {
      for (const part of [source, relay]) {
        part.kill();
        await once(part, 'exit');
      }
    },
  };
}

function startPart(role: 'source' | 'relay', node: string): ChildProcess {
  // Both are daemons in Drover, and begin as such.
  const execArgv = ['--max-semi-space-size=2'];
  return fork(relayProgram, [role], {
    execPath: node,
    execArgv,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
}

function startWriter({ writer, bytes }: Writing, path: string): ChildProcess {
  const file = openSync(path, 'w');
  const child = spawn(writer, [`${bytes}`, `${bufferedLines}`], { stdio: ['ignore', file, 'ignore'] });
  closeSync(file);
  return child;
}
