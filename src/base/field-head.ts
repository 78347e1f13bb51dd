/** What stands before the bytes of a protobuf field that has a length: for fields whose bytes are not to be copied. */
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

/** Tag and length of a field of bytes, of a string or of a message. @see https://protobuf.dev/programming-guides/encoding/ */
export function encodeFieldHead(field: number, length: number): Uint8Array {
  return new BinaryWriter().tag(field, WireType.LengthDelimited).uint32(length).finish();
}
