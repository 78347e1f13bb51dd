/** The last lines that a task has printed, both outputs together, in the order of their writing. */
import type { CallOptions } from '@connectrpc/connect';
import type { Connection } from '#cli/connect-cluster.ts';
import { LinePrefixer } from '#cli/output/line-prefixer.ts';

/** @returns at most `count` lines, safe to show. @throws what the API refuses with, or a lost connection. */
export async function readTail(
  connection: Pick<Connection, 'tasks'>,
  taskId: string,
  count: number,
  options: CallOptions,
): Promise<string[]> {
  const request = { query: { refs: [taskId] }, tailLines: count, inTimeOrder: true };
  const outputs = new Map<number, LinePrefixer>();
  let lines: string[] = [];
  const add = (text: string) => {
    if (text !== '') lines = [...lines, ...text.slice(0, -1).split('\n')].slice(-count);
  };
  for await (const chunk of connection.tasks.readLogs(request, options)) {
    const output = outputs.get(chunk.source) ?? new LinePrefixer('');
    outputs.set(chunk.source, output);
    add(output.push(chunk.data));
  }
  for (const output of outputs.values()) add(output.end());
  return lines;
}
