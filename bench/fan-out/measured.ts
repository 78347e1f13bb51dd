/** What every side of this measurement says of itself. */

/** A fan-out, or several one after the other. */
export interface Measured {
  /** Commands, of which each went to one agent and was answered. */
  readonly commands: number;
  readonly seconds: number;
  /** CPU of the side that sent the commands. */
  readonly cpuSeconds: number;
}

/** Does `fanOut` so many times. @param cpu CPU seconds of whoever sends, so far. */
export async function measureFanOuts(
  times: number,
  agents: number,
  cpu: () => number,
  fanOut: () => Promise<void>,
): Promise<Measured> {
  const [from, cpuFrom] = [performance.now(), cpu()];
  for (let i = 0; i < times; i++) await fanOut();
  return {
    commands: times * agents,
    seconds: (performance.now() - from) / 1000,
    cpuSeconds: cpu() - cpuFrom,
  };
}
