/** A node that receives a tree into memory, for tests: wants the chunks that it lacks, and is done when it has all. */
import { createHash } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { type ChunkRef, ChunkRefSchema, FileKind } from '#protocol/gen/drover/v1/file_pb.ts';
import { limits } from '#protocol/limits.ts';
import type { FakeFiles } from './fake-files.ts';

/** What the node has, and what it says of it. */
export interface TestReceiver {
  /** Chunks that are there, by digest in hex: those of an earlier try. */
  readonly chunks: Map<string, Uint8Array>;
  /** Whole files. */
  readonly files: Map<string, Buffer>;
  /** Waits before each chunk is taken. */
  readonly pace?: (received: number) => Promise<void>;
}

interface Partial {
  readonly path: string;
  readonly digests: Uint8Array[];
}

/** Plays the receiver to the end. @throws when the controller gives it up, or sends what was not wanted. */
export async function receiveTree(node: FakeFiles, { chunks, files, pace }: TestReceiver): Promise<void> {
  const entries: Partial[] = [];
  const wanted: ChunkRef[] = [];
  const missing = new Set<string>();
  let isWhole = false;
  let unanswered = 0;
  let received = 0;
  let receivedBytes = 0;
  for (;;) {
    if (isWhole && missing.size === 0) break;
    const { value, case: sender } = await node.next();
    if (sender !== 'sender') throw new Error(`a frame of a ${sender}`);
    const { kind } = value;
    if (kind.case === 'entry') {
      entries.push({ path: kind.value.path, digests: [] });
      if (kind.value.kind === FileKind.REGULAR) files.set(kind.value.path, Buffer.from(kind.value.content));
    } else if (kind.case === 'digests') {
      const entry = entries.length - 1;
      for (const digest of kind.value.digests) {
        const index = entries[entry]?.digests.push(digest) ?? 0;
        const hex = Buffer.from(digest).toString('hex');
        if (chunks.has(hex) || missing.has(hex) || digest.length === 0) continue;
        missing.add(hex);
        wanted.push(create(ChunkRefSchema, { entry, index: index - 1, digest }));
      }
    } else if (kind.case === 'chunk') {
      await pace?.(received++);
      const hex = createHash('sha256').update(kind.value.data).digest('hex');
      if (!missing.delete(hex)) throw new Error('a chunk that was not wanted');
      chunks.set(hex, Buffer.from(kind.value.data));
      receivedBytes += kind.value.data.length;
      unanswered--;
    } else if (kind.case === 'problem') {
      const { entry, path } = kind.value;
      const takenBack = entry === undefined ? [] : (entries[entry]?.digests ?? []);
      for (const digest of takenBack) missing.delete(Buffer.from(digest).toString('hex'));
      unanswered = Math.min(unanswered, missing.size);
      files.delete(path);
    } else isWhole = true;
    const now = wanted.splice(0, limits.fileWantedChunksMax - unanswered);
    unanswered += now.length;
    if (now.length > 0)
      node.tell({ case: 'receiver', value: { kind: { case: 'want', value: { chunks: now } } } });
  }
  let bytes = 0;
  for (const { path, digests } of entries) {
    if (!files.has(path)) continue;
    if (digests.length > 0) {
      const parts = digests.map(
        (digest) => chunks.get(Buffer.from(digest).toString('hex')) ?? new Uint8Array(),
      );
      files.set(path, Buffer.concat(parts));
    }
    bytes += files.get(path)?.length ?? 0;
  }
  const value = {
    entries: BigInt(entries.length),
    bytes: BigInt(bytes),
    receivedBytes: BigInt(receivedBytes),
  };
  node.tell({ case: 'receiver', value: { kind: { case: 'done', value } } });
}

/** A node that has nothing. */
export function emptyReceiver(pace?: TestReceiver['pace']): TestReceiver {
  const receiver = { chunks: new Map<string, Uint8Array>(), files: new Map<string, Buffer>() };
  return pace ? { ...receiver, pace } : receiver;
}
