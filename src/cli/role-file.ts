/** Roles as YAML: what `drover role create` reads and `drover role show` prints. Whether a rule makes sense, the controller says. */
import { create, fromJson, type JsonValue, toJson } from '@bufbuild/protobuf';
import { parseDocument, stringify } from 'yaml';
import { UsageError } from '#base/command-line.ts';
import { type Role, RoleSchema } from '#protocol/gen/drover/v1/access_pb.ts';

/**
 * Reads a role.
 *
 * @param place where it is from, for the error.
 * @throws UsageError
 */
export function parseRole(text: string, place: string): Role {
  const document = parseDocument(text, { prettyErrors: false });
  const [broken] = document.errors;
  if (broken) throw new UsageError(`${place}: not YAML: ${broken.message}`);
  try {
    return fromJson(RoleSchema, document.toJS({ maxAliasCount: 0 }) as JsonValue);
  } catch (error) {
    const { message } = error as Error;
    throw new UsageError(
      `${place}: no role: ${message.replace(/^cannot decode (?:message|field) drover\.v1\./, '')}`,
    );
  }
}

/** Writes one, without what is known of it beside what it says. */
export function renderRole({ name, description, rules }: Role): string {
  return stringify(toJson(RoleSchema, create(RoleSchema, { name, description, rules })));
}
