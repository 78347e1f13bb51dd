/**
 * Messages and small records as the JSON text of their columns. Reading ignores members that it does not know, so that
 * a field which a later version of the same tables added stands in nobody's way.
 */
import {
  type DescMessage,
  fromJson,
  fromJsonString,
  type JsonValue,
  type MessageShape,
  toJson,
  toJsonString,
} from '@bufbuild/protobuf';
import { type Timestamp, timestampMs } from '@bufbuild/protobuf/wkt';

const lenient = { ignoreUnknownFields: true };

/** A message as canonical JSON. */
export function encodeMessage<D extends DescMessage>(schema: D, message: MessageShape<D>): string {
  return toJsonString(schema, message);
}

/** A message, or null for none. */
export function encodeOptional<D extends DescMessage>(
  schema: D,
  message: MessageShape<D> | undefined,
): string | null {
  return message ? toJsonString(schema, message) : null;
}

/** The message of `encodeMessage`. */
export function decodeMessage<D extends DescMessage>(schema: D, text: string): MessageShape<D> {
  return fromJsonString(schema, text, lenient);
}

/** The message of `encodeOptional`. */
export function decodeOptional<D extends DescMessage>(
  schema: D,
  text: string | null,
): MessageShape<D> | undefined {
  return text === null ? undefined : fromJsonString(schema, text, lenient);
}

/** Messages as a JSON array. */
export function encodeMessages<D extends DescMessage>(
  schema: D,
  messages: readonly MessageShape<D>[],
): string {
  return JSON.stringify(messages.map((message) => toJson(schema, message)));
}

/** The messages of `encodeMessages`. */
export function decodeMessages<D extends DescMessage>(schema: D, text: string): MessageShape<D>[] {
  const values = JSON.parse(text) as JsonValue[];
  return values.map((value) => fromJson(schema, value, lenient));
}

/** Texts by key, such as labels. */
export function encodeTexts(labels: Readonly<Record<string, string>>): string {
  return JSON.stringify(labels);
}

/** The texts of `encodeTexts`. */
export function decodeTexts(text: string): Record<string, string> {
  return JSON.parse(text) as Record<string, string>;
}

/** Names as a JSON array, such as those of roles. */
export function encodeNames(names: readonly string[]): string {
  return JSON.stringify(names);
}

/** The names of `encodeNames`. */
export function decodeNames(text: string): string[] {
  return JSON.parse(text) as string[];
}

/**
 * Milliseconds of a time that every recorded message has; sub-millisecond digits are not kept.
 *
 * @throws TypeError when it is missing.
 */
export function requiredMs(time: Timestamp | undefined, field: string): number {
  if (!time) throw new TypeError(`${field} is not set`);
  return timestampMs(time);
}
