/** What people read of processes that SIGKILL has not ended. Pure. */
import type { Survivor } from '#protocol/gen/drover/v1/task_pb.ts';

/** Processes that one line names. */
const namedMax = 5;

/** Why a process may be there in spite of SIGKILL, by its state (proc_pid_stat(5)). */
const states: Readonly<Record<string, string>> = {
  D: 'waits in the kernel',
  T: 'is stopped',
  t: 'is being traced',
  R: 'runs',
  S: 'sleeps',
};

/** Such as "SIGKILL was sent 4 s ago, still there: cp 4711 (D: waits in the kernel)". */
export function describeSurvivors(survivors: readonly Survivor[], sinceMs: number): string {
  const named = survivors.slice(0, namedMax).map(({ command, pid, state }) => {
    const words = states[state];
    return `${command} ${pid} (${words === undefined ? state : `${state}: ${words}`})`;
  });
  const others = survivors.length - named.length;
  const list = [...named, ...(others > 0 ? [`${others} more`] : [])].join(', ');
  return `SIGKILL was sent ${Math.round(sinceMs / 1000)} s ago, still there: ${list}`;
}
