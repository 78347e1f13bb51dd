/**
 * Building blocks of the supervisor's binary protocol: little-endian numbers, strings with a length, lists with a count.
 * Each field reads and writes itself, so that a message is described once and both directions follow from it.
 * Knows no message.
 */

/** Most messages fit; longer ones grow. */
const firstBytes = 512;

/** The peer sent what the protocol does not allow, or we were asked to send such a thing. */
export class WireError extends Error {
  override readonly name = 'WireError';
}

/** Reads values off the front of bytes that were received whole. */
export class WireReader {
  readonly bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  /** Bytes that were not read yet. */
  get left(): number {
    return this.bytes.length - this.#at;
  }

  /** Passes over `count` bytes. @returns where they begin. @throws WireError when fewer are left. */
  pass(count: number): number {
    if (count > this.left) throw new WireError(`message ends ${count - this.left} bytes too early`);
    this.#at += count;
    return this.#at - count;
  }
}

/** Collects the bytes of one message. */
export class WireWriter {
  #bytes = Buffer.allocUnsafe(firstBytes);
  #length = 0;

  /** Where to write, after `room`, which may move it. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  /** Makes room for `count` bytes. @returns where they begin in `bytes`. */
  room(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(2 * this.#length);
      this.#bytes.copy(larger, 0, 0, at);
      this.#bytes = larger;
    }
    return at;
  }

  /** What was written. */
  finish(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }
}

/** A value on the wire. `read` and `write` throw WireError for what cannot be. */
export interface Field<T> {
  read(reader: WireReader): T;
  write(writer: WireWriter, value: T): void;
}

/** The value that a field carries. */
export type ValueOf<F> = F extends Field<infer T> ? T : never;

/** A number of so many bytes. */
function number<T>(
  bytes: number,
  read: (from: Buffer, at: number) => T,
  write: (to: Buffer, value: T, at: number) => void,
): Field<T> {
  return {
    read: (reader) => read(reader.bytes, reader.pass(bytes)),
    write(writer, value) {
      const at = writer.room(bytes);
      write(writer.bytes, value, at);
    },
  };
}

/** Unsigned, one byte. */
export const u8: Field<number> = number(
  1,
  (from, at) => from.readUInt8(at),
  (to, value, at) => to.writeUInt8(value, at),
);

/** Unsigned, two bytes. */
export const u16: Field<number> = number(
  2,
  (from, at) => from.readUInt16LE(at),
  (to, value, at) => to.writeUInt16LE(value, at),
);

/** Unsigned, four bytes. */
export const u32: Field<number> = number(
  4,
  (from, at) => from.readUInt32LE(at),
  (to, value, at) => to.writeUInt32LE(value, at),
);

/** Signed, four bytes. */
export const i32: Field<number> = number(
  4,
  (from, at) => from.readInt32LE(at),
  (to, value, at) => to.writeInt32LE(value, at),
);

/** Unsigned, eight bytes. */
export const u64: Field<bigint> = number(
  8,
  (from, at) => from.readBigUInt64LE(at),
  (to, value, at) => to.writeBigUInt64LE(value, at),
);

/** A time in milliseconds: signed, eight bytes, within what a number holds exactly. */
export const milliseconds: Field<number> = number(
  8,
  (from, at) => {
    const value = Number(from.readBigInt64LE(at));
    if (!Number.isSafeInteger(value)) throw new WireError(`time ${value} is out of range`);
    return value;
  },
  (to, value, at) => to.writeBigInt64LE(BigInt(value), at),
);

/** Text in UTF-8 without NUL, its length in four bytes before it. */
export const text: Field<string> = {
  read(reader) {
    const length = u32.read(reader);
    const at = reader.pass(length);
    const value = reader.bytes.toString('utf8', at, at + length);
    if (value.includes('\0')) throw new WireError('text contains NUL');
    return value;
  },
  write(writer, value) {
    if (value.includes('\0')) throw new WireError('text contains NUL');
    const length = Buffer.byteLength(value);
    u32.write(writer, length);
    const at = writer.room(length);
    writer.bytes.write(value, at);
  },
};

/** Bytes, their number in four bytes before them. What is read is a view of the message. */
export const bytes: Field<Uint8Array> = {
  read(reader) {
    const length = u32.read(reader);
    const at = reader.pass(length);
    return reader.bytes.subarray(at, at + length);
  },
  write(writer, value) {
    u32.write(writer, value.length);
    const at = writer.room(value.length);
    writer.bytes.set(value, at);
  },
};

/** A count in four bytes, then so many of `item`; at most `countMax`. */
export function list<T>(item: Field<T>, countMax: number): Field<readonly T[]> {
  const check = (count: number) => {
    if (count > countMax) throw new WireError(`list of ${count} is over the limit of ${countMax}`);
  };
  return {
    read(reader) {
      const count = u32.read(reader);
      check(count);
      return Array.from({ length: count }, () => item.read(reader));
    },
    write(writer, values) {
      check(values.length);
      u32.write(writer, values.length);
      for (const value of values) item.write(writer, value);
    },
  };
}

/** Fields by name, on the wire in the order in which they are listed. */
export function struct<S extends Record<string, Field<unknown>>>(
  fields: S,
): Field<{ readonly [K in keyof S]: ValueOf<S[K]> }> {
  const entries = Object.entries(fields);
  return {
    read(reader) {
      const value: Record<string, unknown> = {};
      for (const [name, field] of entries) value[name] = field.read(reader);
      return value as { [K in keyof S]: ValueOf<S[K]> };
    },
    write(writer, value) {
      for (const [name, field] of entries) field.write(writer, value[name]);
    },
  };
}
