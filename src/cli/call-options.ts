/** The options of a call that is no stream: it ends with the command, and it does not wait for ever. */
import type { CallOptions } from '@connectrpc/connect';
import type { CommandContext } from './command.ts';

/** Longest wait for the answer: a controller asks its nodes for less than that. */
export const callTimeoutMs = 60_000;

/** @param timeoutMs longest wait for the answer. */
export function callOptions(context: Pick<CommandContext, 'abort'>, timeoutMs = callTimeoutMs): CallOptions {
  return { signal: context.abort, timeoutMs };
}
