/** `drover version`: this program's version, and the controller's where one answers. */
import type { CommandLine } from '#base/command-line.ts';
import { version as ownVersion } from '#base/installation.ts';
import { callOptions } from '#cli/call-options.ts';
import type { CommandContext } from '#cli/command.ts';
import { describeFailure } from '#cli/failure.ts';
import { showTime } from '#cli/output/format-time.ts';
import type { versionSyntax } from '#cli/syntax/cluster-syntax.ts';
import { exitCodes } from '#core/exit-code.ts';
import type { GetClusterResponse } from '#protocol/gen/drover/v1/api_pb.ts';

/** A controller that does not answer is said, and is no failure. */
export async function version(
  context: CommandContext,
  { options }: CommandLine<(typeof versionSyntax)['options']>,
): Promise<number> {
  const { out } = context;
  const cluster = await askCluster(context, options.data);
  if (options.output === 'json') {
    const controller = typeof cluster === 'string' ? undefined : cluster.version;
    out.outLine(JSON.stringify({ version: ownVersion, controllerVersion: controller }, null, 2));
    return exitCodes.success;
  }
  out.outLine(`drover ${ownVersion}`);
  if (typeof cluster === 'string') out.errLine(`drover: ${cluster}`);
  else
    out.outLine(
      `controller ${cluster.version}, up since ${showTime(cluster.startedAt)}, cluster ${cluster.id}`,
    );
  return exitCodes.success;
}

/** What the controller says of itself, or why it says nothing. */
async function askCluster(
  context: CommandContext,
  data: string | undefined,
): Promise<GetClusterResponse | string> {
  let address: string | undefined;
  try {
    const connection = await context.connect(data);
    address = connection.address;
    return await connection.cluster.getCluster({}, callOptions(context));
  } catch (error) {
    return describeFailure(error, address).message;
  }
}
