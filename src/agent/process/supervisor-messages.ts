/**
 * The messages of native/supervisor/protocol.h, which is their specification: what each carries, and its number.
 * Both directions are described, so that the vectors of the supervisor's own tests check all of it.
 */
import {
  bytes,
  type Field,
  i32,
  list,
  milliseconds,
  struct,
  text,
  u8,
  u16,
  u32,
  u64,
  type ValueOf,
  WireError,
} from './wire-fields.ts';

/** SV_PROTOCOL_VERSION. */
export const supervisorProtocolVersion = 2;

/** SV_FRAME_MAX: bytes of a frame after its length. */
export const supervisorFrameBytesMax = 1 << 20;

const argvMax = 4096;
const envMax = 4096;
const groupsMax = 256;
const rlimitsMax = 16;
const leftoversMax = 64;

/** sv_start_flags. */
export const startFlags = {
  setUser: 1,
  noNewPrivs: 2,
  nice: 4,
  oom: 8,
  input: 16,
  terminal: 32,
  pipes: 64,
} as const;

/** sv_scope. */
export const signalScopes = { leader: 1, group: 2, tree: 3 } as const;

/** sv_error. */
export const supervisorErrors = {
  version: 1,
  exists: 2,
  noAttempt: 3,
  over: 4,
  invalid: 5,
  busy: 6,
  system: 7,
} as const;

const usage = struct({
  userUs: u64,
  systemUs: u64,
  maxRssBytes: u64,
  minorFaults: u64,
  majorFaults: u64,
  blockInputs: u64,
  blockOutputs: u64,
  voluntarySwitches: u64,
  involuntarySwitches: u64,
});

const group = struct({ memoryPeakBytes: u64, cpuUs: u64, oomKills: u32 });
const procs = list(struct({ pid: i32, state: u8, command: text }), leftoversMax);

const started = { pid: i32, startTicks: u64, wallMs: milliseconds, monitorPid: i32 };
const notStarted = { step: text, errno: i32 };
const exited = {
  status: i32,
  usage,
  wallMs: milliseconds,
  stdoutBytes: u64,
  stderrBytes: u64,
  leftovers: list(struct({ pid: i32, command: text }), leftoversMax),
  group,
};
const empty = { wallMs: milliseconds, stdoutBytes: u64, stderrBytes: u64, group };
const lost = { reason: text, wallMs: milliseconds };

const bodies = {
  started: struct(started),
  notStarted: struct(notStarted),
  exited: struct(exited),
  empty: struct(empty),
  lost: struct(lost),
};

/** execve succeeded. */
export type StartedBody = ValueOf<typeof bodies.started>;
/** No process ran. */
export type NotStartedBody = ValueOf<typeof bodies.notStarted>;
/** The leader ended. */
export type ExitedBody = ValueOf<typeof bodies.exited>;
/** Nothing is left. */
export type EmptyBody = ValueOf<typeof bodies.empty>;
/** Nobody can know. */
export type LostBody = ValueOf<typeof bodies.lost>;

/** The latest that the supervisor knows of an attempt: the notices that it sent so far. */
export interface AttemptStatus {
  readonly id: string;
  readonly started?: StartedBody;
  readonly notStarted?: NotStartedBody;
  readonly exited?: ExitedBody;
  readonly empty?: EmptyBody;
  readonly lost?: LostBody;
}

/** Notices by sv_attempt_state, in the order in which they follow it; LOST is told apart below. */
const noticesOfState: Readonly<Record<number, readonly (keyof typeof bodies)[]>> = {
  1: [],
  2: ['started'],
  3: ['started', 'exited'],
  4: ['started', 'exited', 'empty'],
  5: ['notStarted'],
};
const lostState = 6;

const status: Field<AttemptStatus> = {
  read(reader) {
    const id = text.read(reader);
    const state = u8.read(reader);
    if (state === lostState) {
      const wasStarted = u8.read(reader) === 1;
      const known = wasStarted ? { started: bodies.started.read(reader) } : {};
      return { id, ...known, lost: bodies.lost.read(reader) };
    }
    const names = noticesOfState[state];
    if (!names) throw new WireError(`attempt state ${state} is unknown`);
    return { id, ...Object.fromEntries(names.map((name) => [name, bodies[name].read(reader)])) };
  },
  write(writer, value) {
    text.write(writer, value.id);
    if (value.lost) {
      u8.write(writer, lostState);
      u8.write(writer, value.started ? 1 : 0);
      if (value.started) bodies.started.write(writer, value.started);
      bodies.lost.write(writer, value.lost);
      return;
    }
    u8.write(writer, stateOf(value));
    for (const name of ['started', 'exited', 'empty', 'notStarted'] as const) {
      const body = value[name];
      if (body) (bodies[name] as Field<unknown>).write(writer, body);
    }
  },
};

function stateOf(value: AttemptStatus): number {
  if (value.notStarted) return 5;
  if (value.empty) return 4;
  if (value.exited) return 3;
  return value.started ? 2 : 1;
}

const nothing = struct({});
const id = { id: text };

/** Every message by its name: its number and what it carries. */
export const supervisorMessages = {
  hello: { type: 1, body: struct({ version: u32 }) },
  start: {
    type: 2,
    body: struct({
      id: text,
      flags: u32,
      uid: u32,
      gid: u32,
      groups: list(u32, groupsMax),
      umask: u32,
      nice: i32,
      oomScoreAdj: i32,
      rlimits: list(struct({ resource: u32, soft: u64, hard: u64 }), rlimitsMax),
      cpuMillis: u32,
      memoryBytes: u64,
      processes: u32,
      rows: u16,
      columns: u16,
      cwd: text,
      stdin: text,
      stdout: text,
      stderr: text,
      path: text,
      argv: list(text, argvMax),
      env: list(text, envMax),
    }),
  },
  signal: { type: 3, body: struct({ id: text, signal: i32, scope: u8 }) },
  list: { type: 4, body: nothing },
  ack: { type: 5, body: struct(id) },
  usage: { type: 6, body: nothing },
  shutdown: { type: 7, body: nothing },
  resume: { type: 8, body: struct({ id: text, startTicks: u64 }) },
  release: { type: 9, body: struct(id) },
  sample: { type: 10, body: struct(id) },
  punch: { type: 11, body: struct({ id: text, stream: u8, end: u64 }) },
  upgrade: { type: 12, body: struct({ path: text }) },
  helloOk: {
    type: 65,
    body: struct({ version: u32, pid: i32, bootId: text, startTicks: u64, binaryVersion: text }),
  },
  ok: { type: 66, body: nothing },
  error: { type: 67, body: struct({ code: u32, errno: i32, message: text }) },
  signaled: { type: 68, body: struct({ pid: i32, reached: u32, procs }) },
  status: { type: 69, body: status },
  listEnd: { type: 70, body: struct({ count: u32 }) },
  usageOk: { type: 71, body: usage },
  sampled: {
    type: 72,
    body: struct({
      processes: u32,
      threads: u32,
      userUs: u64,
      systemUs: u64,
      rssBytes: u64,
      groupMemoryBytes: u64,
      stdoutBytes: u64,
      stderrBytes: u64,
    }),
  },
  started: { type: 80, body: struct({ ...id, ...started }) },
  notStarted: { type: 81, body: struct({ ...id, ...notStarted }) },
  exited: { type: 82, body: struct({ ...id, ...exited }) },
  empty: { type: 83, body: struct({ ...id, ...empty }) },
  lost: { type: 84, body: struct({ ...id, ...lost }) },
  attachData: { type: 96, body: struct({ offset: u64, data: bytes }) },
  attachEnd: { type: 97, body: struct({ offset: u64 }) },
  attachResize: { type: 98, body: struct({ rows: u16, columns: u16 }) },
  attachRead: { type: 99, body: struct({ stream: u8, offset: u64 }) },
  attachTaken: { type: 100, body: struct({ offset: u64, over: u8 }) },
  attachHangup: { type: 101, body: nothing },
} as const;

/** Name of a message. */
export type SupervisorMessageName = keyof typeof supervisorMessages;

/** What the message of that name carries. */
export type SupervisorBody<N extends SupervisorMessageName> = ValueOf<(typeof supervisorMessages)[N]['body']>;
