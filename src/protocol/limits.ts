/**
 * Every limit on what Drover accepts, queues or keeps, in one place. A limit is a promise to both sides:
 * below it things work, above it there is one clear refusal. Sizes in bytes, counts in pieces, times in milliseconds.
 */
export const limits = {
  /** A message of the agents' link and a request of the API, encoded. */
  messageBytesMax: 1 << 20,
  /**
   * Data in one log chunk: small enough that a chunk never delays a heartbeat by more than a blink. With the fields around it a
   * chunk then fits into 64 KiB; encoders double their buffers, and one byte more would cost as much again.
   */
  logChunkBytesMax: 63 << 10,
  /**
   * Output that an agent reads at once for one reader, and then sends chunk by chunk: two of them, since waking the thread that
   * reads costs as much as reading one.
   */
  logReadBytesMax: 2 * (63 << 10),
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
  /** Attempts with news that the controller has not acknowledged; above it an agent takes no new ones on. */
  agentUnacknowledgedMax: 20_000,
  /** Tasks that an agent names in Hello. */
  agentHeldMax: 20_000,
  /** How long an agent remembers an attempt that has ended and was acknowledged, so as not to launch it again. */
  agentRememberedMs: 3_600_000,
  /** Attempts remembered so at once: an hour of 28 launches a second. */
  agentRememberedMax: 100_000,
  /** Ended attempts whose output an agent keeps. */
  agentLogDirectoriesMax: 1_000,
  /** One record of an agent's journal: a Start as large as the link allows, and what is around it. */
  journalRecordBytesMax: 2 << 20,
  /** An agent's journal is written anew when it is longer than this and twice as long as when it was last written. */
  journalCompactBytes: 16 << 20,
  /** How far back from the end of an output its last lines are looked for. */
  tailBytesMax: 16 << 20,
  /**
   * What one stream of the link may carry ahead of its reader, and one answer of the API ahead of the command line. A log stream at
   * full speed then delays a command beside it by 0.4 ms.
   */
  linkStreamWindowBytes: 256 << 10,
  /** The same for all streams of one connection together. */
  linkConnectionWindowBytes: 1 << 20,
  /** What one call of the API may send ahead of its reader: with the connection's, a copy fills 1 Gbit/s over 30 ms. */
  apiStreamWindowBytes: 4 << 20,
  /** The same for all calls of one connection together, refused ones too. */
  apiConnectionWindowBytes: 4 << 20,
  /** Frames waiting in a session before the side that sends them closes it as too slow. */
  sessionQueueMax: 20_000,
  /** Bytes that wait in an agent's session before it closes it as too slow. Events wait in the journal instead. */
  linkBufferBytesMax: 4 << 20,
  /** Rows of one page of a list. */
  pageMax: 1_000,
  /** Rows of a page where the caller does not say. */
  pageDefault: 50,
  /** Bytes of commands waiting in one agent's session; beyond, it is closed as too slow too. */
  sessionQueueBytesMax: 32 << 20,
  /** An agent's news of one attempt, encoded: a hundred times what an honest one needs. */
  eventBytesMax: 64 << 10,
  /** Events that one transaction applies: enough to share an fsync, too few to hold up an operator's commit. */
  ingestBatchMax: 2_000,
  /** Events of all agents waiting to be applied, before the controller reads their sessions no further. */
  ingestQueueMax: 50_000,
  /** Log streams that one session carries at once. */
  sessionLogStreamsMax: 1_000,
  /** Bytes of output that wait for one reader of the API before its log streams are paused. */
  followBufferBytesMax: 1 << 20,
  /** Attempts of one task that are kept with it: the first, and the latest. */
  taskAttemptsMax: 100,
  /** Different lines of output that one client keeps in order to fold equal outputs: 10,000 nodes with fifty of their own. */
  foldedLinesMax: 500_000,
  /** Lines that two outputs may differ in to be shown as a difference: finding it takes the square, 0.4 s at the worst. */
  diffEditsMax: 1_000,
  /** Characters of those lines; what is beyond is still compared, and kept in a temporary file. */
  foldedCharactersMax: 32 << 20,
  /** Bytes of that file: 4 GiB, a thousand nodes with 4 MB; what is beyond is counted, and can be read again from its node. */
  foldedSpillBytesMax: 4 * 2 ** 30,
  /** Tasks whose output is merged in the order of its writing: each holds one chunk in the controller. */
  logMergeTasksMax: 256,
  /** How long that order waits for a node that does not answer. */
  logMergeWaitMs: 5_000,
  /** Entries of one attempt's index of times: 1.5 MiB. Above it neighbours become one, and times less exact. */
  logTimesMax: 65_536,
  /** Output that one attempt keeps of each of its two streams; older bytes are given back to the disk. */
  logStreamBytesMax: 64 << 20,
  /** Output that one node keeps of all its tasks; above it the oldest ended attempts go first. */
  logNodeBytesMax: 2 * 2 ** 30,
  /** Input in one message. */
  inputChunkBytesMax: 64 << 10,
  /** Tasks of one node that take input at once. */
  sessionInputStreamsMax: 1_000,
  /** Bytes of input that are under way to one task and not taken yet. */
  inputWindowBytes: 256 << 10,
  /** How far a terminal may be ahead of the person at it before the task is held up. */
  terminalAheadBytes: 256 << 10,
  /** Tasks that one call samples on one node. */
  samplesMax: 5_000,
  /** Tasks that one call of the API samples, on all nodes together: one on each node of the largest run. */
  sampledTasksMax: 20_000,
  /** How long one node may take to sample its tasks before the others' samples are shown without: a live view waits for it. */
  sampleTimeoutMs: 5_000,
  /** Events of the cluster that are kept, some 100 MB; older ones are given up. */
  eventsKeptMax: 500_000,
  /** How long an event of the cluster is kept: a month. */
  eventsKeptMs: 30 * 86_400_000,
  /** Old events that one transaction gives up: a few milliseconds, in which nobody else can write. */
  eventsPrunedMax: 2_000,
  /** Events that one read of the store looks at: a few milliseconds, in which this process does nothing else. */
  eventsScannedMax: 10_000,
  /** A chunk of a file: large enough that its digest and its message cost little beside it, small enough for a message. */
  fileChunkBytes: 512 << 10,
  /** A file up to this size is sent in its entry, without asking: a message costs as much as 16 KiB. */
  fileInlineBytesMax: 16 << 10,
  /** Chunks that a receiver waits for at once: 4 MiB, which fills a link of 1 Gbit/s over 30 ms. */
  fileWantedChunksMax: 8,
  /** Chunks that a sender owes at once: those of all receivers behind a controller. */
  fileChunksWantedMax: 65_536,
  /** Larger files that a receiver knows of and is not through with: some hundred bytes each. */
  fileFilesHeldMax: 262_144,
  /** Entries that a receiver which tells its progress may be behind before its sender waits: a quarter of those larger files. */
  fileEntriesAheadMax: 65_536,
  /** Digests that a receiver holds: 128 MiB, for 2 TiB that are on their way at once. */
  fileDigestsHeldMax: 4_194_304,
  /** Digests of chunks in one message. */
  fileDigestsMax: 8_192,
  /** Characters of the line that says what is wrong with a file. */
  fileProblemMax: 4_096,
  /** Paths that one order about files names. */
  filePathsMax: 1_000,
  /** Entries of one tree. */
  fileEntriesMax: 10_000_000,
  /** Bytes of one path. @see PATH_MAX in linux/limits.h */
  filePathBytesMax: 4_095,
  /** How deep a tree may be: each level holds a descriptor while it is walked. */
  fileDepthMax: 256,
  /** How long an agent keeps the part of a file whose copy was cut: a day. */
  filePartKeptMs: 86_400_000,
  /** Nodes that files go to or come from at once where nobody says. */
  fileNodesAtOnce: 64,
  /** Nodes that one copy goes to or comes from at once, whoever asks: a chunk of each may be in memory, 128 MiB together. */
  fileNodesAtOnceMax: 256,
  /** Orders about files that one node carries out at once. */
  sessionFileStreamsMax: 64,
  /** Bytes of chunks and manifests that a controller keeps on its disk where nobody says. */
  fileCacheBytesDefault: 4 * 2 ** 30,
  /** The least that a controller may be told to keep so: a manifest of some hundred thousand entries, and chunks beside it. */
  fileCacheBytesMin: 64 << 20,
  /** Chunks that a controller holds in memory so that nodes share them: nodes that are that close are one reader of the disk. */
  fileMemoryBytes: 32 << 20,
  /** Bytes of a manifest that wait in memory for the controller's disk before its sender waits. */
  fileSpoolBytesMax: 1 << 20,
  /** Entries that the sender of one tree may take back; of more it is a source that cannot be copied. */
  fileTakenBackMax: 100_000,
  /** How long a node may take nothing of a copy, with something to take, or send no chunk that it was asked for, before it has failed. */
  fileStallMs: 60_000,
  /** Rows of the audit that one page looks at: some tens of milliseconds, in which others take turns. */
  auditScannedMax: 20_000,
  /** Rows of the audit that are not signed yet, before a checkpoint is. */
  auditCheckpointRows: 1_000,
  /** How long a row of the audit waits for its checkpoint. */
  auditCheckpointMs: 60_000,
  /** The audit of a node: bytes of one file before the next, some 40,000 launches. */
  nodeAuditFileBytesMax: 16 << 20,
  /** Its files; the oldest goes. */
  nodeAuditFilesMax: 4,
  /** Characters of why something failed there. */
  nodeAuditReasonMax: 1_000,
  /** How long a place for checkpoints may take to keep one. */
  auditSinkTimeoutMs: 10_000,
  /** Refusals of one kind within this time are two rows of the audit: the first, and how often it was repeated. */
  auditRepeatsMs: 60_000,
  /** Kinds of refusals that are told apart within that time; beyond, those of one operator and method are one. */
  auditRepeatsKindsMax: 100,
  /** TLS handshake until its end. */
  handshakeTimeoutMs: 10_000,
  /** Between two pings on a connection of the API, in either direction. */
  apiPingIntervalMs: 5_000,
  /** How long the other end of a connection of the API may be silent, pings unanswered, before it is taken for gone. */
  apiSilenceMaxMs: 15_000,
  /** TLS handshakes of agents that one controller has under way at once; the others wait their turn. */
  linkHandshakesMax: 64,
  /** TLS handshakes that an address (of IPv6: a network of 64 bits) may fail within failedHandshakesMs before it gets less room. */
  failedHandshakesMax: 50,
  /** So long failures are remembered. */
  failedHandshakesMs: 60_000,
  /** Addresses whose failures are remembered at once: 1 MB. */
  failedHandshakeAddressesMax: 10_000,
  /** Of linkHandshakesMax, those that one such address may have under way: agents behind it still come through. */
  suspectHandshakesMax: 16,
  /** Connections to the API that such an address may have in their handshakes; others are closed at once. */
  suspectConnectionsMax: 128,
  /** Request headers until their end. */
  headersTimeoutMs: 10_000,
  /** How long after its end a node's certificate may still be renewed: a month in a cupboard. */
  certificateGraceMs: 30 * 24 * 3_600_000,
  /** Certificates that are renewed over sessions at once. */
  renewalsAtOnceMax: 16,
  /** How long an agent may take to put a new certificate on its disk. */
  renewalTimeoutMs: 60_000,
  /** After a renewal that failed. */
  renewalRetryMs: 600_000,
  /** Between two events about one node whose key is in two places. */
  cloneRepeatsMs: 60_000,
  /** Longest life of a join token. */
  joinTokenTtlMaxMs: 24 * 3_600_000,
  /** Life of a join token where its maker does not say: long enough to walk to the other machine. */
  joinTokenTtlDefaultMs: 3_600_000,
  /** Nodes that one join token may let in. */
  joinTokenUsesMax: 20_000,
  /** Tries to log in that fail, from one address, and with one token, within a minute. */
  loginsPerMinute: 5,
  /** Calls of the API by one user, from other machines, within a second. */
  userCallsPerSecond: 200,
  /** Tokens of one user that could be used. */
  userTokensMax: 200,
  /** People who log in by the identity provider at once. */
  loginsWaitingMax: 100,
  /** Longest life of a token that such a login makes: 30 days. */
  loginTokenTtlMaxMs: 30 * 86_400_000,
  /** Longest life of a user's token, unless it is to live until it is revoked: ten years. */
  userTokenTtlMaxMs: 3_650 * 86_400_000,
  /** Life of a user's token where its maker does not say: a month. */
  userTokenTtlDefaultMs: 30 * 86_400_000,
  /** Characters of the reason why a node is drained. */
  drainReasonMax: 256,
  /** The facts of one host, encoded: ten times what one with 32 disks tells. */
  factsBytesMax: 64 << 10,
  /** Characters of the line that says what is wrong with a node's policy file. */
  policyProblemMax: 1_024,
  /** Labels of one node. */
  nodeLabelsMax: 64,
  /** Time between a stop signal and SIGKILL where nobody says. */
  stopGraceDefaultMs: 10_000,
  /** Pause before a task's first restart where nobody says. */
  restartBackoffDefaultMs: 1_000,
  /** Longest pause before a restart where nobody says. */
  restartBackoffMaxDefaultMs: 60_000,
  /** Longest pause before a restart that anybody may ask for: a day. */
  restartBackoffMaxMs: 86_400_000,
  /** Longest pause between the tasks of a run, in one place: a day. */
  pacingSleepMaxMs: 86_400_000,
  /** Least CPU that a task can be limited to, thousandths of a CPU: the kernel's quotas begin at 1 ms in 100 ms. */
  taskCpuMillisMin: 10,
  /** Most CPU that a task can be limited to, thousandths: of 8,192 CPUs, which is as many as a kernel can have. */
  taskCpuMillisMax: 8_192_000,
  /** Least memory that a task can be limited to: in less no process starts, and a number without its unit is less. */
  taskMemoryBytesMin: 1 << 20,
  /** Most memory that a task can be limited to: what a number of JavaScript holds exactly. */
  taskMemoryBytesMax: Number.MAX_SAFE_INTEGER,
  /** Most processes and threads that a task can be limited to: as many as Linux has process ids. */
  taskProcessesMax: 4_194_304,
} as const;
