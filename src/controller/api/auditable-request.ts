/** A request of the API as the audit has it. Pure. */
import type { Json } from '#base/canonical-json.ts';

/**
 * The argument vector exactly; of an environment the names, since values may be secrets.
 *
 * @param asked a request as ProtoJSON.
 */
export function auditableRequest(asked: Json): Json {
  if (!isObject(asked) || !isObject(asked['spec'])) return asked;
  const { env, ...spec } = asked['spec'];
  return { ...asked, spec: isObject(env) ? { ...spec, env: Object.keys(env) } : spec };
}

function isObject(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
