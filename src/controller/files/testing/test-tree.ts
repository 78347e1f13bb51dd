/** A tree as a sender tells it, out of contents in memory, for tests. */
import { createHash, randomBytes } from 'node:crypto';
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  type ChunkData,
  ChunkDataSchema,
  type ChunkRef,
  FileKind,
  type SenderFrame,
  SenderFrameSchema,
} from '#protocol/gen/drover/v1/file_pb.ts';
import { limits } from '#protocol/limits.ts';

/** A manifest and what it names. */
export interface TestTree {
  /** Its end included. */
  readonly frames: readonly SenderFrame[];
  chunk(ref: Pick<ChunkRef, 'entry' | 'index'>): ChunkData;
}

/** Regular files of these contents; of a path that ends with "/" a directory. */
export function testTree(contents: Readonly<Record<string, Buffer>>): TestTree {
  const frames: SenderFrame[] = [];
  const all = Object.entries(contents);
  for (const [path, content] of all) {
    if (path.endsWith('/')) {
      frames.push(
        senderFrame({ case: 'entry', value: { path: path.slice(0, -1), kind: FileKind.DIRECTORY } }),
      );
      continue;
    }
    const isInline = content.length <= limits.fileInlineBytesMax;
    const value = { path, kind: FileKind.REGULAR, size: BigInt(content.length), mode: 0o644 };
    frames.push(senderFrame({ case: 'entry', value: isInline ? { ...value, content } : value }));
    if (!isInline)
      frames.push(senderFrame({ case: 'digests', value: { digests: cut(content).map(digestOf) } }));
  }
  const bytes = BigInt(all.reduce((sum, [, { length }]) => sum + length, 0));
  frames.push(senderFrame({ case: 'end', value: { entries: BigInt(all.length), bytes } }));
  return {
    frames,
    chunk: ({ entry, index }) => {
      const data = cut(all[entry]?.[1] ?? Buffer.alloc(0))[index] ?? Buffer.alloc(0);
      return create(ChunkDataSchema, { ref: { entry, index, digest: digestOf(data) }, data });
    },
  };
}

/** A frame of a sender. */
export function senderFrame(kind: MessageInitShape<typeof SenderFrameSchema>['kind']): SenderFrame {
  return create(SenderFrameSchema, kind ? { kind } : {});
}

/** Content that no other call gives. */
export function someBytes(length: number): Buffer {
  return randomBytes(length);
}

/** SHA-256. */
export function digestOf(data: Uint8Array): Buffer {
  return createHash('sha256').update(data).digest();
}

function cut(content: Buffer): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0; at < content.length; at += limits.fileChunkBytes) {
    chunks.push(content.subarray(at, at + limits.fileChunkBytes));
  }
  return chunks;
}
