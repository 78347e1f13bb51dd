/** A real log whose lines a test can await. */
import { type Logger, pino } from 'pino';
import { Inbox } from './inbox.ts';

export interface MemoryLog {
  readonly log: Logger;
  /** The messages, in order. */
  readonly lines: Inbox<string>;
}

export function memoryLog(): MemoryLog {
  const lines = new Inbox<string>();
  const write = (line: string) => lines.put(String(JSON.parse(line).msg));
  return { log: pino({ level: 'info' }, { write }), lines };
}
