/**
 * What a failure means to the person at the keyboard: one line and an exit code. The one place that reads what was
 * thrown; everything it does not know is a fault of this program and says so.
 */
import { Code, ConnectError } from '@connectrpc/connect';
import { UsageError } from '#base/command-line.ts';
import { DirectoryError } from '#base/make-directory.ts';
import { exitCodes } from '#core/exit-code.ts';
import { ExpressionError, renderPointer } from '#core/expression/expression-error.ts';
import { formatSize } from '#core/format-size.ts';
import type { ErrorReason } from '#protocol/errors.ts';
import { ErrorDetailSchema } from '#protocol/gen/drover/v1/api_pb.ts';
import { limits } from '#protocol/limits.ts';
import { CommandError } from './command-error.ts';
import { oneLine } from './output/strip-control.ts';
import { hostOf, isLoopback } from './reachable-address.ts';

/** One line without a final full stop, and the exit code that goes with it. */
export interface Failure {
  readonly message: string;
  readonly exitCode: number;
  /** Two more lines for a person: an expression, and a caret under the character at fault. */
  readonly pointer?: string;
}

/** Exit code of each reason that the API refuses with; `drover help exit-codes` says the same in words. */
const exitCodeOfReason: Readonly<Record<ErrorReason, number>> = {
  INVALID: exitCodes.usage,
  AMBIGUOUS_TASK: exitCodes.usage,
  NO_SUCH_NODE: exitCodes.noNode,
  NO_NODE_MATCHED: exitCodes.noNode,
  NOT_AUTHENTICATED: exitCodes.denied,
  DENIED: exitCodes.denied,
  TOKEN_REFUSED: exitCodes.denied,
  RENEWAL_REFUSED: exitCodes.denied,
  NAME_REFUSED: exitCodes.denied,
  NO_SUCH_TASK: exitCodes.requestFailed,
  NO_SUCH_TOKEN: exitCodes.requestFailed,
  NO_SUCH_USER: exitCodes.requestFailed,
  NO_SUCH_ROLE: exitCodes.requestFailed,
  USER_EXISTS: exitCodes.requestFailed,
  ROLE_EXISTS: exitCodes.requestFailed,
  RUN_EXISTS: exitCodes.requestFailed,
  NO_LOGIN: exitCodes.requestFailed,
  LIMIT: exitCodes.requestFailed,
  STOPPING: exitCodes.requestFailed,
};

/** Words for the system's errors that a connection commonly meets. */
const systemErrors: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EPIPE: 'connection closed',
  ETIMEDOUT: 'timed out',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'the name cannot be resolved now',
  EHOSTUNREACH: 'no route to host',
  ENETUNREACH: 'network unreachable',
};

/**
 * Describes what was thrown.
 *
 * @param address HOST:PORT of the controller that was talked to, where one was.
 */
export function describeFailure(error: unknown, address = 'its address'): Failure {
  if (error instanceof UsageError) return { message: oneLine(error.message), exitCode: exitCodes.usage };
  if (error instanceof ExpressionError) {
    return { message: error.message, exitCode: exitCodes.usage, pointer: renderPointer(error) };
  }
  if (error instanceof DirectoryError)
    return { message: oneLine(error.message), exitCode: exitCodes.requestFailed };
  if (error instanceof CommandError) return { message: oneLine(error.message), exitCode: error.exitCode };
  if (error instanceof ConnectError) return describeConnectError(error, address);
  return { message: describeFault(error), exitCode: exitCodes.requestFailed };
}

/** The reason that the API gave; undefined where it gave none, as for a lost connection. */
export function reasonOf(error: unknown): ErrorReason | undefined {
  if (!(error instanceof ConnectError)) return undefined;
  const reason = error.findDetails(ErrorDetailSchema)[0]?.reason;
  return reason !== undefined && reason in exitCodeOfReason ? (reason as ErrorReason) : undefined;
}

/** The controller refused what was asked, by a reason or as too large: it has certainly not happened. */
export function isRefused(error: unknown): boolean {
  const tooLarge = error instanceof ConnectError && error.code === Code.ResourceExhausted;
  return tooLarge || reasonOf(error) !== undefined;
}

/** Codes of a call whose connection went away: "canceled" is what the streams of a closed connection end with. */
const lostCodes: ReadonlySet<Code> = new Set([Code.Unavailable, Code.Aborted, Code.Canceled]);

/** Calls of the system that come before there is a connection. */
const connecting: ReadonlySet<string> = new Set(['connect', 'getaddrinfo']);

/**
 * The connection broke, or there was none: what was asked may or may not have happened. A call that the caller itself has
 * aborted looks the same; whoever aborts knows.
 */
export function isConnectionLost(error: unknown): boolean {
  if (!(error instanceof ConnectError) || isRefused(error)) return false;
  return lostCodes.has(error.code) || chainOf(error).some(({ code }) => typeof code === 'string');
}

/** No connection ever came about: what was asked has certainly not happened. */
export function neverConnected(error: unknown): boolean {
  return chainOf(error).some(({ code = '', syscall = '' }) => {
    return connecting.has(syscall) || certificateError(code) !== undefined;
  });
}

function describeConnectError(error: ConnectError, address: string): Failure {
  const reason = reasonOf(error);
  if (reason) return { message: oneLine(error.rawMessage), exitCode: exitCodeOfReason[reason] };
  const code = systemCode(error);
  if (code !== undefined) {
    const why = systemErrors[code] ?? certificateError(code) ?? code;
    const hint = code === 'ECONNREFUSED' && isLoopback(hostOf(address)) ? ': start it with drover up' : '';
    return {
      message: `cannot reach the controller at ${address}: ${why}${hint}`,
      exitCode: exitCodes.requestFailed,
    };
  }
  // The API's own refusals have reasons: without one it is the size of the message.
  if (error.code === Code.ResourceExhausted) {
    return {
      message: `the request is larger than ${formatSize(limits.messageBytesMax)}: give fewer or shorter words and variables`,
      exitCode: exitCodes.requestFailed,
    };
  }
  if (error.code === Code.DeadlineExceeded) {
    return {
      message: `the controller at ${address} did not answer in time`,
      exitCode: exitCodes.requestFailed,
    };
  }
  if (isConnectionLost(error)) {
    return { message: `lost the controller at ${address}`, exitCode: exitCodes.requestFailed };
  }
  return { message: oneLine(error.rawMessage) || Code[error.code], exitCode: exitCodes.requestFailed };
}

function certificateError(code: string): string | undefined {
  if (!/CERT|SIGNATURE|ISSUER|TLS|SSL/.test(code)) return undefined;
  return `its certificate is not that of this cluster (${code})`;
}

/** The system's or TLS's error code in the chain of causes; none for what Node.js says of a stream that was cut off. */
function systemCode(error: unknown): string | undefined {
  return chainOf(error).find(({ code }) => typeof code === 'string' && !/^ERR_(HTTP2|STREAM)_/.test(code))
    ?.code;
}

/** The error and its causes; the codes of gRPC are numbers. */
function chainOf(error: unknown): readonly NodeJS.ErrnoException[] {
  const chain = new Set<NodeJS.ErrnoException>();
  for (let cause = error; cause instanceof Error && !chain.has(cause); cause = cause.cause) chain.add(cause);
  return [...chain];
}

function describeFault(error: unknown): string {
  if (!(error instanceof Error)) return `internal error: ${oneLine(String(error))}`;
  const { code, syscall } = error as NodeJS.ErrnoException;
  const ofSystem = typeof code === 'string' && typeof syscall === 'string';
  return ofSystem ? oneLine(error.message) : `internal error: ${oneLine(error.message)}`;
}
