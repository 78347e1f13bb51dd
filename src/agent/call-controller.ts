/**
 * Calls of JoinService: each on a connection of its own to the controller's API, by the fixed name whatever is dialled. What the
 * connection is to be trusted by, its caller says.
 */
import type { SecureClientSessionOptions } from 'node:http2';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { type Client, Code, ConnectError, createClient } from '@connectrpc/connect';
import { createConnectTransport, Http2SessionManager } from '@connectrpc/connect-node';
import { formatHostPort, type HostPort } from '#base/host-port.ts';
import { JoinService } from '#protocol/gen/drover/v1/api_pb.ts';
import { limits } from '#protocol/limits.ts';
import { controllerServerName } from '#protocol/version.ts';
import { explainConnectionError } from './session/explain-connection-error.ts';

/** The longest answer to expect: a root, or two certificates. */
const answerBytesMax = 64 << 10;

/** One connection. */
export interface ControllerCall {
  readonly client: Client<typeof JoinService>;
  /** The connection itself, secured; the call goes over it or fails. @throws what kept it from being; the reason of `abort`. */
  connect(abort: AbortSignal): Promise<TLSSocket>;
}

/** What the controller is trusted by. */
export type Trust = Pick<SecureClientSessionOptions, 'ca' | 'rejectUnauthorized'>;

/** Runs `call`, and closes its connection. @throws what `call` does. */
export async function callController<T>(
  controller: HostPort,
  trust: Trust,
  call: (on: ControllerCall) => Promise<T>,
): Promise<T> {
  const baseUrl = `https://${formatHostPort(controller)}`;
  const { host, port } = controller;
  const tls = {
    ...trust,
    host,
    port,
    servername: controllerServerName,
    minVersion: 'TLSv1.3',
    ALPNProtocols: ['h2'],
  } as const;
  let socket: TLSSocket | undefined;
  const createConnection = () => {
    // What was proved on one connection is worth nothing on another.
    if (socket) throw new Error('the connection was lost');
    socket = connectTls(tls);
    return socket;
  };
  const sessionManager = new Http2SessionManager(baseUrl, {}, { createConnection });
  const transport = createConnectTransport({
    httpVersion: '2',
    baseUrl,
    sessionManager,
    readMaxBytes: answerBytesMax,
    defaultTimeoutMs: limits.handshakeTimeoutMs,
  });
  try {
    return await call({
      client: createClient(JoinService, transport),
      async connect(abort) {
        const giveUp = (why: unknown) => sessionManager.abort(why instanceof Error ? why : undefined);
        const timer = setTimeout(() => giveUp(new Error('no answer')), limits.handshakeTimeoutMs);
        const stop = () => giveUp(abort.reason);
        abort.addEventListener('abort', stop, { once: true });
        await sessionManager.connect();
        clearTimeout(timer);
        abort.removeEventListener('abort', stop);
        abort.throwIfAborted();
        if (sessionManager.state() === 'error' || !socket) throw sessionManager.error();
        return socket;
      },
    });
  } finally {
    sessionManager.abort();
  }
}

/** Why no answer came, for one line. */
export function explainSilence(error: unknown): string {
  if (!(error instanceof ConnectError)) return explainConnectionError(error);
  if (error.code === Code.DeadlineExceeded) return 'no answer';
  return error.cause === undefined ? error.rawMessage : explainConnectionError(error.cause);
}
