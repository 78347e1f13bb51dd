/** What one contestant of the launch race did. */
export interface Measured {
  readonly launches: number;
  readonly seconds: number;
  /** Of everything that took part, children included. */
  readonly cpuSeconds: number;
}

/** Does `work`, which launches so many processes. @param cpuSeconds what everybody has used who takes part, so far. */
export async function measureLaunches(
  launches: number,
  cpuSeconds: () => number | Promise<number>,
  work: () => Promise<void>,
): Promise<Measured> {
  const before = await cpuSeconds();
  const from = performance.now();
  await work();
  const seconds = (performance.now() - from) / 1000;
  return { launches, seconds, cpuSeconds: (await cpuSeconds()) - before };
}
