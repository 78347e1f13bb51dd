/**
 * Keeps idle and unfinished connections from piling up. HTTP/1.1 has Node's own timeouts; an HTTP/2 connection is closed
 * here when it opens no stream in time, or has had none for long. Open streams are their handlers' business.
 */
import type { Http2SecureServer, ServerHttp2Session } from 'node:http2';
import { limits } from '#protocol/limits.ts';

/** A client keeps its connection between two commands at a prompt; five minutes of nothing is nobody. */
const idleTimeoutMs = 5 * 60_000;

/** Watches the sessions of `server`. */
export function closeIdleSessions(server: Http2SecureServer): void {
  server.on('session', (session) => watch(session));
}

function watch(session: ServerHttp2Session): void {
  let open = 0;
  const close = () => session.destroy();
  let timer: NodeJS.Timeout | undefined = setTimeout(close, limits.headersTimeoutMs).unref();
  session.on('stream', (stream) => {
    open++;
    clearTimeout(timer);
    stream.once('close', () => {
      open--;
      if (open === 0 && !session.destroyed) timer = setTimeout(close, idleTimeoutMs).unref();
    });
  });
  session.once('close', () => {
    clearTimeout(timer);
    timer = undefined;
  });
}
