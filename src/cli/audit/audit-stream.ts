/** Reads rows of the audit in their order, across lost connections: each once, none left out, resumed by their numbers. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Connection } from '#cli/connect-cluster.ts';
import { type RetryOptions, retryStream } from '#cli/follow/retry-stream.ts';
import type { AuditQuerySchema, AuditRow } from '#protocol/gen/drover/v1/audit_pb.ts';

/** Which rows. */
export interface AuditStreamOptions extends RetryOptions {
  readonly query: MessageInitShape<typeof AuditQuerySchema>;
  /** Those behind this number; 0n for the first. */
  readonly afterSequence: bigint;
  /** Go on when all that there are have been read. */
  readonly follow: boolean;
}

/** @throws as retryStream. */
export async function* auditStream(
  { audit }: Pick<Connection, 'audit'>,
  options: AuditStreamOptions,
): AsyncGenerator<AuditRow> {
  const { query, follow, abort } = options;
  let { afterSequence } = options;
  const open = () => audit.followAudit({ query, afterSequence, follow }, { signal: abort });
  for await (const { kind } of retryStream(open, options)) {
    if (kind.case === 'row') {
      afterSequence = kind.value.sequence;
      yield kind.value;
    } else if (kind.case === 'through') afterSequence = kind.value;
  }
}
