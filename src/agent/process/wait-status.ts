/** How a process ended, from the status of wait4. @see wait(2) */
import { exited, signaled } from '#core/outcome.ts';
import { signalName } from '#core/signals.ts';
import type { Outcome } from '#protocol/gen/drover/v1/task_pb.ts';

/** The outcome that `status` stands for. */
export function outcomeOfStatus(status: number): Outcome {
  const signal = status & 0x7f;
  return signal === 0 ? exited((status >> 8) & 0xff) : signaled(signalName(signal), (status & 0x80) !== 0);
}
