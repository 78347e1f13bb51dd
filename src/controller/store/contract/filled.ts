/** Messages with every field set, by reflection, so that a field that is added later is tested from that day. */
import { create, type DescField, type DescMessage, type Message, ScalarType } from '@bufbuild/protobuf';
import { reflect } from '@bufbuild/protobuf/reflect';
import { TimestampSchema, timestampFromMs } from '@bufbuild/protobuf/wkt';
import { madeAtMs } from './records.ts';

const awkwardText = `'";--%_\\ \n\u2028é😀`;

/**
 * A message with every field set to something that is not its default: lists and maps have two elements, numbers are
 * the greatest of their type. Of a oneof it is the member at `choice`, counted around.
 */
export function filled(schema: DescMessage, choice = 0): Message {
  if (schema.typeName === TimestampSchema.typeName) return timestampFromMs(madeAtMs);
  const message = reflect(schema, create(schema));
  for (const field of schema.fields) {
    const chosen = field.oneof?.fields[choice % field.oneof.fields.length] ?? field;
    if (chosen === field) fill(message, field, choice);
  }
  return message.message;
}

function fill(message: ReturnType<typeof reflect>, field: DescField, choice: number): void {
  switch (field.fieldKind) {
    case 'list': {
      const list = message.get(field);
      list.add(element(field, choice));
      list.add(element(field, choice + 1));
      return;
    }
    case 'map': {
      const map = message.get(field);
      map.set('key', scalar(field.scalar ?? ScalarType.STRING));
      map.set(awkwardText, scalar(field.scalar ?? ScalarType.STRING));
      return;
    }
    default:
      message.set(field, element(field, choice));
  }
}

function element(field: DescField, choice: number): unknown {
  if (field.message) return reflect(field.message, filled(field.message, choice));
  if (field.enum) return field.enum.values.at(-1)?.number;
  return scalar(field.scalar ?? ScalarType.STRING);
}

function scalar(type: ScalarType): unknown {
  switch (type) {
    case ScalarType.STRING:
      return awkwardText;
    case ScalarType.BOOL:
      return true;
    case ScalarType.INT32:
      return 2 ** 31 - 1;
    case ScalarType.UINT32:
      return 2 ** 32 - 1;
    case ScalarType.UINT64:
      return 2n ** 64n - 1n;
    default:
      throw new TypeError(`no example of scalar type ${type}: add one`);
  }
}
