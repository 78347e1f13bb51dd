/**
 * Stands in front of every handler. The gate looks at the headers alone, before a byte of the request's message is
 * read: whose token it is, and whether that operator may call this method. The interceptor looks again every
 * 5 s while a stream is open, and turns what handlers throw into Connect errors.
 *
 *   headers ─► gate: authenticate, authorize ─► message ─► interceptor ─► handler
 *                └─ refused: audit row if it would have changed something or reached into nodes
 */
import type { ConnectError, HandlerContext, Interceptor } from '@connectrpc/connect';
import type { Clock } from '#base/clock.ts';
import { auditRecord } from '#controller/auth/audit-entry.ts';
import type { Operator } from '#controller/auth/authorize.ts';
import { authenticate } from '#controller/auth/operators.ts';
import { RefusedError } from '#protocol/errors.ts';
import { Verb } from '#protocol/gen/drover/v1/options_pb.ts';
import { toConnectError } from './api-errors.ts';
import type { ApiParts } from './api-parts.ts';
import { type Caller, callerKey, requireAllowed } from './caller.ts';
import { methodName, verbOf } from './method-verbs.ts';

/** An open stream loses its right at the latest so long after its operator did. */
export const recheckMs = 5_000;

type Parts = Pick<ApiParts, 'store' | 'clock' | 'log'>;

/** Verbs of which a refusal goes into the audit: those that change something, or reach into nodes. */
const auditedVerbs: ReadonlySet<Verb> = new Set([
  Verb.NODE_MANAGE,
  Verb.TASK_LAUNCH,
  Verb.TASK_SIGNAL,
  Verb.TASK_SHELL,
  Verb.SHELL_OPEN,
  Verb.TOKEN_CREATE,
  Verb.FILE_READ,
  Verb.FILE_WRITE,
  Verb.FILE_REMOVE,
]);

/** Runs before the message of a call is read. */
export function createGate(parts: Parts): (context: HandlerContext) => Promise<void> {
  return async (context) => {
    const verb = verbOf(context.method);
    const caller: Caller = { operator: undefined, verbs: new Set([verb]) };
    try {
      const operator = verb === Verb.ANYONE ? undefined : await callerOf(parts, context.requestHeader);
      context.values.set(callerKey, { ...caller, operator });
      await allow(parts, context, operator, verb);
    } catch (error) {
      throw toConnectError(error, methodName(context.method), parts.log);
    }
  };
}

async function allow(parts: Parts, context: HandlerContext, operator: Operator | undefined, verb: Verb) {
  try {
    requireAllowed(operator, verb);
  } catch (error) {
    // A stranger must not be able to fill the audit: those are logged only.
    if (operator && auditedVerbs.has(verb)) await recordRefusal(parts, context, operator, verb);
    else parts.log.warn({ method: methodName(context.method), who: operator?.name ?? '-' }, 'call refused');
    throw error;
  }
}

async function recordRefusal(
  { store, clock }: Parts,
  context: HandlerContext,
  operator: Operator,
  verb: Verb,
): Promise<void> {
  const record = auditRecord({
    atMs: clock.wallMs(),
    who: operator.name,
    verb,
    decision: 'denied',
    targets: '',
    request: { method: methodName(context.method) },
  });
  await store.transact((writer) => writer.insertAudit(record));
}

/** The operator whose bearer token the headers carry. */
function callerOf(parts: Parts, headers: Headers): Promise<Operator | undefined> {
  return operatorWith(parts, headers.get('authorization') ?? '');
}

/** The operator whose bearer token an authorization header carries; undefined where it carries none that is good. */
export async function operatorWith(
  { store, clock }: Pick<Parts, 'store' | 'clock'>,
  authorization: string,
): Promise<Operator | undefined> {
  const token = /^Bearer +(\S{1,512})$/i.exec(authorization)?.[1];
  return token === undefined ? undefined : authenticate(store.read, token, clock.wallMs());
}

/** Wraps every handler: errors become Connect errors, and a stream ends when its operator loses the right to it. */
export function createInterceptor(parts: Parts): Interceptor {
  return (next) => async (request) => {
    const method = methodName(request.method);
    const fail = (error: unknown) => toConnectError(error, method, parts.log);
    const cut = new AbortController();
    const signal = request.stream ? AbortSignal.any([request.signal, cut.signal]) : request.signal;
    try {
      const response = await next({ ...request, signal });
      if (!response.stream) return response;
      const caller = request.contextValues.get(callerKey);
      const look = () => recheck(parts, request.header, caller);
      const message = guarded(response.message, fail, () =>
        repeat(parts.clock, look, (e) => cut.abort(fail(e))),
      );
      return { ...response, message };
    } catch (error) {
      throw fail(error);
    }
  };
}

async function* guarded<T>(
  messages: AsyncIterable<T>,
  fail: (error: unknown) => ConnectError,
  guard: () => Disposable,
): AsyncIterable<T> {
  using _ = guard();
  try {
    yield* messages;
  } catch (error) {
    throw fail(error);
  }
}

async function recheck(parts: Parts, headers: Headers, caller: Caller | undefined): Promise<void> {
  const operator = await callerOf(parts, headers);
  for (const verb of caller?.verbs ?? []) requireAllowed(operator, verb);
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
