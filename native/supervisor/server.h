/*
 * server.h: what the files of the server share: its loop, its connections, its attempts.
 *
 * One process, one thread, one of it: the state is a static variable of the file that keeps it, and these are its doors.
 */
#ifndef DROVER_SUPERVISOR_SERVER_H
#define DROVER_SUPERVISOR_SERVER_H

#include "host.h"
#include "message.h"

#define SV_CLIENT_OUTPUT_MAX (4u << 20) /* who is so far behind is disconnected, reconnects and lists */
#define SV_LIST_AHEAD_MAX (64u << 10)  /* a list goes on when the client has read down to this */
#define SV_UNKNOWN_MAX 64               /* connections that have not said yet what they are */
#define SV_UNKNOWN_MS 5000              /* how long they may wait with it */
#define SV_ASKS_MAX 64                  /* signals and samples of one attempt that its monitor has not answered */

#ifndef SV_VERSION
#define SV_VERSION "0.0.0"
#endif

/* ---- the loop (server.c) ---- */

struct sv_source {
  int fd; /* −1 when not watched */
  void (*ready)(struct sv_source *source, uint32_t events);
};

extern struct sv_host sv_host;

bool sv_watch(struct sv_source *source, uint32_t events);
bool sv_rewatch(struct sv_source *source, uint32_t events);
void sv_unwatch(struct sv_source *source); /* and closes its descriptor; twice is allowed */

/* Frees what may still be named by an event of this round, after the round. */
void sv_free_later(void *memory);

/* Binds and listens, recovers. NULL, or what could not be done; errno. With what the binary before handed over, or NULL. */
const char *sv_server_open(const struct sv_upgraded *upgraded);
int sv_server_run(void);
void sv_server_stop(void);

/* ---- connections (conns.c) ---- */

struct sv_attempt;

enum sv_conn_kind { SV_CONN_UNKNOWN, SV_CONN_AGENT, SV_CONN_MONITOR };

struct sv_conn {
  struct sv_source source; /* first: an event's source is its connection */
  struct sv_conn *next, *previous;
  enum sv_conn_kind kind;
  uint64_t serial; /* never used again, unlike an address */
  pid_t peer;
  int64_t known_by_ms; /* of an unknown one */
  struct sv_attempt *attempt; /* of a monitor */
  uint8_t *in; /* the beginning of a frame whose end has not come */
  size_t in_len;
  uint8_t *out;
  size_t out_len, out_sent, out_cap;
  uint32_t events; /* that epoll watches for */
  bool blocked; /* the socket took no more: EPOLLOUT is awaited */
  bool closed;
  bool forked; /* to a monitor that we have forked, by the socket pair that it was given */
  bool listing; /* nothing more is taken from it until the list is complete */
  uint64_t listed;
  uint32_t list_tag, list_count;
};

struct sv_conn *sv_conn_open(int fd, enum sv_conn_kind kind);
void sv_conn_become(struct sv_conn *conn, enum sv_conn_kind kind);
void sv_conn_close(struct sv_conn *conn); /* twice is allowed within a round */
struct sv_conn *sv_conn_find(uint64_t serial); /* a client */
void sv_conn_send(struct sv_conn *conn, const struct sv_writer *frames);
void sv_conn_drain(struct sv_conn *conn); /* takes all that it has to say, now */
void sv_conns_broadcast(const struct sv_writer *frame);
void sv_conns_flush(void);
unsigned sv_conns_count(enum sv_conn_kind kind);
void sv_input_give_back(void); /* what was read and is not kept */
void sv_conns_expire(int64_t now_ms);

/* ---- attempts (attempts.c) ---- */

struct sv_ask {
  uint64_t conn;
  uint32_t client_tag, tag;
  uint8_t type; /* SV_SIGNAL or SV_SAMPLE */
  int32_t signal;
  uint8_t scope;
  bool sent;
};

struct sv_attempt {
  struct sv_source monitor_gone; /* first; the pidfd of a monitor that is not our child */
  struct sv_attempt *next, *previous, *by_id, *by_monitor;
  char id[SV_ID_MAX + 1];
  uint64_t sequence;
  enum sv_attempt_state state;
  int mark; /* usage.h */
  pid_t monitor;
  uint64_t monitor_start;
  bool own_monitor;   /* our child: wait4 tells its end */
  bool orphaned;      /* its monitor is dead, its processes are watched by orphans.c */
  bool scan_wanted, scan_running; /* for more of them */
  bool scanned;       /* once: what is known of it can be signalled */
  uint8_t clean_scans; /* in a row that found nothing, with nothing known */
  bool killing;       /* whatever is found of it is killed */
  bool counted;       /* its use is in the totals */
  struct sv_usage told; /* in the totals, and once more in what our monitor brings when it ends */
  int slot;           /* its cgroup; −1 for none */
  bool plain;         /* its monitor may have another after it */
  bool reusable;      /* its cgroup holds no limits, and was made for this server */
  uint64_t cgroup_cpu_us;
  bool released;      /* nobody will acknowledge it */
  int record_error;   /* what is wrong with its record: an errno, EBADMSG, ENODATA for nothing in it; 0 for one that can be read */
  int64_t resume_by_ms; /* until then a monitor that no record names may say that it is one; 0: none is awaited */
  bool found;         /* a process of it, after its monitor was gone */
  struct sv_conn *conn; /* to its monitor */
  bool was_started;
  struct sv_started started;
  uint8_t *exited, *over; /* bodies as they are told */
  size_t exited_len, over_len;
  struct sv_ask *asks;
  unsigned ask_count;
};

struct sv_attempt *sv_attempt_add(const char *id, bool recovered); /* NULL when there are too many */
void sv_attempt_remove(struct sv_attempt *a);
struct sv_attempt *sv_attempt_find(const char *id);
struct sv_attempt *sv_attempt_of_monitor(pid_t monitor);
struct sv_attempt *sv_attempt_of_leader(pid_t leader); /* running, and that process is our child: its monitor is dead */
void sv_attempt_set_monitor(struct sv_attempt *a, pid_t monitor, uint64_t start, bool own);
struct sv_attempt *sv_attempt_after(uint64_t sequence); /* the next in the order of their starts */
unsigned sv_attempts_count(void);
void sv_attempts_give_back(void); /* of a monitor, which knows but one */
bool sv_attempt_over(const struct sv_attempt *a);

/*
 * Something happened to it: the state advances as the table allows, and every agent is told. What does not advance it is
 * repeated news and changes nothing. False: the body is malformed.
 */
bool sv_attempt_apply(struct sv_attempt *a, uint8_t type, const uint8_t *body, size_t len);

/* The same, written to the record first: for what the server itself finds out. */
void sv_attempt_conclude(struct sv_attempt *a, uint8_t type, const struct sv_writer *body);
void sv_attempt_conclude_lost(struct sv_attempt *a, const char *reason);

/* Nobody will acknowledge it: it is forgotten once it is over, at the end of the round in which that is known. */
void sv_attempt_release(struct sv_attempt *a);
void sv_attempts_forget_released(void);
void sv_attempt_put_status(struct sv_writer *w, const struct sv_attempt *a, uint32_t tag);

/* ---- requests (requests.c) ---- */

/* False: the connection is to be closed. */
bool sv_request(struct sv_conn *conn, struct sv_frame *frame);
void sv_list_go_on(struct sv_conn *conn);
bool sv_monitor_said(struct sv_conn *conn, struct sv_frame *frame);

/* An answer is one frame, composed in one place: begin, put its body, end. Without a connection it is forgotten. */
struct sv_writer sv_answer_begin(uint8_t type, uint32_t tag);
void sv_answer_end(struct sv_conn *conn, struct sv_writer *w);
bool sv_ok(struct sv_conn *conn, uint32_t tag); /* both are true always, for a handler to return */
bool sv_refuse(struct sv_conn *conn, uint32_t tag, enum sv_error error, int number, const char *text);

/* ---- our monitors that have no attempt (monitors.c) ---- */

void sv_monitor_free(struct sv_attempt *a); /* of an attempt that is over: it becomes a spare one, or ends */
bool sv_monitor_give(struct sv_attempt *a, const struct sv_writer *order, int record); /* a spare one; false: there is none */
void sv_monitor_hung_up(const struct sv_conn *conn);
bool sv_monitor_reaped(pid_t pid); /* false: it was not one of them */
bool sv_monitor_is_free(pid_t pid);
unsigned sv_monitors_spare(void);
bool sv_monitors_free(void); /* some, spare or about to end */
void sv_monitors_let_go(void);
void sv_monitors_expire(int64_t now_ms);

/* ---- requests that a monitor answers (asks.c), or a child (punch.c) ---- */

bool sv_ask_signal(struct sv_conn *conn, struct sv_frame *f);
bool sv_ask_sample(struct sv_conn *conn, struct sv_frame *f);
bool sv_ask_answered(struct sv_attempt *a, struct sv_frame *frame);
void sv_asks_send(struct sv_attempt *a);   /* or answers them, for an attempt whose monitor is dead */
void sv_asks_resume(struct sv_attempt *a); /* all of them, to a monitor that came back */
bool sv_punch(struct sv_conn *conn, struct sv_frame *f);
bool sv_punch_is(pid_t pid);
bool sv_punch_reaped(pid_t pid, int status); /* false: it was not one of those children */

/* ---- recovery (recover.c) and what is left of a dead monitor (orphans.c) ---- */

bool sv_recover(bool upgraded); /* upgraded: what we have forked before is our child */
bool sv_recover_resumed(struct sv_attempt *a, pid_t monitor, uint64_t start); /* false: none is awaited, or it is not that one */
bool sv_recover_waiting(void);
void sv_recover_expire(int64_t now_ms);
bool sv_recover_conclude(struct sv_attempt *a); /* with nothing left of it. False: its monitor is there, or may have left more */
void sv_monitor_lost(struct sv_attempt *a, bool alone);
void sv_orphan_watch(struct sv_attempt *a, bool alone);
void sv_orphans_look(void);    /* once a round: says what is true by what is left, and looks for more where that is wanted */
bool sv_orphans_waiting(void); /* for a moment, besides events */
void sv_orphans_expire(int64_t now_ms);
void sv_orphans_adopt(void); /* new children of ours, of what is watched */
void sv_orphan_reaped(pid_t pid, int status, const struct rusage *usage);
void sv_orphans_signal(struct sv_attempt *a, int signal, uint8_t scope, struct sv_signaled *signaled);
struct sv_sampled sv_orphans_sample(const struct sv_attempt *a);
void sv_orphans_forget(struct sv_attempt *a);

#endif
