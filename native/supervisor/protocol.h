/*
 * protocol.h: what is said on the supervisor's unix socket, and the only place where it is written down.
 *
 * Two kinds of peers connect to the same socket (SOCK_STREAM, mode 0600, same uid by SO_PEERCRED):
 *   - the agent: starts, signals, lists, acknowledges; any number of connections, each gets every notice;
 *   - a monitor whose server died: it says RESUME and takes its place again under the new server.
 *
 * FRAME, both ways, integers little-endian:
 *   u32 length of all that follows · u8 type · u32 tag · body
 * A request's tag is chosen by the client and comes back on its one answer; notices have tag 0.
 * length is at most SV_FRAME_MAX; a longer or malformed frame closes the connection, nothing else.
 *
 * BODY ELEMENTS
 *   str   u32 length, then the bytes, no NUL inside
 *   strs  u32 count, then so many str
 *   usage nine u64: user µs, system µs, max rss bytes, minor faults, major faults, block inputs, block outputs,
 *         voluntary switches, involuntary switches
 *   pids  u32 count (at most SV_LEFTOVERS_MAX), then so many (i32 pid, str command)
 *   procs u32 count (at most SV_LEFTOVERS_MAX), then so many (i32 pid, u8 state letter of proc_pid_stat(5), str command)
 *   group u64 most memory at once, bytes · u64 CPU time, µs · u32 processes killed for want of memory: what the attempt's
 *         cgroup counted; 0 where there is none that counts. Memory is counted with a limit of memory only
 *
 * An attempt is named by an id that matches ^[a-z0-9][a-z0-9._-]{0,79}$ and has a directory <state>/attempts/<id>.
 * Making that directory is what claims the id: a second START of it is answered with SV_ERR_EXISTS, for as long as the
 * attempt was not acknowledged. So a start that was sent twice is one start.
 */
#ifndef DROVER_SUPERVISOR_PROTOCOL_H
#define DROVER_SUPERVISOR_PROTOCOL_H

#define SV_PROTOCOL_VERSION 2
#define SV_FRAME_MAX (1u << 20) /* argv and environment of the kernel's usual limits fit */
#define SV_ID_MAX 80
#define SV_ARGV_MAX 4096
#define SV_ENV_MAX 4096
#define SV_GROUPS_MAX 256
#define SV_RLIMITS_MAX 16
#define SV_LEFTOVERS_MAX 64
#define SV_CLIENTS_MAX 32 /* agents; monitors that resume are not counted */
#define SV_TAG "DROVER_ATTEMPT_ID"   /* variable of a task's environment whose value is the id; the agent sets it */
#define SV_PLACE "DROVER_SUPERVISOR" /* and one that the supervisor adds: which of several on a machine it is */

/*
 * Requests of the agent. Each has one answer with the same tag: the one named here, or SV_ERROR.
 *
 * SV_HELLO     u32 version                                    → SV_HELLO_OK   first request of a connection
 * SV_START     see below                                      → SV_OK         accepted; SV_STARTED or SV_NOT_STARTED follows
 * SV_SIGNAL    str id · i32 signal · u8 scope                 → SV_SIGNALED   to a living attempt; signal 0 only looks
 * SV_LIST      (empty)                                        → SV_LIST_END   after one SV_STATUS, same tag, for each attempt that
 *                                                                             was not released
 * SV_ACK       str id                                         → SV_OK         the attempt is over (SV_EMPTY or SV_NOT_STARTED was sent):
 *                                                                             its directory and record are removed
 * SV_RELEASE   str id                                         → SV_OK         its leader has exited and the rest may stay: it is
 *                                                                             forgotten by itself when nothing is left of it
 * SV_SAMPLE    str id                                         → SV_SAMPLED    what runs of a living attempt now
 * SV_PUNCH     str id · u8 stream · u64 end                   → SV_OK         the bytes before end of its stdout (1) or stderr (2)
 *                                                                             are given back to the disk; the size stays
 * SV_UPGRADE   str path                                       → SV_OK         and the server becomes that binary, in place: clients
 *                                                                             connect again; monitors and tasks do not notice. May
 *                                                                             come before SV_HELLO, and is the same in every version
 * SV_USAGE     (empty)                                        → SV_USAGE_OK
 * SV_SHUTDOWN  (empty)                                        → SV_OK         and the server ends; refused with SV_ERR_BUSY while an
 *                                                                             attempt is not over
 *
 * START body: str id · u32 flags · u32 uid · u32 gid · u32 count, u32 × count groups · u32 umask · i32 nice ·
 *   i32 oom_score_adj · u32 count, (u32 resource, u64 soft, u64 hard) × count rlimits · u32 cpu limit, thousandths of a CPU ·
 *   u64 memory limit, bytes · u32 processes limit · u16 rows · u16 columns · str cwd · str stdin · str stdout · str stderr ·
 *   str path · strs argv · strs env
 *   The three limits are those of a cgroup of the attempt's own, v2 or v1; 0 for none. One that cannot be applied makes the
 *   attempt NOT_STARTED at step "cgroup-cpu", "cgroup-memory" or "cgroup-processes". Where cgroup v2 can be written, hybrid
 *   mounts too, an attempt has a cgroup without limits as well, by which all of it is found and killed.
 *   stdin is a file to read, empty for /dev/null. With SV_START_INPUT it is a pipe instead, with SV_START_TERMINAL all three
 *   are a terminal of rows × columns; then stdin must be empty. With SV_START_PIPES, stdout and stderr are pipes. Of a terminal
 *   or pipes the monitor appends what comes to the files: of a terminal all of it to stdout. With any of the three it listens
 *   on <state>/attempts/<id>/attach (ATTACH below). A full disk holds up neither: what it does not take is missing in the file,
 *   where a line says how much as soon as there is room.
 *   stdout and stderr are files opened O_WRONLY|O_APPEND|O_CREAT 0640 before the user changes. path is the absolute binary for execve. uid, gid and groups apply with SV_START_SETUSER only,
 *   nice with SV_START_NICE, oom_score_adj with SV_START_OOM. Resource numbers are the kernel's RLIMIT_*.
 *   Without an rlimit for NOFILE, the soft limit is put back to what the server was started with (at most 1,024 if that
 *   was raised), since agents raise it and children would inherit it.
 */
enum sv_request {
  SV_HELLO = 1,
  SV_START = 2,
  SV_SIGNAL = 3,
  SV_LIST = 4,
  SV_ACK = 5,
  SV_USAGE = 6,
  SV_SHUTDOWN = 7,
  SV_RELEASE = 9,
  SV_SAMPLE = 10,
  SV_PUNCH = 11,
  SV_UPGRADE = 12,
  SV_RESUME = 8 /* of a monitor, on a connection of its own: str id · u64 start time of the monitor (clock ticks). No answer;
                   the server closes the connection when it does not know that monitor; of an attempt whose record is
                   damaged it takes the first that comes. After it the connection carries
                   what the pipe between server and monitor carries (internal; monitor.h). */
};

enum sv_start_flags {
  SV_START_SETUSER = 1u << 0,
  SV_START_NO_NEW_PRIVS = 1u << 1,
  SV_START_NICE = 1u << 2,
  SV_START_OOM = 1u << 3,
  SV_START_INPUT = 1u << 4,
  SV_START_TERMINAL = 1u << 5,
  SV_START_PIPES = 1u << 6
};

enum sv_scope {
  SV_SCOPE_LEADER = 1, /* the process that was started */
  SV_SCOPE_GROUP = 2,  /* its process group */
  SV_SCOPE_TREE = 3    /* everything that it ever forked: by its cgroup, by descent, by its tag. SIGKILL and SIGSTOP again until
                          nothing new is found; others once, since what was forked to handle one is not to get it */
};

/*
 * Answers and notices.
 *
 * SV_HELLO_OK   u32 version · i32 pid of the server · str boot id · u64 start time of the server (clock ticks since boot) ·
 *               str version of the binary
 * SV_OK         (empty)
 * SV_ERROR      u32 sv_error · i32 errno (0 where none) · str one line for a person
 * SV_SIGNALED   i32 pid that was signalled (the leader's; 0 when only leftovers were) · u32 number of processes reached ·
 *               procs: with SV_SCOPE_TREE those that were there when the request came, else none
 * SV_SAMPLED    u32 processes · u32 threads · u64 user µs · u64 system µs (of all that run and all that were reaped) ·
 *               u64 resident bytes · u64 bytes of memory of its cgroup, 0 where it has none that counts ·
 *               u64 stdout bytes · u64 stderr bytes
 * SV_STATUS     str id · u8 sv_attempt_state · then, by state, the body of the notice that announced it, without its id
 * SV_LIST_END   u32 number of SV_STATUS frames
 * SV_USAGE_OK   usage: RUSAGE_CHILDREN of the server, over all of its restarts
 *
 * SV_STARTED      str id · i32 pid · u64 start time (clock ticks since boot) · i64 wall clock ms · i32 monitor's pid
 * SV_NOT_STARTED  str id · str step · i32 errno                    the attempt is over; no process ran
 * SV_EXITED       str id · i32 status as wait4 gave it · usage (of wait4) · i64 wall clock ms ·
 *                 u64 stdout bytes · u64 stderr bytes · pids (descendants that are left) · group
 *                 the record is on disk before this is said. The usage is all zeros, which no process has, where only the
 *                 status could be known: of a task whose monitor an earlier server forked, and that was killed
 * SV_EMPTY        str id · i64 wall clock ms · u64 stdout bytes · u64 stderr bytes · group
 *                 nothing of it is left: the attempt is over
 * SV_LOST         str id · str reason · i64 wall clock ms          its monitor is gone and nobody can know the exit code:
 *                 the attempt is over ("monitor lost", "start interrupted", "reboot", "record corrupt: …")
 *
 * For one attempt the order is STARTED, EXITED, EMPTY, or NOT_STARTED, or STARTED, LOST, or LOST. Every notice goes to every
 * agent that is connected; one that was not asks SV_LIST, and gets the latest.
 */
enum sv_answer {
  SV_HELLO_OK = 65,
  SV_OK = 66,
  SV_ERROR = 67,
  SV_SIGNALED = 68,
  SV_STATUS = 69,
  SV_LIST_END = 70,
  SV_USAGE_OK = 71,
  SV_SAMPLED = 72,
  SV_STARTED = 80,
  SV_NOT_STARTED = 81,
  SV_EXITED = 82,
  SV_EMPTY = 83,
  SV_LOST = 84
};

/*
 * State of an attempt in SV_STATUS, with what follows it:
 *   STARTING     nothing
 *   RUNNING      STARTED without id
 *   EXITED       STARTED without id, then EXITED without id (descendants are left)
 *   ENDED        STARTED without id, EXITED without id, then EMPTY without id
 *   NOT_STARTED  NOT_STARTED without id
 *   LOST         u8 1 if STARTED without id follows, else 0; then LOST without id
 */
enum sv_attempt_state {
  SV_ATTEMPT_STARTING = 1,
  SV_ATTEMPT_RUNNING = 2,
  SV_ATTEMPT_EXITED = 3,
  SV_ATTEMPT_ENDED = 4,
  SV_ATTEMPT_NOT_STARTED = 5,
  SV_ATTEMPT_LOST = 6
};

enum sv_error {
  SV_ERR_VERSION = 1,   /* the server speaks another version */
  SV_ERR_EXISTS = 2,    /* that id was started already */
  SV_ERR_NO_ATTEMPT = 3, /* that id is not here */
  SV_ERR_OVER = 4,      /* the attempt is over: nothing to signal */
  SV_ERR_INVALID = 5,   /* a value is out of its range; the text says which */
  SV_ERR_BUSY = 6,      /* attempts are not over, or were not acknowledged */
  SV_ERR_SYSTEM = 7     /* a system call failed; errno says how */
};

/*
 * ATTACH. What is said on <state>/attempts/<id>/attach (SOCK_STREAM, mode 0600, same uid by SO_PEERCRED), in frames as above with
 * tag 0; any number of clients, SV_ATTACH_CLIENTS_MAX at most: one more is closed at once. The monitor says TAKEN when a client
 * comes, and when the offset grows.
 *
 * SV_ATTACH_DATA    u64 offset · str bytes (NULs allowed)   input, SV_ATTACH_DATA_MAX bytes at the most; what lies before the
 *                                                           offset that was taken is passed over, what begins behind it closes
 *                                                           the connection
 * SV_ATTACH_END     u64 offset                              the end of input lies there, where the bytes before it end: a pipe is
 *                                                           closed once all of them were written; of a terminal it says nothing
 * SV_ATTACH_RESIZE  u16 rows · u16 columns                  of a terminal; neither is 0
 * SV_ATTACH_READ    u8 stream (1 stdout, 2 stderr) · u64 offset
 *                                                           somebody has read the output up to there. The task is held up while
 *                                                           it is SV_ATTACH_AHEAD_MAX beyond: of a terminal, beyond the furthest of
 *                                                           the clients that said so and are connected, if there are any; of
 *                                                           pipes, beyond what was ever read
 * SV_ATTACH_HANGUP  (empty)                                 the line is cut, for good: end of input for whoever reads; SIGHUP to the
 *                                                           leader of a terminal's session and EIO for whoever uses it; SIGPIPE
 *                                                           for whoever writes to a pipe
 * SV_ATTACH_TAKEN   u64 offset · u8 1 when no more is taken  from the monitor: so many bytes of input were written to the task. No more
 *                                                           is taken when the task has closed its end, the end was written, the
 *                                                           line was cut, or there is no input; what comes then is passed over
 *
 * Nothing is lost or repeated when a client comes back, since offsets count from the attempt's start and the monitor keeps them.
 * Frames of one connection are taken in order, and input that the task does not take holds up what is behind it, and then the
 * client: who tells READ, does so on a connection without input. The monitor holds no input but a frame of each client; what was
 * not TAKEN is lost with the connection and sent again on the next one. Pipes and terminal live as long as the monitor: when it
 * is killed, they are cut.
 */
#define SV_ATTACH_CLIENTS_MAX 8
#define SV_ATTACH_DATA_MAX (64u << 10)
#define SV_ATTACH_AHEAD_MAX (256u << 10)

enum sv_attach {
  SV_ATTACH_DATA = 96,
  SV_ATTACH_END = 97,
  SV_ATTACH_RESIZE = 98,
  SV_ATTACH_READ = 99,
  SV_ATTACH_TAKEN = 100,
  SV_ATTACH_HANGUP = 101
};

#endif
