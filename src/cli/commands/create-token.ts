/** `drover join-token create`: a token, and the one command for the other machine. */
import { hostname } from 'node:os';
import { type CommandLine, UsageError } from '#base/command-line.ts';
import { callOptions } from '#cli/call-options.ts';
import type { CommandContext } from '#cli/command.ts';
import { parseDuration } from '#cli/output/format-duration.ts';
import { showTime } from '#cli/output/format-time.ts';
import { printJson } from '#cli/output/json.ts';
import { parseCount } from '#cli/parse-count.ts';
import { reachableAddress } from '#cli/reachable-address.ts';
import type { createTokenSyntax } from '#cli/syntax/cluster-syntax.ts';
import { exitCodes } from '#core/exit-code.ts';
import { CreateJoinTokenResponseSchema } from '#protocol/gen/drover/v1/api_pb.ts';

/** Makes a token. It is printed and kept nowhere. */
export async function createToken(
  context: CommandContext,
  { options }: CommandLine<(typeof createTokenSyntax)['options']>,
): Promise<number> {
  const request = {
    names: options.names ?? '',
    labels: Object.fromEntries((options.label ?? []).map(parseLabel)),
    ttlSeconds: options.ttl === undefined ? 0 : Math.ceil(parseDuration(options.ttl, '--ttl') / 1000),
    uses: options.uses === undefined ? 0 : parseCount(options.uses, '--uses'),
  };
  const { out } = context;
  const connection = await context.connect(options.data);
  const response = await connection.joinTokens.createJoinToken(request, callOptions(context));
  if (options.output === 'json') {
    printJson(out, CreateJoinTokenResponseSchema, response);
    return exitCodes.success;
  }
  const { agentAddress } = await connection.cluster.getCluster({}, callOptions(context));
  const { address, onlyHere } = reachableAddress(connection.address, agentAddress, hostname());
  out.outLine(response.token);
  out.outLine(`drover agent --join ${response.token} --controller ${address}`);
  const { recorded } = response;
  const uses = recorded?.usesLeft === 1 ? 'one node' : `${recorded?.usesLeft} nodes`;
  out.errLine(
    `It lets in ${uses} until ${showTime(recorded?.expiresAt)}. It is a secret and is not shown again.`,
  );
  if (onlyHere) {
    out.errLine(
      'This controller listens on this machine only: start it with --listen 0.0.0.0:7443 --agent-listen 0.0.0.0:7444',
    );
  }
  return exitCodes.success;
}

function parseLabel(text: string): [string, string] {
  const equals = text.indexOf('=');
  if (equals < 1) throw new UsageError(`--label takes KEY=VALUE, not ${JSON.stringify(text)}`);
  return [text.slice(0, equals), text.slice(equals + 1)];
}
