/**
 * What a caller of the API is told when something is thrown: the one place where errors become Connect errors. A
 * refusal keeps its line and gets its reason as a detail; whatever is not the caller's business becomes one short
 * public line, and is logged with its cause.
 */
import { Code, ConnectError } from '@connectrpc/connect';
import type { Logger } from '#base/log.ts';
import { redactSecrets } from '#base/redact-secrets.ts';
import { NodeRefusedError } from '#controller/dispatch/dispatch.ts';
import { StoreError } from '#controller/store/store.ts';
import { errorReasons, RefusedError } from '#protocol/errors.ts';
import { ErrorDetailSchema } from '#protocol/gen/drover/v1/api_pb.ts';

/** Most subjects that one error names. */
const subjectsMax = 100;

const codes = {
  invalid_argument: Code.InvalidArgument,
  not_found: Code.NotFound,
  already_exists: Code.AlreadyExists,
  unauthenticated: Code.Unauthenticated,
  permission_denied: Code.PermissionDenied,
  failed_precondition: Code.FailedPrecondition,
  resource_exhausted: Code.ResourceExhausted,
  unavailable: Code.Unavailable,
} as const satisfies Record<(typeof errorReasons)[keyof typeof errorReasons], Code>;

/** The Connect error for whatever `method` threw. */
export function toConnectError(error: unknown, method: string, log: Logger): ConnectError {
  if (error instanceof ConnectError) return error;
  if (error instanceof RefusedError) return refusal(error);
  if (error instanceof NodeRefusedError) {
    return new ConnectError(error.message, Code.FailedPrecondition, undefined, undefined, error);
  }
  if (error instanceof StoreError && error.reason === 'invalid') {
    return refusal(new RefusedError('INVALID', error.message, [], { cause: error }));
  }
  if (isAbort(error)) return new ConnectError('the call was cancelled', Code.Canceled);
  log.error({ err: error, method }, 'call failed');
  const line =
    error instanceof StoreError
      ? "the controller's store failed, see the controller's log"
      : "the controller failed, see the controller's log";
  return new ConnectError(line, Code.Internal, undefined, undefined, error);
}

function refusal(error: RefusedError): ConnectError {
  const value = { reason: error.reason, subjects: error.subjects.slice(0, subjectsMax).map(redactSecrets) };
  const detail = { desc: ErrorDetailSchema, value };
  const line = redactSecrets(error.message);
  return new ConnectError(line, codes[errorReasons[error.reason]], undefined, [detail], error);
}

/** The caller went away: its call was aborted, or what it was sending or reading was cut. */
function isAbort(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return error.name === 'AbortError' || (error as NodeJS.ErrnoException).code === 'ECANCELED';
}
