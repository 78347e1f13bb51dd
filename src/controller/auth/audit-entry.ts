/** Audit rows as the controller writes them. Makes them; the caller stores each with what it records. */

import type { AuditRecord } from '#controller/store/store.ts';
import { verbName } from '#core/access/verbs.ts';
import type { Verb } from '#protocol/gen/drover/v1/options_pb.ts';
import { canonicalJson, type Json } from './canonical-json.ts';

/** What a row says. */
export interface AuditEntry {
  readonly atMs: number;
  /** Operator's name; undefined where nobody is known. */
  readonly who: string | undefined;
  readonly verb: Verb;
  readonly decision: AuditRecord['decision'];
  /** Folded node set, task ids or the like that it is about. */
  readonly targets: string;
  /** What was asked. Never a secret. */
  readonly request: Json;
}

/** The row for an entry. */
export function auditRecord({ atMs, who, verb, decision, targets, request }: AuditEntry): AuditRecord {
  return { atMs, who: who ?? '-', verb: verbName(verb), decision, targets, request: canonicalJson(request) };
}
