/** Events of the cluster as lines for people. Pure. */
import { eventKinds } from '#core/event-kinds.ts';
import type { ClusterEvent } from '#protocol/gen/drover/v1/event_pb.ts';
import { showTime } from './format-time.ts';
import { oneLine } from './strip-control.ts';

const kindWidth = Math.max(...eventKinds.map((kind) => kind.length));

/** Said without their names: they are sentences of their own. */
const sentences: readonly string[] = ['outcome', 'reason', 'command'];

/** Time and kind, then what it is about, who brought it about, and the rest. */
export function eventLine({ at, kind, node, taskId, runId, who, data }: ClusterEvent): string {
  const about = [node, taskId === '' ? runId : taskId].filter((text) => text !== '');
  const by = who === '' ? [] : [`by ${who}`];
  const all = sentences.flatMap((key) => data[key] ?? []);
  const said = all.filter((text, i) => !all.slice(0, i).some((before) => before.includes(text)));
  const rest = Object.entries(data)
    .filter(([key]) => !sentences.includes(key))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${value}`);
  const words = [...about, ...by, ...said, ...rest].map(oneLine);
  return `${showTime(at)}  ${kind.padEnd(kindWidth)}  ${words.join('  ')}`.trimEnd();
}
