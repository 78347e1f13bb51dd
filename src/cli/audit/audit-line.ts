/** Rows of the audit as lines for people. Pure. */
import { showTime } from '#cli/output/format-time.ts';
import { quoteWord } from '#cli/output/quote-word.ts';
import { oneLine } from '#cli/output/strip-control.ts';
import type { AuditRow } from '#protocol/gen/drover/v1/audit_pb.ts';

/** Number, time, who, and what was asked of what; why not where it was denied. */
export function auditLine({
  sequence,
  at,
  who,
  verb,
  decision,
  nodes,
  targets,
  request,
  reason,
}: AuditRow): string {
  const asked = parse(request);
  const said = [nodes, describe(asked), targets, reason].filter((text) => text !== '');
  const head = [String(sequence).padStart(5), showTime(at), decision.padEnd(7), oneLine(who), verb];
  return [...head, ...said.map(oneLine)].join('  ');
}

type Asked = { readonly [key: string]: unknown };

function parse(request: string): Asked {
  try {
    const value: unknown = JSON.parse(request);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

const nothing: readonly string[] = ['""', '0', 'false', '{}', '[]'];

/** The command line of a launch, or the method with its plain values. */
function describe(asked: Asked): string {
  const { method, spec, request, ...rest } = asked;
  const inner = isObject(spec) ? spec : isObject(request) && isObject(request['spec']) ? request['spec'] : {};
  const { argv } = inner;
  if (Array.isArray(argv)) return argv.map((word) => quoteWord(String(word))).join(' ');
  const name = typeof method === 'string' ? [method.slice(method.lastIndexOf('/') + 1)] : [];
  const values = Object.entries(rest).filter(([, value]) => !nothing.includes(JSON.stringify(value)));
  return [...name, ...values.map(([key, value]) => `${key}=${plain(value)}`)].join(' ');
}

function plain(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

function isObject(value: unknown): value is Asked {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
