/**
 * Every limit on what Drover accepts, queues or keeps, in one place. A limit is a promise to both sides:
 * below it things work, above it there is one clear refusal. Sizes in bytes, counts in pieces, times in milliseconds.
 */
export const limits = {
  /** A message of the agents' link and a request of the API, encoded. */
  messageBytesMax: 1 << 20,
  /** Data in one log chunk: small enough that a chunk never delays a heartbeat by more than a blink. */
  logChunkBytesMax: 64 << 10,
  /** A request before its caller is known (joining). */
  anonymousRequestBytesMax: 16 << 10,
  /** Elements of an argument vector. */
  argvMax: 4096,
  /** Bytes of an argument vector, with a terminating NUL each: the kernel's own limit for one string is the same. */
  argvBytesMax: 128 << 10,
  /** Variables in a task's environment. */
  envMax: 1024,
  /** Bytes of the environment, with "=" and NUL each. */
  envBytesMax: 128 << 10,
  /** Characters of a run's name. */
  runNameMax: 128,
  /** Nodes that one run may target. */
  runNodesMax: 20_000,
  /** Attempts that one agent holds at once. */
  agentTasksMax: 5_000,
  /** Starts that one agent has under way at once (not a rate). */
  agentStartsMax: 64,
  /** Commands waiting in one agent's session before the controller closes it as too slow. */
  sessionQueueMax: 20_000,
  /** Rows of one page of a list. */
  pageMax: 1_000,
  /** Rows of a page where the caller does not say. */
  pageDefault: 50,
  /** Log streams that one session carries at once. */
  sessionLogStreamsMax: 1_000,
  /** Bytes of output that wait for one reader of the API before its log streams are paused. */
  followBufferBytesMax: 1 << 20,
  /** TLS handshake until its end. */
  handshakeTimeoutMs: 10_000,
  /** Request headers until their end. */
  headersTimeoutMs: 10_000,
  /** Longest life of a join token. */
  joinTokenTtlMaxMs: 24 * 3_600_000,
  /** Life of a join token where its maker does not say: long enough to walk to the other machine. */
  joinTokenTtlDefaultMs: 3_600_000,
  /** Time between a stop signal and SIGKILL where nobody says. */
  stopGraceDefaultMs: 10_000,
} as const;
