/** AuditService: the decisions that were recorded, newest first by pages, or in their order, on and on. */
import { create } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { ServiceImpl } from '@connectrpc/connect';
import type { AuditRow, Store, StoreReader } from '#controller/store/store.ts';
import { RefusedError } from '#protocol/errors.ts';
import {
  AuditRowSchema,
  type AuditService,
  type AuditRow as PresentedRow,
} from '#protocol/gen/drover/v1/audit_pb.ts';
import { limits } from '#protocol/limits.ts';
import type { ApiParts } from './api-parts.ts';
import { followPages, type PageSource } from './follow-pages.ts';
import { type AuditFilter, auditFilter } from './match-audit.ts';
import { pageRequest } from './page-request.ts';

/** Rows that are read from the store at once: one may be some hundred KiB. */
const readAtOnce = 200;

/** The handlers. */
export function createAuditService({ store }: Pick<ApiParts, 'store'>): ServiceImpl<typeof AuditService> {
  return {
    async listAudit({ query, ...page }) {
      const { size } = pageRequest(page);
      const filter = auditFilter(query);
      const found = await findNewest(store.read, filter, startOf(page.pageToken), size);
      return {
        rows: found.rows.map(presentRow),
        nextPageToken: found.next === undefined ? '' : String(found.next),
      };
    },

    async *followAudit({ query, afterSequence, follow }, { signal }) {
      const filter = auditFilter(query);
      const after = await startAfter(store.read, filter, afterSequence);
      for await (const { rows, position } of followPages(auditSource(store, filter), after, follow, signal)) {
        for (const row of rows) yield { kind: { case: 'row', value: presentRow(row) } };
        if (position) yield { kind: { case: 'through', value: BigInt(position.through) } };
      }
    },
  };
}

/** Matching rows before a number, newest first, out of as many as one call looks at; `next` where there may be more. */
async function findNewest(reader: StoreReader, filter: AuditFilter, start: number, size: number) {
  const first = filter.sinceMs === undefined ? 1 : await reader.auditSince(filter.sinceMs);
  const rows: AuditRow[] = [];
  let before = start;
  for (let scanned = 0; before > first; scanned += readAtOnce) {
    if (scanned >= limits.auditScannedMax) return { rows, next: before };
    const read = await reader.listAuditBefore(before, readAtOnce);
    for (const row of read) {
      before = row.sequence;
      if (filter.matches(row) && rows.push(row) === size)
        return { rows, next: before > first ? before : undefined };
    }
    if (read.length < readAtOnce) break;
  }
  return { rows, next: undefined };
}

/** @throws RefusedError INVALID for what is no page token. */
function startOf(pageToken: string): number {
  if (pageToken === '') return Number.MAX_SAFE_INTEGER;
  if (/^\d{1,15}$/.test(pageToken)) return Number(pageToken);
  throw new RefusedError(
    'INVALID',
    `not a page token of the audit: ${JSON.stringify(pageToken.slice(0, 64))}`,
  );
}

/** @throws RefusedError INVALID for a number that was never given: whoever has it has read another cluster's audit, or more of it. */
async function startAfter(reader: StoreReader, { sinceMs }: AuditFilter, after: bigint): Promise<number> {
  const latest = await latestSequence(reader);
  if (after > BigInt(latest)) {
    throw new RefusedError('INVALID', `there is no row ${after} of the audit: the latest is ${latest}`, [
      String(after),
    ]);
  }
  if (sinceMs === undefined) return Number(after);
  return Math.max(Number(after), Math.min(latest, (await reader.auditSince(sinceMs)) - 1));
}

async function latestSequence(reader: StoreReader): Promise<number> {
  const [latest] = await reader.listAuditBefore(Number.MAX_SAFE_INTEGER, 1);
  return latest?.sequence ?? 0;
}

function auditSource(store: Store, filter: AuditFilter): PageSource<AuditRow> {
  return {
    listen: (listener) => store.onAudit(listener),
    async read(after) {
      const read = await store.read.listAudit(after, readAtOnce);
      const through = read.at(-1)?.sequence ?? after;
      return { rows: read.filter(filter.matches), through, isLast: read.length < readAtOnce, gone: 0 };
    },
  };
}

function presentRow({ sequence, atMs, ...rest }: AuditRow): PresentedRow {
  return create(AuditRowSchema, { ...rest, sequence: BigInt(sequence), at: timestampFromMs(atMs) });
}
