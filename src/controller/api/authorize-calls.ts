/**
 * Stands in front of every handler. The gate looks at the headers alone, before a byte of the request's message is
 * read: whose token it is, and whether that operator may call this method. The interceptor looks again every
 * 5 s while a stream is open, and turns what handlers throw into Connect errors. What is denied, here or by a handler that
 * asks for more, goes into the audit.
 *
 *   headers ─► gate: authenticate, authorize ─► message ─► interceptor ─► handler
 *                └─ denied: audit row                          └─ denied: audit row ─┘
 */
import { type DescMessage, type MessageShape, toJson } from '@bufbuild/protobuf';
import type { ConnectError, HandlerContext, Interceptor } from '@connectrpc/connect';
import type { Json } from '#base/canonical-json.ts';
import type { Clock } from '#base/clock.ts';
import type { Operator } from '#controller/auth/authorize.ts';
import { type ErrorReason, RefusedError } from '#protocol/errors.ts';
import { Verb } from '#protocol/gen/drover/v1/options_pb.ts';
import { toConnectError } from './api-errors.ts';
import type { ApiParts } from './api-parts.ts';
import { auditableRequest } from './auditable-request.ts';
import { type CallLimits, peerKey } from './call-limits.ts';
import { type Caller, callerKey, requireCall } from './caller.ts';
import { methodName, verbOf } from './method-verbs.ts';
import type { RefusalRecorder } from './refusal-recorder.ts';

/** An open stream loses its right at the latest so long after its operator did. */
export const recheckMs = 5_000;

type Parts = Pick<ApiParts, 'authenticator' | 'clock' | 'log'> & {
  readonly refusals: RefusalRecorder;
  readonly callLimits: CallLimits;
};

/** Runs before the message of a call is read. */
export function createGate(parts: Parts): (context: HandlerContext) => Promise<void> {
  return async (context) => {
    const verb = verbOf(context.method);
    const check = (operator: Operator | undefined) => requireCall(operator, verb);
    try {
      const operator = verb === Verb.ANYONE ? undefined : await callerOf(parts, context);
      context.values.set(callerKey, { operator, checks: [check] });
      check(operator);
    } catch (error) {
      const caller = context.values.get(callerKey);
      throw await toAnswer(parts, error, { method: context.method, operator: caller?.operator });
    }
  };
}

/** A call that failed. */
interface FailedCall {
  readonly method: HandlerContext['method'];
  readonly operator: Operator | undefined;
  /** What was asked, where that was read. */
  readonly request?: Json | undefined;
}

/** What the caller is told; a denial is in the audit by then. */
async function toAnswer(
  parts: Parts,
  error: unknown,
  { method, operator, request }: FailedCall,
): Promise<ConnectError> {
  const name = methodName(method);
  if (error instanceof RefusedError && denials.has(error.reason)) {
    const asked = request === undefined ? {} : { request };
    const refusal = { who: operator?.name, verb: verbOf(method), method: name, reason: error.message };
    await parts.refusals.record({ ...refusal, ...asked });
  }
  return toConnectError(error, name, parts.log);
}

const denials: ReadonlySet<ErrorReason> = new Set(['DENIED', 'NOT_AUTHENTICATED']);

/** The operator whose bearer token a call carries; undefined where it carries none that is good. @throws RefusedError LIMIT */
async function callerOf({ callLimits }: Parts, { requestHeader, values }: HandlerContext) {
  const token = bearerOf(requestHeader.get('authorization') ?? '');
  return token === undefined ? undefined : callLimits.authenticate(token, values.get(peerKey));
}

/** The token in an authorization header; undefined where there is none. */
export function bearerOf(authorization: string): string | undefined {
  return /^Bearer +(\S{1,512})$/i.exec(authorization)?.[1];
}

/** Wraps every handler: errors become Connect errors, and a stream ends when its operator loses the right to it. */
export function createInterceptor(parts: Parts): Interceptor {
  return (next) => async (request) => {
    const { method } = request;
    const caller = request.contextValues.get(callerKey);
    const asked = request.stream ? undefined : auditableMessage(method.input, request.message);
    const fail = (error: unknown) =>
      toAnswer(parts, error, { method, operator: caller?.operator, request: asked?.() });
    const cut = new AbortController();
    const signal = request.stream ? AbortSignal.any([request.signal, cut.signal]) : request.signal;
    try {
      const response = await next({ ...request, signal });
      if (!response.stream) return response;
      const look = () => recheck(parts, request.header, caller);
      const message = guarded(response.message, fail, () =>
        repeat(parts.clock, look, (error) => void fail(error).then((answer) => cut.abort(answer))),
      );
      return { ...response, message };
    } catch (error) {
      throw await fail(error);
    }
  };
}

/** Written out only when it is needed. */
function auditableMessage<D extends DescMessage>(schema: D, message: MessageShape<D>): () => Json {
  return () => auditableRequest(toJson(schema, message) as Json);
}

async function* guarded<T>(
  messages: AsyncIterable<T>,
  fail: (error: unknown) => Promise<ConnectError>,
  guard: () => Disposable,
): AsyncIterable<T> {
  using _ = guard();
  try {
    yield* messages;
  } catch (error) {
    throw await fail(error);
  }
}

async function recheck(
  { authenticator }: Parts,
  headers: Headers,
  caller: Caller | undefined,
): Promise<void> {
  const operator = await authenticator.authenticate(bearerOf(headers.get('authorization') ?? '') ?? '');
  for (const check of caller?.checks ?? []) await check(operator);
}

/** Calls `look` every `recheckMs` until disposed of, or until it rejects with a refusal. */
function repeat(clock: Clock, look: () => Promise<void>, refused: (error: unknown) => void): Disposable {
  const again = () =>
    clock.schedule(recheckMs, () => {
      look().then(
        () => {
          if (!done) timer = again();
        },
        (error: unknown) =>
          refused(
            error instanceof RefusedError
              ? error
              : new Error('cannot check a stream again', { cause: error }),
          ),
      );
    });
  let done = false;
  let timer = again();
  return {
    [Symbol.dispose]: () => {
      done = true;
      timer[Symbol.dispose]();
    },
  };
}
