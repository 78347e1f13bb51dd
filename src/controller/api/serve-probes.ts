/**
 * The paths that are no RPC: /healthz and /readyz for whatever watches the process, which say yes or no to anybody and nothing else;
 * and /metrics for Prometheus, for a bearer token whose operator may read nodes.
 */
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { Operator } from '#controller/auth/authorize.ts';
import { RefusedError } from '#protocol/errors.ts';
import { Verb } from '#protocol/gen/drover/v1/options_pb.ts';
import type { ApiParts } from './api-parts.ts';
import { bearerOf } from './authorize-calls.ts';
import type { CallLimits } from './call-limits.ts';
import { requireAllowed } from './caller.ts';
import type { RefusalRecorder } from './refusal-recorder.ts';

type Parts = Pick<ApiParts, 'store' | 'dispatch' | 'clock' | 'log' | 'metrics' | 'staging'> & {
  readonly refusals: RefusalRecorder;
  readonly callLimits: CallLimits;
};

interface Answer {
  readonly status: number;
  readonly text: string;
  readonly contentType?: string;
}

type Probe = (parts: Parts, request: Http2ServerRequest) => Promise<Answer>;

const probes: ReadonlyMap<string, Probe> = new Map<string, Probe>([
  ['/healthz', async () => ({ status: 200, text: 'ok\n' })],
  ['/readyz', readiness],
  ['/metrics', metrics],
]);

/** Answers a request for one of these paths; false where it is for another. */
export function serveProbe(
  parts: Parts,
  request: Http2ServerRequest,
  response: Http2ServerResponse,
): boolean {
  const [path = ''] = request.url.split('?', 1);
  const probe = probes.get(path);
  if (!probe) return false;
  answer(probe, parts, request).then(
    ({ status, text, contentType = 'text/plain; charset=utf-8' }) =>
      response.writeHead(status, { 'content-type': contentType, 'cache-control': 'no-store' }).end(text),
    (error: unknown) => {
      parts.log.error({ err: error, path }, 'a probe failed');
      response.writeHead(500).end();
    },
  );
  return true;
}

async function answer(probe: Probe, parts: Parts, request: Http2ServerRequest): Promise<Answer> {
  if (request.method === 'GET' || request.method === 'HEAD') return probe(parts, request);
  return { status: 405, text: '' };
}

async function readiness({ store, dispatch, log }: Parts): Promise<Answer> {
  try {
    await store.read.clusterId();
  } catch (error) {
    log.warn({ err: error }, 'not ready: the store does not answer');
    return { status: 503, text: 'not ready\n' };
  }
  return dispatch.isListening() ? { status: 200, text: 'ready\n' } : { status: 503, text: 'not ready\n' };
}

async function metrics(parts: Parts, request: Http2ServerRequest): Promise<Answer> {
  const token = bearerOf(request.headers.authorization ?? '');
  let operator: Operator | undefined;
  try {
    if (token !== undefined)
      operator = await parts.callLimits.authenticate(token, request.socket.remoteAddress ?? '');
    requireAllowed(operator, Verb.NODE_READ, [{}]);
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    if (error.reason === 'LIMIT') return { status: 429, text: `${error.message}\n` };
    const refusal = { who: operator?.name, verb: Verb.NODE_READ, method: '/metrics', reason: error.message };
    await parts.refusals.record(refusal);
    return { status: operator ? 403 : 401, text: `${error.message}\n` };
  }
  const { contentType, text } = await parts.metrics.render(parts);
  return { status: 200, text, contentType };
}
