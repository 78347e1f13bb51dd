/** Reads events of the cluster across lost connections: each once, none left out, resumed by their numbers. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Connection } from '#cli/connect-cluster.ts';
import type { ClusterEvent, EventQuerySchema } from '#protocol/gen/drover/v1/event_pb.ts';
import { type RetryOptions, retryStream } from './retry-stream.ts';

/** Which events, and who is told of what is missing. */
export interface EventStreamOptions extends RetryOptions {
  readonly query: MessageInitShape<typeof EventQuerySchema>;
  /** Only those that come from now on. */
  readonly onlyNew: boolean;
  /** Go on when all that there are have been read. */
  readonly follow: boolean;
  /** So many before the next one are no longer kept. */
  readonly onGone: (count: bigint) => void;
}

/** @throws as retryStream. */
export async function* eventStream(
  { events }: Pick<Connection, 'events'>,
  options: EventStreamOptions,
): AsyncGenerator<ClusterEvent> {
  const { query, onlyNew, follow, onGone, abort } = options;
  let through: bigint | undefined;
  const open = () => {
    const from = through === undefined ? { onlyNew } : { afterSequence: through };
    return events.followEvents({ query, follow, ...from }, { signal: abort });
  };
  for await (const { kind } of retryStream(open, options)) {
    if (kind.case === 'event') {
      through = kind.value.sequence;
      yield kind.value;
    } else if (kind.case === 'position') {
      through = kind.value.through;
      if (kind.value.gone > 0n) onGone(kind.value.gone);
    }
  }
}
