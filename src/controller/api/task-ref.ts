/** What a reference to a task looks like it is. Pure: whether it exists is resolve-tasks.ts's question. */
import { isNodeName, type NodeName } from '#protocol/ids.ts';

/** The kinds of reference. Ids of tasks begin with a letter, so a number can only be a process id. */
export type TaskRef =
  | { readonly kind: 'pid'; readonly pid: number; readonly node: NodeName | undefined }
  /** A task's or run's id, or the beginning of one. */
  | { readonly kind: 'id'; readonly text: string };

/** Linux gives no greater one (PID_MAX_LIMIT on 64 bits). */
const pidMax = 4_194_304;

/** Undefined for a text that cannot refer to anything. */
export function parseTaskRef(text: string): TaskRef | undefined {
  const colon = text.lastIndexOf(':');
  if (colon === -1) {
    const pid = parsePid(text);
    if (pid !== undefined) return { kind: 'pid', pid, node: undefined };
    return /^[0-9a-z-]{1,36}$/.test(text) ? { kind: 'id', text } : undefined;
  }
  const node = text.slice(0, colon);
  const pid = parsePid(text.slice(colon + 1));
  return pid !== undefined && isNodeName(node) ? { kind: 'pid', pid, node } : undefined;
}

/** Without a zero in front: ids of runs begin with one, for some centuries yet. */
function parsePid(text: string): number | undefined {
  if (!/^[1-9][0-9]{0,6}$/.test(text)) return undefined;
  const pid = Number(text);
  return pid <= pidMax ? pid : undefined;
}
