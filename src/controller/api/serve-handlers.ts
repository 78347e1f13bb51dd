/**
 * Between Node's HTTP server and Connect's handlers. Connect brings an adapter of its own, which writes to the console
 * whenever a caller goes away in the middle of an answer; here that is a line for those who debug.
 */
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { createContextValues } from '@connectrpc/connect';
import type { UniversalHandler } from '@connectrpc/connect/protocol';
import { universalRequestFromNodeRequest, universalResponseToNodeResponse } from '@connectrpc/connect-node';
import type { Logger } from '#base/log.ts';
import { prepareBulk } from './bulk-data.ts';
import { peerKey } from './call-limits.ts';
import { bindingKey, readBinding } from './connection-binding.ts';

/** A listener for requests that hands each to the handler of its path; 404 where there is none. */
export function serveHandlers(
  handlers: readonly UniversalHandler[],
  log: Logger,
): (request: Http2ServerRequest, response: Http2ServerResponse) => void {
  const byPath = new Map(handlers.map((handler) => [handler.requestPath, handler]));
  return (request, response) => {
    const [path = ''] = request.url.split('?', 1);
    const handler = byPath.get(path);
    if (handler) {
      serve(handler, request, response).catch((error: unknown) =>
        log.debug({ err: error, path }, 'answer cut'),
      );
    } else {
      response.writeHead(404).end();
    }
  };
}

async function serve(handler: UniversalHandler, request: Http2ServerRequest, response: Http2ServerResponse) {
  const bulk = prepareBulk(handler.method.output, request.headers['content-type']);
  const values = (bulk?.contextValues ?? createContextValues())
    .set(peerKey, request.socket.remoteAddress ?? '')
    .set(bindingKey, () => readBinding(request));
  const asked = universalRequestFromNodeRequest(request, response, undefined, values);
  const answer = await handler(asked);
  const body = bulk && answer.body && { body: bulk.attach(answer.body) };
  await universalResponseToNodeResponse({ ...answer, ...body }, response);
}
