/** Who or what brought the end of an attempt about, from what was ordered and what the kernel counted. Pure. */
import {
  Cause,
  type GroupUsage,
  type Outcome,
  type ProcessLimit,
  type ResourceUsage,
} from '#protocol/gen/drover/v1/task_pb.ts';

/** What an end is judged by. */
export interface EndFacts {
  readonly outcome: Outcome;
  /** Of its leader; undefined where nobody could measure. */
  readonly usage: ResourceUsage | undefined;
  readonly group: GroupUsage | undefined;
  /** The limits of each of its processes. */
  readonly processLimits: readonly ProcessLimit[];
  /** Signals that operators sent. */
  readonly signals: readonly string[];
  /** The cause of the first stop that was ordered. */
  readonly stopCause: Cause | undefined;
  /** Its terminal was hung up. */
  readonly hungUp: boolean;
}

/** Signals that ask a process to end: who sends one is the cause of the end, also when the process then exits in order. */
const endingSignals: readonly string[] = ['SIGTERM', 'SIGINT', 'SIGQUIT'];

/** What a shell exits with when SIGKILL ended its last command, as it does where the kernel kills for want of memory. */
const exitOfKilledChild = 128 + 9;

/**
 * Measured CPU time from which a second of the limit may be used up, microseconds: the kernel holds the limit against whole
 * ticks, and on a busy virtual machine has counted a second of them when 0.88 s were measured.
 */
const cpuLimitUs = 750_000n;

/** Judges. */
export function causeOfEnd(facts: EndFacts): Cause {
  const { outcome, signals, stopCause } = facts;
  if (stopCause !== undefined) return stopCause;
  const signal = signalOf(outcome);
  if (signal !== undefined && signals.includes(signal)) return Cause.OPERATOR;
  if (limitReached(facts) !== undefined) return Cause.LIMIT;
  if (signals.some((sent) => endingSignals.includes(sent))) return Cause.OPERATOR;
  return facts.hungUp ? Cause.TIMEOUT : Cause.ITSELF;
}

/** Which limit ended it, one line for a person; undefined when none did, as far as can be told. */
export function limitReached({ outcome, usage, group, processLimits }: EndFacts): string | undefined {
  const signal = signalOf(outcome);
  const exitCode = outcome.kind.case === 'exited' ? outcome.kind.value.code : undefined;
  const limitOf = (resource: string) => processLimits.find((limit) => limit.resource === resource);
  const cpu = limitOf('cpu');
  if (signal === 'SIGXCPU' && cpu) return `its limit of ${cpu.soft} s of CPU time was reached`;
  const fileSize = limitOf('fsize');
  if (signal === 'SIGXFSZ' && fileSize) return `its limit of ${fileSize.soft} bytes a file was reached`;
  // At the hard limit the kernel sends SIGKILL, and at once where the soft one is the same.
  const cpuUs = (usage?.userUs ?? 0n) + (usage?.systemUs ?? 0n);
  if (signal === 'SIGKILL' && cpu?.hard !== undefined && cpuUs >= cpu.hard * cpuLimitUs) {
    return `its limit of ${cpu.hard} s of CPU time was reached`;
  }
  const oomKills = group?.oomKills ?? 0;
  if (oomKills > 0 && (signal === 'SIGKILL' || exitCode === exitOfKilledChild)) {
    return `for want of memory the kernel killed ${oomKills === 1 ? 'one' : oomKills} of its processes`;
  }
  return undefined;
}

function signalOf({ kind }: Outcome): string | undefined {
  return kind.case === 'signaled' ? kind.value.signal : undefined;
}
