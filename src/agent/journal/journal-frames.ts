/**
 * Records of the journal as bytes (proto/drover/v1/journal.proto): framed with a mark, a length and a CRC-32, so that a file
 * that was damaged anywhere still gives every record that is whole. Opens no file.
 *
 *   mark (4) · length of the record (u32) · CRC-32 of the record (u32) · record
 *
 * The mark is not UTF-8: no text that somebody put into a record can look like the beginning of one.
 */
import { crc32 } from 'node:zlib';
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { type JournalRecord, JournalRecordSchema } from '#protocol/gen/drover/v1/journal_pb.ts';
import { limits } from '#protocol/limits.ts';

const mark = Buffer.from([0xff, 0x44, 0x4a, 0xfe]);
const headBytes = 12;

/** The records as they stand in the file. @throws RangeError for a record over limits.journalRecordBytesMax. */
export function encodeRecords(records: readonly JournalRecord[]): Buffer {
  const parts: Uint8Array[] = [];
  for (const record of records) {
    const bytes = toBinary(JournalRecordSchema, record);
    if (bytes.length > limits.journalRecordBytesMax) {
      throw new RangeError(`journal record of ${bytes.length} bytes, limit ${limits.journalRecordBytesMax}`);
    }
    const head = Buffer.allocUnsafe(headBytes);
    mark.copy(head);
    head.writeUInt32LE(bytes.length, 4);
    head.writeUInt32LE(crc32(bytes), 8);
    parts.push(head, bytes);
  }
  return Buffer.concat(parts);
}

/** What a journal file holds. */
export interface ScannedJournal {
  readonly records: readonly JournalRecord[];
  /** Bytes at the end that are no whole record: what a crash leaves of its last write. */
  readonly tornBytes: number;
  /** Stretches before whole records that are none: the file was damaged. */
  readonly gaps: readonly { readonly offset: number; readonly bytes: number }[];
}

/** Reads whatever is whole. */
export function scanJournal(file: Buffer): ScannedJournal {
  const records: JournalRecord[] = [];
  const gaps: { offset: number; bytes: number }[] = [];
  let at = 0;
  while (at < file.length) {
    const found = frameAt(file, at);
    if (found) {
      records.push(found.record);
      at = found.end;
      continue;
    }
    const next = nextFrame(file, at + 1);
    if (next === undefined) return { records, gaps, tornBytes: file.length - at };
    gaps.push({ offset: at, bytes: next - at });
    at = next;
  }
  return { records, gaps, tornBytes: 0 };
}

function frameAt(file: Buffer, at: number): { record: JournalRecord; end: number } | undefined {
  const begin = at + headBytes;
  if (begin > file.length || file.compare(mark, 0, mark.length, at, at + mark.length) !== 0) return undefined;
  const length = file.readUInt32LE(at + 4);
  const end = begin + length;
  if (length > limits.journalRecordBytesMax || end > file.length) return undefined;
  const bytes = file.subarray(begin, end);
  if (crc32(bytes) !== file.readUInt32LE(at + 8)) return undefined;
  try {
    return { record: fromBinary(JournalRecordSchema, bytes), end };
  } catch {
    return undefined;
  }
}

function nextFrame(file: Buffer, from: number): number | undefined {
  for (let at = file.indexOf(mark, from); at >= 0; at = file.indexOf(mark, at + 1)) {
    if (frameAt(file, at)) return at;
  }
  return undefined;
}
