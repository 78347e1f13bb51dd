/**
 * Whether what an agent sends about files is of the kind that its order brings about, and within the limits. Pure. What a tree may be
 * made of, and whether a chunk is what its digest says, its receiver judges.
 */
import type {
  FileAnswer,
  FileEntry,
  FileOrder,
  FileProblem,
  ReceiverFrame,
  SenderFrame,
} from '#protocol/gen/drover/v1/file_pb.ts';
import { limits } from '#protocol/limits.ts';
import type { FileNews } from './dispatch.ts';
import { isTime } from './is-time.ts';

/** SHA-256. */
const digestBytes = 32;
/** Names of users and groups; useradd takes 32 characters. */
const nameMax = 256;

/** What is wrong with it, one line; undefined when nothing is. */
export function refuseFiles({ kind: order }: FileOrder, news: FileNews): string | undefined {
  const expected = order.case === 'put' ? 'receiver' : order.case === 'get' ? 'sender' : 'answer';
  if (news.case !== expected) return `a frame of kind ${news.case} where ${expected} belongs`;
  switch (news.case) {
    case 'sender':
      return refuseSender(news.value);
    case 'receiver':
      return refuseReceiver(news.value);
    case 'answer':
      return refuseAnswer(news.value);
  }
}

/** What is wrong with a frame of a sender by itself; undefined when nothing is. */
export function refuseSender({ kind }: SenderFrame): string | undefined {
  switch (kind.case) {
    case 'entry':
      return refuseEntry(kind.value);
    case 'digests': {
      const { digests } = kind.value;
      if (digests.length === 0 || digests.length > limits.fileDigestsMax) return `${digests.length} digests`;
      const wrong = digests.find(({ length }) => length !== 0 && length !== digestBytes);
      return wrong && `a digest of ${wrong.length} bytes`;
    }
    case 'chunk': {
      const { ref, data } = kind.value;
      if (ref?.digest.length !== digestBytes) return 'a chunk without its digest';
      const isSize = data.length > 0 && data.length <= limits.fileChunkBytes;
      return isSize ? undefined : `a chunk of ${data.length} bytes`;
    }
    case 'problem':
      return refuseProblem(kind.value);
    case 'end':
      return undefined;
    default:
      return 'an empty frame';
  }
}

/** What is wrong with a frame of a receiver by itself; undefined when nothing is. */
export function refuseReceiver({ kind }: ReceiverFrame): string | undefined {
  switch (kind.case) {
    case 'want': {
      const { chunks } = kind.value;
      if (chunks.length === 0 || chunks.length > limits.fileWantedChunksMax) return `${chunks.length} wants`;
      const isWhole = chunks.every(({ digest }) => digest.length === digestBytes);
      return isWhole ? undefined : 'a want without a digest';
    }
    case 'problem':
      return refuseProblem(kind.value);
    case 'result':
      return refusePath(kind.value.path);
    case 'progress':
    case 'done':
      return undefined;
    default:
      return 'an empty frame';
  }
}

function refuseAnswer({ kind }: FileAnswer): string | undefined {
  switch (kind.case) {
    case 'entry':
      return refuseEntry(kind.value);
    case 'data': {
      const { length } = kind.value;
      return length > 0 && length <= limits.logChunkBytesMax
        ? undefined
        : `${length} bytes of a file at once`;
    }
    case 'problem':
      return refuseProblem(kind.value);
    case 'done':
      return undefined;
    default:
      return 'an empty frame';
  }
}

function refuseEntry(entry: FileEntry): string | undefined {
  const { path, linkTarget, user, group, content, mode, modifiedAt, sha256 } = entry;
  if (content.length > limits.fileInlineBytesMax) return `an entry with ${content.length} bytes in it`;
  if (mode > 0o7777) return `an entry of mode ${mode}`;
  if (Math.max(user.length, group.length) > nameMax) return 'an entry with a very long name of its owner';
  if (modifiedAt && !isTime(modifiedAt)) return `an entry of second ${modifiedAt.seconds} of our time`;
  if (sha256.length !== 0 && sha256.length !== digestBytes) return `a digest of ${sha256.length} bytes`;
  return refusePath(path) ?? refusePath(linkTarget);
}

function refuseProblem({ path, error }: FileProblem): string | undefined {
  if (error === '' || error.length > limits.fileProblemMax) {
    return `a problem that takes ${error.length} characters to tell`;
  }
  return refusePath(path);
}

function refusePath(path: string): string | undefined {
  // A character is a byte at least, and three at the most.
  const isLong =
    path.length * 3 > limits.filePathBytesMax && Buffer.byteLength(path) > limits.filePathBytesMax;
  return isLong ? `a path of ${Buffer.byteLength(path)} bytes` : undefined;
}
