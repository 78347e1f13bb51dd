/**
 * Building blocks of the supervisor's binary protocol: little-endian numbers, strings with a length, lists with a count.
 * Each field reads and writes itself, so that a message is described once and both directions follow from it.
 * Knows no message.
 */

/** The peer sent what the protocol does not allow, or we were asked to send such a thing. */
export class WireError extends Error {
  override readonly name = 'WireError';
}

/** Reads values off the front of bytes that were received whole. */
export class WireReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Bytes that were not read yet. */
  get left(): number {
    return this.#bytes.length - this.#at;
  }

  /** @throws WireError when fewer than `count` bytes are left. */
  take(count: number): Buffer {
    if (count > this.left) throw new WireError(`message ends ${count - this.left} bytes too early`);
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }
}

/** Collects the parts of one message. */
export class WireWriter {
  readonly #parts: Buffer[] = [];

  put(bytes: Buffer): void {
    this.#parts.push(bytes);
  }

  /** A new part of `count` bytes to be filled by the caller. */
  room(count: number): Buffer {
    const part = Buffer.allocUnsafe(count);
    this.#parts.push(part);
    return part;
  }

  finish(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

/** A value on the wire. `read` and `write` throw WireError for what cannot be. */
export interface Field<T> {
  read(reader: WireReader): T;
  write(writer: WireWriter, value: T): void;
}

/** The value that a field carries. */
export type ValueOf<F> = F extends Field<infer T> ? T : never;

/** Unsigned, one byte. */
export const u8: Field<number> = {
  read: (reader) => reader.take(1).readUInt8(),
  write: (writer, value) => void writer.room(1).writeUInt8(value),
};

/** Unsigned, two bytes. */
export const u16: Field<number> = {
  read: (reader) => reader.take(2).readUInt16LE(),
  write: (writer, value) => void writer.room(2).writeUInt16LE(value),
};

/** Unsigned, four bytes. */
export const u32: Field<number> = {
  read: (reader) => reader.take(4).readUInt32LE(),
  write: (writer, value) => void writer.room(4).writeUInt32LE(value),
};

/** Signed, four bytes. */
export const i32: Field<number> = {
  read: (reader) => reader.take(4).readInt32LE(),
  write: (writer, value) => void writer.room(4).writeInt32LE(value),
};

/** Unsigned, eight bytes. */
export const u64: Field<bigint> = {
  read: (reader) => reader.take(8).readBigUInt64LE(),
  write: (writer, value) => void writer.room(8).writeBigUInt64LE(value),
};

/** A time in milliseconds: signed, eight bytes, within what a number holds exactly. */
export const milliseconds: Field<number> = {
  read(reader) {
    const value = Number(reader.take(8).readBigInt64LE());
    if (!Number.isSafeInteger(value)) throw new WireError(`time ${value} is out of range`);
    return value;
  },
  write: (writer, value) => void writer.room(8).writeBigInt64LE(BigInt(value)),
};

/** Text in UTF-8 without NUL, its length in four bytes before it. */
export const text: Field<string> = {
  read(reader) {
    const bytes = reader.take(u32.read(reader));
    if (bytes.includes(0)) throw new WireError('text contains NUL');
    return bytes.toString('utf8');
  },
  write(writer, value) {
    if (value.includes('\0')) throw new WireError('text contains NUL');
    const bytes = Buffer.from(value, 'utf8');
    u32.write(writer, bytes.length);
    writer.put(bytes);
  },
};

/** Bytes, their number in four bytes before them. What is read is a view of the message. */
export const bytes: Field<Uint8Array> = {
  read: (reader) => reader.take(u32.read(reader)),
  write(writer, value) {
    u32.write(writer, value.length);
    writer.put(Buffer.from(value.buffer, value.byteOffset, value.byteLength));
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
      const values = entries.map(([name, field]) => [name, field.read(reader)]);
      return Object.fromEntries(values) as { [K in keyof S]: ValueOf<S[K]> };
    },
    write(writer, value) {
      for (const [name, field] of entries) field.write(writer, value[name]);
    },
  };
}
