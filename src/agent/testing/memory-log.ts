/** A real log whose lines a test can await. */
import { type Logger, pino } from 'pino';
import { Inbox } from './inbox.ts';

export interface MemoryLog {
  readonly log: Logger;
  /** The messages, in order. */
  readonly lines: Inbox<string>;
  /** The same with all that they carry. */
  readonly records: Readonly<Record<string, unknown>>[];
}

export function memoryLog(): MemoryLog {
  const lines = new Inbox<string>();
  const records: Record<string, unknown>[] = [];
  const write = (line: string) => {
    const record: Record<string, unknown> = JSON.parse(line);
    records.push(record);
    lines.put(String(record.msg));
  };
  return { log: pino({ level: 'info' }, { write }), lines, records };
}
