/** What one contestant of the launch race did. */
export interface Measured {
  readonly launches: number;
  readonly seconds: number;
  /** Of everything that took part, children included; absent where nobody tells. */
  readonly cpuSeconds?: number;
}
