/**
 * Cuts connections of the API whose other end is gone without a word: a host that lost its power, a network that swallows
 * everything. TCP notices that after a quarter of an hour, in which a task with a reader would be held up for nobody. Whether a
 * client reads is not asked here: one that answers pings is there.
 */
import type { Http2SecureServer, Http2Server, ServerHttp2Session } from 'node:http2';
import type { Clock } from '#base/clock.ts';
import { limits } from '#protocol/limits.ts';

interface Heard {
  /** Received in all at the last look. */
  bytes: number;
  /** Looks in a row at which nothing had come since the one before. */
  silentLooks: number;
}

/** Silence is counted in looks and not by the clock: a controller that was paused has not asked in that time. */
const silentLooksMax = limits.apiSilenceMaxMs / limits.apiPingIntervalMs;

/** Watches the HTTP/2 sessions of `server` until it is disposed of; begins before it listens. */
export function cutSilentSessions(server: Http2SecureServer | Http2Server, clock: Clock): Disposable {
  const watched = new Map<ServerHttp2Session, Heard>();
  server.on('session', (session: ServerHttp2Session) => {
    watched.set(session, { bytes: 0, silentLooks: 0 });
    session.once('close', () => watched.delete(session));
  });
  const lookAgain = () =>
    clock.schedule(limits.apiPingIntervalMs, () => {
      timer = lookAgain();
      // Behind what has come already: after a pause timers come before it.
      setImmediate(() => {
        for (const [session, heard] of watched) look(session, heard);
      });
    });
  let timer = lookAgain();
  return { [Symbol.dispose]: () => timer[Symbol.dispose]() };
}

function look(session: ServerHttp2Session, heard: Heard): void {
  if (session.destroyed) return;
  const bytes = session.socket.bytesRead;
  heard.silentLooks = bytes === heard.bytes ? heard.silentLooks + 1 : 0;
  heard.bytes = bytes;
  if (heard.silentLooks >= silentLooksMax) session.destroy();
  else session.ping(() => {});
}
