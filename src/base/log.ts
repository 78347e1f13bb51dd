/** The daemons' own log: JSON lines on standard error or in a file, by pino. */
import { type Logger, pino } from 'pino';
import { redactSecrets } from './redact-secrets.ts';

export type { Logger } from 'pino';

/** Levels that `--log-level` takes. */
export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const;

/** How much a daemon writes. */
export type LogLevel = (typeof logLevels)[number];

/**
 * A log whose lines carry `program`, and no token or private key. Written synchronously: a crash loses no line.
 *
 * @param path a file that it is added to, for its owner only, in a directory that exists; undefined for standard error.
 */
export function createLog(program: string, level: LogLevel = 'info', path?: string): Logger {
  return pino(
    {
      name: program,
      level,
      base: { program },
      timestamp: pino.stdTimeFunctions.isoTime,
      hooks: { streamWrite: redactSecrets },
    },
    pino.destination({ dest: path ?? 2, sync: true, mode: 0o600 }),
  );
}
