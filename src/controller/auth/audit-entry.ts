/** Audit rows as the controller writes them. Makes them; the caller stores each with what it records. */
import { canonicalJson, type Json } from '#base/canonical-json.ts';
import { redactSecrets } from '#base/redact-secrets.ts';
import type { AuditRecord } from '#controller/store/store.ts';
import { verbName } from '#core/access/verbs.ts';
import type { Verb } from '#protocol/gen/drover/v1/options_pb.ts';

/** What a row says. */
export interface AuditEntry {
  readonly atMs: number;
  /** Operator's name; undefined where nobody is known. */
  readonly who: string | undefined;
  readonly verb: Verb;
  readonly decision: AuditRecord['decision'];
  /** Folded node set that it is about; absent for none. */
  readonly nodes?: string;
  /** Ids of what else it is about: a run, tasks, a token, a user; joined by commas. Absent for nothing. */
  readonly targets?: string;
  /** What was asked. Secrets of ours are taken out of it. */
  readonly request: Json;
  /** Why it was denied. */
  readonly reason?: string;
}

/** The row for an entry. */
export function auditRecord(entry: AuditEntry): AuditRecord {
  const { atMs, who = '-', verb, decision, nodes = '', targets = '', request, reason = '' } = entry;
  return {
    atMs,
    who,
    verb: verbName(verb),
    decision,
    nodes,
    targets: redactSecrets(targets),
    request: redactSecrets(canonicalJson(request)),
    reason: redactSecrets(reason),
  };
}
