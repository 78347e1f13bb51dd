/**
 * Keeps a node linked to its controller: session after session, for as long as it takes. Only a final Goodbye ends it.
 */

import { delay } from '#base/clock.ts';
import type { HostPort } from '#base/host-port.ts';
import type { Logger } from '#base/log.ts';
import type { Welcome } from '#protocol/gen/drover/v1/link_pb.ts';
import { limits } from '#protocol/limits.ts';
import { connectLink, type LinkCredentials } from './connect-link.ts';
import { CredentialsError } from './credentials-error.ts';
import { explainConnectionError, isRefused } from './explain-connection-error.ts';
import { type LinkEnd, LinkSession, type LinkSessionParts } from './link-session.ts';
import { planReconnect, type ReconnectHistory } from './plan-reconnect.ts';

/** What keeping a link needs. */
export interface KeepLinkedOptions extends Omit<LinkSessionParts, 'facts'> {
  /** Of the controller's agent listener. */
  readonly address: HostPort;
  /** What to show, asked before each try. @throws CredentialsError; the reason of `abort`. */
  readonly credentials: (abort: AbortSignal) => Promise<LinkCredentials>;
  readonly log: Logger;
}

/**
 * Runs until the controller wants no session of this node any more, and resolves with why; or until `abort` aborts, and
 * resolves with undefined when nothing is left of the last session. Never rejects for what a controller or a network does.
 */
export async function keepLinked(
  options: KeepLinkedOptions,
  abort: AbortSignal,
): Promise<string | undefined> {
  let history: ReconnectHistory = { failures: 0, spreadMs: 0 };
  let said = '';
  const remember = (welcome: Welcome) => {
    history = { failures: 0, spreadMs: welcome.reconnectSpreadMs };
    options.onWelcome(welcome);
  };
  while (!abort.aborted) {
    const end = await holdSession({ ...options, onWelcome: remember }, abort);
    if (abort.aborted) break;
    const plan = planReconnect(end, history, options.random());
    if (plan.kind === 'give-up') return plan.reason;
    // The same trouble for hours is one line, not thousands.
    if (end.welcomed || end.reason !== said) options.log.warn(`no session: ${end.reason}`);
    said = end.reason;
    history = { ...history, failures: plan.failures };
    await delay(options.clock, plan.delayMs, abort).catch(() => {});
  }
  return undefined;
}

/** One try: connects, and stays until the session's end. Never rejects. */
async function holdSession(options: KeepLinkedOptions, abort: AbortSignal): Promise<LinkEnd> {
  const { host, port } = options.address;
  const facts = await options.readFacts();
  try {
    const link = await connectInTime(options, abort);
    const session = new LinkSession(link, { ...options, facts });
    const stop = () => session.close('the agent stops');
    if (abort.aborted) stop();
    abort.addEventListener('abort', stop, { once: true });
    const end = await session.ended;
    abort.removeEventListener('abort', stop);
    return end;
  } catch (error) {
    if (error instanceof CredentialsError) {
      return { reason: error.message, welcomed: false, final: error.isFinal };
    }
    const reason = `cannot reach the controller at ${host}:${port}: ${explainConnectionError(error)}`;
    return { reason, welcomed: false, refused: isRefused(error) };
  }
}

async function connectInTime(options: KeepLinkedOptions, abort: AbortSignal) {
  const { address, clock } = options;
  const credentials = await options.credentials(abort);
  const late = new AbortController();
  using _timeout = clock.schedule(limits.handshakeTimeoutMs, () => late.abort(new Error('no answer')));
  return await connectLink(address, credentials, AbortSignal.any([abort, late.signal]));
}
