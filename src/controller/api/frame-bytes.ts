/** How large frames about files are. */
import type { FileAnswer, ReceiverFrame, SenderFrame } from '#protocol/gen/drover/v1/file_pb.ts';

/** Around what is counted: very many small frames are bulk as well. */
const overheadBytes = 256;

/** Bytes of memory, roughly. */
export function frameBytes({ kind }: SenderFrame | ReceiverFrame | FileAnswer): number {
  switch (kind.case) {
    case 'chunk':
      return overheadBytes + kind.value.data.length;
    case 'data':
      return overheadBytes + kind.value.length;
    case 'entry':
      return overheadBytes + kind.value.path.length + kind.value.content.length;
    case 'digests':
      return overheadBytes + kind.value.digests.length * 32;
    case 'problem':
      return overheadBytes + kind.value.path.length + kind.value.error.length;
    case 'result':
      return overheadBytes + kind.value.path.length;
    default:
      return overheadBytes;
  }
}

/** Bytes of files in it. */
export function contentBytes({ kind }: SenderFrame | FileAnswer): number {
  if (kind.case === 'chunk') return kind.value.data.length;
  if (kind.case === 'entry') return kind.value.content.length;
  return kind.case === 'data' ? kind.value.length : 0;
}
