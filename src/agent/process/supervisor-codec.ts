/**
 * Frames of the supervisor's socket: length, type, tag, body (native/supervisor/protocol.h). Turns messages into frames and
 * a byte stream into messages; holds at most one incomplete frame.
 */
import {
  type SupervisorBody,
  type SupervisorMessageName,
  supervisorFrameBytesMax,
  supervisorMessages,
} from './supervisor-messages.ts';
import { type Field, u8, u32, WireError, WireReader, WireWriter } from './wire-fields.ts';

/** A message with its tag, told apart by its name. */
export type SupervisorMessage = {
  [N in SupervisorMessageName]: { readonly name: N; readonly tag: number; readonly body: SupervisorBody<N> };
}[SupervisorMessageName];

const lengthBytes = 4;
const headBytes = 5;

const nameOfType = new Map<number, SupervisorMessageName>();
for (const [name, { type }] of Object.entries(supervisorMessages)) {
  nameOfType.set(type, name as SupervisorMessageName);
}

/**
 * One frame, with its length.
 *
 * @throws WireError when a value does not fit into the protocol, or the frame would be over its limit.
 */
export function encodeMessage<N extends SupervisorMessageName>(
  name: N,
  tag: number,
  body: SupervisorBody<N>,
): Buffer {
  const { type, body: field } = supervisorMessages[name];
  const writer = new WireWriter();
  u32.write(writer, 0); // the length, when it is known
  u8.write(writer, type);
  u32.write(writer, tag);
  (field as Field<unknown>).write(writer, body);
  const frame = writer.finish();
  const length = frame.length - lengthBytes;
  if (length > supervisorFrameBytesMax) {
    throw new WireError(`frame of ${length} bytes is over the limit of ${supervisorFrameBytesMax}`);
  }
  frame.writeUInt32LE(length);
  return frame;
}

/** Cuts what comes from the supervisor into messages. */
export class SupervisorDecoder {
  #rest: Buffer = Buffer.alloc(0);

  /**
   * Takes the next bytes and returns the messages that they complete.
   *
   * @throws WireError when the peer broke the protocol; the connection cannot be used any more.
   */
  push(bytes: Buffer): SupervisorMessage[] {
    this.#rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]);
    const messages: SupervisorMessage[] = [];
    while (this.#rest.length >= lengthBytes) {
      const length = this.#rest.readUInt32LE();
      if (length < headBytes || length > supervisorFrameBytesMax) {
        throw new WireError(`frame of ${length} bytes, expected ${headBytes} to ${supervisorFrameBytesMax}`);
      }
      const end = lengthBytes + length;
      if (this.#rest.length < end) break;
      messages.push(decodePayload(this.#rest.subarray(lengthBytes, end)));
      this.#rest = this.#rest.subarray(end);
    }
    return messages;
  }
}

function decodePayload(payload: Buffer): SupervisorMessage {
  const reader = new WireReader(payload);
  const type = u8.read(reader);
  const tag = u32.read(reader);
  const name = nameOfType.get(type);
  if (!name) throw new WireError(`message type ${type} is unknown`);
  const body = supervisorMessages[name].body.read(reader);
  if (reader.left > 0) throw new WireError(`message ${name} has ${reader.left} bytes too many`);
  return { name, tag, body } as SupervisorMessage;
}
