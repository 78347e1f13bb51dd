/**
 * Signals of Linux by name and number, the same for x86-64 and arm64, whatever machine this runs on. A real-time signal is
 * named as its distance from SIGRTMIN, which is 34 for every C library that a task may use.
 *
 * @see signal(7)
 */

const names: readonly string[] =
  'HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS'.split(
    ' ',
  );

/** Second names, and what they stand for. */
const aliases: ReadonlyMap<string, string> = new Map([
  ['IOT', 'ABRT'],
  ['CLD', 'CHLD'],
  ['POLL', 'IO'],
  ['UNUSED', 'SYS'],
]);

const numbers: ReadonlyMap<string, number> = new Map(names.map((name, index) => [name, index + 1]));

/** The first that is a program's own: the C library keeps 32 and 33 for itself. */
const realTimeMin = 34;
const realTimeMax = 64;

/** Name of a signal, such as "SIGTERM" or "SIGRTMIN+3"; "SIG<n>" for those without one. */
export function signalName(number: number): string {
  const name = names[number - 1];
  if (name !== undefined) return `SIG${name}`;
  if (number < realTimeMin || number > realTimeMax) return `SIG${number}`;
  return number === realTimeMin ? 'SIGRTMIN' : `SIGRTMIN+${number - realTimeMin}`;
}

/** Number of a signal by a name as `signalName` gives it, or by a second name of it; undefined where Linux has no such signal. */
export function signalNumber(name: string): number | undefined {
  if (!name.startsWith('SIG')) return undefined;
  const short = name.slice(3);
  return numbers.get(aliases.get(short) ?? short) ?? numberInRange(short) ?? realTimeNumber(short);
}

/**
 * The name of a signal however somebody wrote it: "SIGTERM", "TERM", "term", "15", "RTMIN+3", "rtmax-1"; undefined where
 * Linux has no such signal.
 */
export function canonicalSignal(text: string): string | undefined {
  const upper = text.toUpperCase();
  const number = signalNumber(upper.startsWith('SIG') ? upper : `SIG${upper}`);
  return number === undefined ? undefined : signalName(number);
}

function numberInRange(text: string): number | undefined {
  const number = /^[1-9]\d?$/.test(text) ? Number(text) : 0;
  return number >= 1 && number <= realTimeMax ? number : undefined;
}

function realTimeNumber(text: string): number | undefined {
  const [, edge, sign, distance = '0'] = /^RT(MIN|MAX)(?:([+-])(\d{1,2}))?$/.exec(text) ?? [];
  if (edge === undefined || sign === (edge === 'MIN' ? '-' : '+')) return undefined;
  const number = edge === 'MIN' ? realTimeMin + Number(distance) : realTimeMax - Number(distance);
  return number >= realTimeMin && number <= realTimeMax ? number : undefined;
}
