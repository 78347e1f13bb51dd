/**
 * The HTTP/2 sessions of a client, with windows as wide as the agents' link has them: in HTTP/2's own, of 64 KiB, a log would wait
 * for its reader's word at each chunk.
 *
 * A session that is lost tells its streams first and its own listeners later. Connect's have gone by then if the command that lost
 * it disposes of the connection at once, and an error that nobody hears ends the process: so somebody hears it here.
 */
import type { SecureClientSessionOptions } from 'node:http2';
import { Http2SessionManager } from '@connectrpc/connect-node';
import { limits } from '#protocol/limits.ts';

type ManagerOptions = ConstructorParameters<typeof Http2SessionManager>;
type Request = Http2SessionManager['request'];

/** Connects as its base does, on the first request and again after a loss. */
export class WideSessionManager extends Http2SessionManager {
  readonly #known = new WeakSet<object>();

  constructor(url: string, options: ManagerOptions[1], tls: SecureClientSessionOptions) {
    super(url, options, { ...tls, settings: { initialWindowSize: limits.linkStreamWindowBytes } });
  }

  override async request(...call: Parameters<Request>): ReturnType<Request> {
    const stream = await super.request(...call);
    const { session } = stream;
    if (session && !this.#known.has(session)) {
      this.#known.add(session);
      session.on('error', () => {});
      session.setLocalWindowSize(limits.linkConnectionWindowBytes);
    }
    return stream;
  }
}
