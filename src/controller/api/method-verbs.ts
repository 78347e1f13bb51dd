/** Which verb each method asks for, read from the schema. A method that declares none keeps the controller from starting. */
import { type DescMethod, type DescService, getOption } from '@bufbuild/protobuf';
import { Verb, verb } from '#protocol/gen/drover/v1/options_pb.ts';

/** A method has no verb: a mistake in the schema. */
export class MissingVerbError extends Error {
  override readonly name = 'MissingVerbError';
}

/** The verb that the caller of a method must hold. @throws MissingVerbError */
export function verbOf(method: DescMethod): Verb {
  const declared = getOption(method, verb);
  if (declared !== Verb.UNSPECIFIED) return declared;
  throw new MissingVerbError(`${methodName(method)} declares no verb`);
}

/** @throws MissingVerbError for the first method of these services without a verb. */
export function requireVerbs(services: readonly DescService[]): void {
  for (const service of services) service.methods.forEach(verbOf);
}

/** "drover.v1.RunService/CreateRun". */
export function methodName(method: DescMethod): string {
  return `${method.parent.typeName}/${method.name}`;
}
