/** What is copied, and until when. Figures in milliseconds. */
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Contestant, inPlaces } from '#bench/measure/take-turns.ts';
import { startWorker } from '#bench/measure/worker.ts';
import type { CopyCluster } from './copy-cluster.ts';

/** One file to some nodes. */
export interface CopiedFile {
  readonly cluster: CopyCluster;
  /** Where the file may be. */
  readonly directory: string;
  readonly nodes: number;
  readonly bytes: number;
}

/** `drover cp` of a new file over the one of the last time. */
export function enterCopy({ cluster, directory, nodes, bytes }: CopiedFile): Contestant<number> {
  return inPlaces(directory, async (place) => {
    const file = join(place, 'file');
    writeInPieces(file, bytes);
    return timed(() => cluster.run('cp', '--yes', file, `node[1-${nodes}]:copied`));
  });
}

/** `drover cp -r` of a new directory with that many files of 1 KB. */
export function enterManyFiles(cluster: CopyCluster, directory: string, files: number): Contestant<number> {
  return inPlaces(directory, async (place) => {
    const tree = join(place, 'tree');
    mkdirSync(tree);
    for (let i = 0; i < files; i++) writeFileSync(join(tree, `file${i}`), randomBytes(1_000));
    return timed(() => cluster.run('cp', '-r', tree, 'node1:'));
  });
}

/** The bytes of one file over TLS connections that are there, one for each node. */
export function enterBareTls(nodes: number, bytes: number): Promise<Contestant<number>> {
  const program = fileURLToPath(new URL('bare-tls-worker.ts', import.meta.url));
  return startWorker<number>(program, String(nodes), String(bytes));
}

async function timed(work: () => Promise<void>): Promise<number> {
  const from = performance.now();
  await work();
  return performance.now() - from;
}

const pieceBytes = 10 << 20;

function writeInPieces(path: string, bytes: number): void {
  writeFileSync(path, '');
  for (let left = bytes; left > 0; left -= pieceBytes) {
    writeFileSync(path, randomBytes(Math.min(left, pieceBytes)), { flag: 'a' });
  }
}
