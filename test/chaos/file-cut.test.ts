import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { FileOutcome } from '#protocol/gen/drover/v1/api_pb.ts';
import type { SenderFrame } from '#protocol/gen/drover/v1/file_pb.ts';
import { limits } from '#protocol/limits.ts';
import { type CopiedToNodes, copyToNodes } from '#test/fixture/copy-to-nodes.ts';
import { temporaryDirectory } from '#test/fixture/temporary-directory.ts';
import { ChaosCluster, killDaemon } from './chaos-cluster.ts';

const chunks = 24;
const smallFiles = 150;
const nodes = ['node1', 'node2'];

/** A copy dies before so many of these frames have left its caller. */
interface Moment {
  readonly kind: SenderFrame['kind']['case'];
  readonly number: number;
}

/** With the names of the manifest, with the first chunk, in the middle and with the last one. */
const moments: readonly Moment[] = [
  { kind: 'entry', number: 20 },
  { kind: 'chunk', number: 1 },
  { kind: 'chunk', number: chunks / 2 },
  { kind: 'chunk', number: chunks },
];

/** What the files of a tree hold, by their paths in it. */
type Version = ReadonlyMap<string, Buffer>;

/** A new version of every file, which is on the disk when this returns. */
function writeVersion(directory: string): Version {
  const version = new Map<string, Buffer>([['big', randomBytes(chunks * limits.fileChunkBytes)]]);
  for (let at = 0; at < smallFiles; at++) version.set(`small/f${at}`, randomBytes(100));
  for (const [path, content] of version) writeFileSync(join(directory, path), content);
  return version;
}

/** Paths that hold something else than any of these versions says. */
function halfOnes(directory: string, versions: readonly Version[]): string[] {
  const paths = [...(versions[0]?.keys() ?? [])];
  return paths.filter((path) => {
    const there = readFileSync(join(directory, path));
    return !versions.some((version) => version.get(path)?.equals(there));
  });
}

test('28: agent and controller die in the middle of a copy: each file is the old or the new one, and a second try goes on', async (t) => {
  const cluster = await ChaosCluster.start(t, { nodes: nodes.length });
  const from = temporaryDirectory(t);
  mkdirSync(join(from, 'app/small'), { recursive: true });
  const copy = (onSend: (frame: SenderFrame) => Promise<void> | void = () => {}) =>
    copyToNodes(cluster.api, {
      from,
      names: ['app'],
      target: { target: { nodes: nodes.join() }, put: { destination: 'app', exactDestination: true } },
      onSend,
    });
  const at = (node: string) => join(cluster.directoryOf(node), 'workspace', 'app');
  let version = writeVersion(join(from, 'app'));
  await copy();

  /** Copies another version, and kills at that moment. */
  async function cutAt(moment: Moment, kill: () => Promise<void>): Promise<CopiedToNodes | undefined> {
    const old = version;
    version = writeVersion(join(from, 'app'));
    let seen = 0;
    let killed: Promise<void> | undefined;
    const copied = await copy(async ({ kind }) => {
      if (kind.case !== moment.kind || ++seen !== moment.number) return;
      killed = kill();
      await killed;
    }).catch(() => undefined);
    assert.ok(killed, 'it died');
    await killed;
    for (const node of nodes) assert.deepEqual(halfOnes(at(node), [old, version]), [], node);
    return copied;
  }

  /** Everything is new, and nothing else is there. */
  async function goOn(): Promise<CopiedToNodes> {
    const again = await copy();
    assert.deepEqual(again.outcomes, { node1: FileOutcome.DONE, node2: FileOutcome.DONE });
    for (const node of nodes) {
      assert.deepEqual(halfOnes(at(node), [version]), [], node);
      assert.deepEqual(readdirSync(at(node)).sort(), ['big', 'small']);
      assert.equal(readdirSync(join(at(node), 'small')).length, smallFiles);
    }
    return again;
  }

  for (const moment of moments) {
    await t.test(`an agent, before ${moment.kind} ${moment.number}`, async () => {
      const cut = await cutAt(moment, () => killDaemon(cluster.agent('node1')));
      assert.deepEqual(cut?.outcomes, { node1: FileOutcome.UNREACHABLE, node2: FileOutcome.DONE });
      await cluster.startAgent('node1');
      await goOn();
    });
    await t.test(`the controller, before ${moment.kind} ${moment.number}`, async () => {
      assert.equal(await cutAt(moment, () => killDaemon(cluster.controller)), undefined);
      await cluster.startController();
      await cluster.untilConnected();
      await goOn();
    });
  }
  await cluster.verify();
});
