/*
 * server.c: the loop: new connections, ended children, signals to the server.
 *
 * It waits for nobody but epoll. SIGTERM and SIGINT end the server alone: monitors and tasks go on and come back to the next.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup.h"
#include "scan.h"
#include "server.h"
#include "upgrade.h"
#include "usage.h"

#define EVENTS_MAX 64
#define BACKLOG 4096 /* every monitor at once; the kernel takes what somaxconn allows, and the others come again */
#define REAPED_MAX 32 /* strays of one round; there are some only after a monitor was killed */
#define REAP_ROUNDS 8
#define PAUSE_MS 1000 /* of accepting, when there is no descriptor for a connection */

struct sv_host sv_host;

static int epoll_fd = -1;
static bool stopping;
static bool children_ended = true; /* some may not be reaped yet; at first those of the binary before us */
static bool accepting;
static int64_t accept_again_ms;

static void on_connection(struct sv_source *source, uint32_t events);
static void on_process_signal(struct sv_source *source, uint32_t events);
static struct sv_source listener = {-1, on_connection}, signals = {-1, on_process_signal};

static void **garbage;
static size_t garbage_count, garbage_cap;

/* Bounded by what there can be: attempts, connections, orphans. */
void sv_free_later(void *memory) {
  if (garbage_count == garbage_cap) {
    size_t cap = garbage_cap > 0 ? garbage_cap * 2 : 128;
    void **larger = realloc(garbage, cap * sizeof *garbage);
    if (larger == NULL) return; /* leaked, rather than used after it was freed */
    garbage = larger;
    garbage_cap = cap;
  }
  garbage[garbage_count++] = memory;
}

static void free_garbage(void) {
  while (garbage_count > 0) free(garbage[--garbage_count]);
}

static int64_t now_ms(void) { return (int64_t)(sv_boottime_ns() / 1000000u); }

static bool control(int operation, struct sv_source *source, uint32_t events) {
  struct epoll_event event = {.events = events, .data.ptr = source};
  return epoll_ctl(epoll_fd, operation, source->fd, &event) == 0;
}

bool sv_watch(struct sv_source *source, uint32_t events) { return control(EPOLL_CTL_ADD, source, events); }
bool sv_rewatch(struct sv_source *source, uint32_t events) { return control(EPOLL_CTL_MOD, source, events); }

void sv_unwatch(struct sv_source *source) {
  if (source->fd < 0) return;
  (void)control(EPOLL_CTL_DEL, source, 0); /* a monitor being forked may have a copy: closing alone would not do it */
  (void)close(source->fd);
  source->fd = -1;
}

void sv_server_stop(void) { stopping = true; }

static void accept_one(int fd) {
  struct ucred peer;
  socklen_t len = sizeof peer;
  struct sv_conn *conn = NULL;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && peer.uid == geteuid()) conn = sv_conn_open(fd, SV_CONN_UNKNOWN);
  else sv_log("a connection of another user was refused");
  if (conn == NULL) {
    (void)close(fd);
    return;
  }
  conn->peer = peer.pid;
  conn->known_by_ms = now_ms() + SV_UNKNOWN_MS;
}

/* Monitors that look for a new server come all at once, and say in the next round who they are: they must not wait for long. */
static bool crowded(void) { return sv_conns_count(SV_CONN_UNKNOWN) >= SV_UNKNOWN_MAX; }

static void pause_accepting(int ms) {
  if (accepting) (void)sv_rewatch(&listener, 0);
  accepting = false;
  accept_again_ms = now_ms() + ms;
}

static void on_connection(struct sv_source *source, uint32_t events) {
  (void)events;
  for (;;) {
    if (crowded()) {
      pause_accepting(0);
      return;
    }
    int fd = accept4(source->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      accept_one(fd);
    } else if (errno == EAGAIN) {
      return;
    } else if (errno != EINTR && errno != ECONNABORTED) { /* no descriptor or no memory: others may give some back */
      sv_log("accept: %s", strerror(errno));
      pause_accepting(PAUSE_MS);
      return;
    }
  }
}

struct reaped {
  pid_t pid;
  int status;
  struct rusage usage;
};

static void monitor_ended(struct sv_attempt *a) {
  if (a->conn != NULL) sv_conn_drain(a->conn);
  sv_attempt_set_monitor(a, 0, 0, true);
  sv_usage_take_back(&a->told);
  sv_usage_count(a->mark, a->id);
  a->counted = true;
}

/* A leader that is our child has no monitor any more, even if we have not been told that yet. */
static void stray_ended(const struct reaped *r) {
  if (sv_punch_reaped(r->pid, r->status) || sv_scan_reaped(r->pid)) return;
  struct sv_attempt *a = sv_attempt_of_leader(r->pid);
  if (a != NULL && !a->orphaned && a->monitor > 0 && wait4(a->monitor, NULL, WNOHANG, NULL) == a->monitor) {
    monitor_ended(a);
    sv_monitor_lost(a, false);
  }
  sv_orphan_reaped(r->pid, r->status, &r->usage);
}

/* Strays are judged after the monitors: the death of one says whose child a stray was. */
static bool reap_some(void) {
  static struct reaped strays[REAPED_MAX];
  static struct sv_attempt *lost[REAPED_MAX];
  size_t stray_count = 0, lost_count = 0;
  bool more = true;
  while (stray_count < REAPED_MAX && lost_count < REAPED_MAX) {
    struct reaped *r = &strays[stray_count];
    r->pid = wait4(-1, &r->status, WNOHANG, &r->usage);
    if (r->pid < 0 && errno == EINTR) continue;
    more = r->pid > 0;
    if (!more) break;
    struct sv_attempt *a = sv_attempt_of_monitor(r->pid);
    if (a == NULL && sv_monitor_reaped(r->pid)) continue;
    if (a == NULL) {
      stray_count++;
      continue;
    }
    monitor_ended(a);
    if (!sv_attempt_over(a)) lost[lost_count++] = a;
  }
  for (size_t i = 0; i < lost_count; i++) sv_monitor_lost(lost[i], lost_count == 1);
  for (size_t i = 0; i < stray_count; i++) stray_ended(&strays[i]);
  if (stray_count > 0) sv_orphans_adopt();
  return more;
}

static void on_process_signal(struct sv_source *source, uint32_t events) {
  (void)events;
  struct signalfd_siginfo info[8];
  ssize_t n = read(source->fd, info, sizeof info);
  for (ssize_t i = 0; i < n / (ssize_t)sizeof info[0]; i++) {
    if (info[i].ssi_signo != SIGCHLD && info[i].ssi_signo != SIGHUP) stopping = true;
  }
  children_ended = true;
}

/* Not until there are none: what goes on forking below a dead monitor must not keep us from what is asked. */
static void reap(void) {
  for (int i = 0; children_ended && i < REAP_ROUNDS; i++) children_ended = reap_some();
  sv_usage_refresh();
}

static bool open_signals(void) {
  sigset_t set;
  (void)sigemptyset(&set);
  (void)sigaddset(&set, SIGCHLD);
  (void)sigaddset(&set, SIGTERM);
  (void)sigaddset(&set, SIGINT);
  (void)sigaddset(&set, SIGHUP);
  signals.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  return signals.fd >= 0 && sv_watch(&signals, EPOLLIN);
}

/* We hold the state directory's lock, so a socket that is there is a dead server's. */
static bool open_listener(void) {
  const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = SV_SOCKET};
  if (unlink(SV_SOCKET) != 0 && errno != ENOENT) return false;
  listener.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (listener.fd < 0 || bind(listener.fd, (const struct sockaddr *)&address, sizeof address) != 0) return false;
  accepting = true;
  return chmod(SV_SOCKET, 0600) == 0 && listen(listener.fd, BACKLOG) == 0 && sv_watch(&listener, EPOLLIN);
}

const char *sv_server_open(const struct sv_upgraded *upgraded) {
  epoll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_fd < 0) return "epoll";
  if (!sv_host_init(&sv_host, upgraded)) return "/proc cannot be read";
  if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) return "not a subreaper";
  if (mkdir("attempts", 0700) != 0 && errno != EEXIST) return "attempts cannot be made";
  if (!sv_usage_open()) return "usage cannot be opened";
  if (!open_signals()) return "signals";
  if (!sv_recover(upgraded != NULL)) return "attempts cannot be read";
  sv_cgroups_recovered();
  sv_attempts_forget_released();
  return open_listener() ? NULL : "the socket cannot be listened on";
}

static void finish_round(void) {
  if (!children_ended) sv_orphans_look();
  sv_attempts_forget_released();
  sv_conns_flush();
  sv_cgroups_trim();
  sv_upgrade_try(now_ms());
  free_garbage();
}

int sv_server_run(void) {
  struct epoll_event events[EVENTS_MAX];
  for (finish_round(); !stopping; finish_round()) {
    bool clock = !accepting || sv_conns_count(SV_CONN_UNKNOWN) > 0 || sv_monitors_spare() > 0 || sv_orphans_waiting() || sv_recover_waiting() || sv_upgrade_waiting();
    int n = epoll_wait(epoll_fd, events, EVENTS_MAX, children_ended ? 0 : clock ? PAUSE_MS : -1);
    if (n < 0 && errno != EINTR) {
      sv_log("epoll_wait: %s", strerror(errno));
      return 1;
    }
    for (int i = 0; i < n; i++) {
      struct sv_source *source = events[i].data.ptr;
      if (source->fd >= 0) source->ready(source, events[i].events); /* closed by an event before it: freed after the round */
    }
    if (children_ended) reap();
    if (clock) sv_conns_expire(now_ms());
    if (clock) sv_orphans_expire(now_ms());
    if (clock) sv_recover_expire(now_ms());
    if (clock) sv_monitors_expire(now_ms());
    if (!accepting && !crowded() && now_ms() >= accept_again_ms) accepting = sv_rewatch(&listener, EPOLLIN);
  }
  (void)unlink(SV_SOCKET);
  sv_monitors_let_go();
  sv_cgroups_close();
  return 0;
}
