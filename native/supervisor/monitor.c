/*
 * monitor.c: starts one task, waits for it and for all that it leaves, and keeps what happened.
 *
 *            ┌─ not-started ─► exit 0
 *   claimed ─┤
 *     ▲      └─ started ─► leader exits ─► leader reaped, EXITED ─► nothing left, EMPTY ─┬─► exit 0
 *     └───────────────────────────── another, where its server hands it one (order.h) ───┘
 *
 * It is the subreaper of its task: whatever that forks stays a descendant of this process, and the answer ECHILD of waitid
 * means that nothing is left. What happened goes to the record first and to the server then. It never waits for the server:
 * one that died is looked for again while there is something to wait for, and the record is for the one that comes later.
 * SIGTERM and the like are blocked: only SIGKILL ends a monitor before its task.
 */
#include "monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "attach.h"
#include "child.h"
#include "kin.h"
#include "order.h"
#include "tag.h"
#include "usage.h"

#define LOOK_AGAIN_MAX_MS 1000
#define GIVE_BACK_MS 100 /* a task that is over sooner does not pay for it */
#define ENTRIES_MAX 4096 /* EXITED with all of its leftovers, and EMPTY */

struct monitor {
  const struct sv_host *host;
  struct sv_link link; /* to the server */
  int record;
  int out, err; /* kept for their sizes */
  int sigchld;
  pid_t leader; /* 0 once it was reaped: its pid and group are then nobody's to signal */
  bool leader_ended; /* a zombie that still holds its group */
  bool empty;
  bool plain; /* the attempt: another may follow it */
  bool kept_back; /* what a start needs was not given back yet */
  struct sv_cgroup cgroup;
  struct sv_group counted; /* by it, until it was removed */
  struct sv_usage told;    /* of attempts that are over */
  struct sv_usage reaped;  /* with them */
  int look_again_ms;       /* whether its cgroup is empty; 0: nothing to wait for */
  struct sv_writer entries; /* of the record, not yet written */
  uint8_t entry_bytes[ENTRIES_MAX];
};

/* One thing that happened: begin, write its body into both, end. */
struct news {
  struct monitor *m;
  uint8_t type;
  size_t entry;
};

static struct sv_writer *news_begin(struct news *news, struct monitor *m, uint8_t type) {
  *news = (struct news){m, type, sv_record_begin(&m->entries, type)};
  return &m->entries;
}

static void news_end(struct news *news) {
  struct monitor *m = news->m;
  const size_t header = 9; /* length, checksum and type of the entry */
  sv_record_end(&m->entries, news->entry);
  sv_link_keep(&m->link, news->type, m->entries.base + news->entry + header, m->entries.len - news->entry - header);
}

/* The record first. That it failed does not make the news less true: the server is told all the same. */
static void publish(struct monitor *m) {
  if (!sv_record_append(m->record, &m->entries)) sv_log("record of %s not written: %s", m->link.id, strerror(errno));
  m->entries.len = 0;
  sv_link_send_kept(&m->link);
}

static uint64_t size_of(int fd) {
  struct stat s;
  return fd >= 0 && fstat(fd, &s) == 0 && S_ISREG(s.st_mode) ? (uint64_t)s.st_size : 0;
}

/* Without O_NONBLOCK a FIFO that has no other end would hold up the monitor; the task gets it without. */
static int open_for_task(const char *path, int flags) {
  int fd = open(path, flags | O_NOCTTY | O_NONBLOCK | O_CLOEXEC, 0640);
  if (fd >= 0 && fcntl(fd, F_SETFL, flags & O_APPEND) != 0) {
    int error = errno;
    (void)close(fd);
    errno = error;
    return -1;
  }
  return fd;
}

static bool open_stdio(const struct sv_start *start, struct sv_stdio *stdio, struct sv_refusal *refusal) {
  const int output = O_WRONLY | O_APPEND | O_CREAT;
  const struct {
    const char *step, *path;
    int flags;
    int *fd;
  } files[] = {
      {"stdin", start->in[0] != '\0' ? start->in : "/dev/null", O_RDONLY, &stdio->in},
      {"stdout", start->out, output, &stdio->out},
      {"stderr", start->err, output, &stdio->err},
  };
  for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
    *files[i].fd = open_for_task(files[i].path, files[i].flags);
    if (*files[i].fd < 0) {
      *refusal = (struct sv_refusal){files[i].step, errno};
      return false;
    }
  }
  return true;
}

_Noreturn static void end_not_started(struct monitor *m, struct sv_refusal refusal) {
  struct news news;
  sv_put_not_started(news_begin(&news, m, SV_NOT_STARTED), refusal.step, refusal.error);
  news_end(&news);
  publish(m);
  _exit(0);
}

static _Alignas(SV_PAGE) uint8_t claim_bytes[SV_RECORD_MAX], order_bytes[SV_ORDER_MAX]; /* of a start only: not part of what a monitor keeps */

/* Ours must be the first entry of the record; and its space is reserved here, where a full disk can still refuse. */
static void claim(struct monitor *m, const struct sv_start *start) {
  struct sv_writer w = sv_writer_of(claim_bytes, sizeof claim_bytes);
  struct sv_claim claim = {.monitor = getpid(), .monitor_start = m->link.start_ticks, .out = start->out, .err = start->err, .told = m->told};
  memcpy(claim.boot, m->host->boot, sizeof claim.boot);
  sv_cgroup_put_claim(&m->cgroup, &claim);
  size_t entry = sv_record_begin(&w, SV_RECORD_CLAIMED);
  sv_put_claim(&w, &claim);
  sv_record_end(&w, entry);
  if (!sv_record_append(m->record, &w)) {
    int error = errno;
    if (ftruncate(m->record, 0) != 0) sv_log("record of %s not emptied: %s", start->id, strerror(errno));
    end_not_started(m, (struct sv_refusal){"record", error});
  }
  if (lseek(m->record, 0, SEEK_CUR) != (off_t)w.len) _exit(0); /* a server has said in our absence that it did not start */
  if (fallocate(m->record, FALLOC_FL_KEEP_SIZE, 0, (off_t)w.len + SV_RECORD_RESERVE) != 0 && errno != EOPNOTSUPP && errno != ENOSYS) {
    end_not_started(m, (struct sv_refusal){"record", errno});
  }
}

static void start_task(struct monitor *m, const struct sv_start *start) {
  struct sv_stdio stdio = {-1, -1, -1};
  struct sv_refusal refusal;
  if (!open_stdio(start, &stdio, &refusal)) end_not_started(m, refusal);
  m->out = stdio.out;
  m->err = stdio.err;
  if (!sv_attach_open(start, &stdio, &refusal) || !sv_cgroup_make(&m->cgroup, start, &refusal)) end_not_started(m, refusal);
  uint64_t before = sv_boottime_ns();
  m->leader = sv_child_start(start, m->host, stdio, &m->cgroup, &refusal);
  uint64_t after = sv_boottime_ns();
  if (m->leader < 0) {
    (void)sv_cgroup_leave(&m->cgroup);
    end_not_started(m, refusal);
  }
  (void)close(stdio.in);
  if (stdio.out != m->out) (void)close(stdio.out);
  if (stdio.err != m->err) (void)close(stdio.err);

  const struct sv_started started = {
      .pid = m->leader, .start_ticks = sv_start_ticks(m->leader, before, after), .wall_ms = sv_wall_ms(), .monitor = getpid()};
  struct news news;
  sv_put_started(news_begin(&news, m, SV_STARTED), &started);
  news_end(&news);
  publish(m);
}

static uint32_t signal_leader(const struct monitor *m, int signal) {
  return m->leader > 0 && !m->leader_ended && kill(m->leader, signal) == 0;
}

/* The leader's zombie keeps the group's number; after it was reaped the number may become anybody's. */
static uint32_t signal_group(const struct monitor *m, int signal) {
  if (m->leader <= 0) return 0;
  uint32_t reached = 0;
  const struct sv_proc *procs = sv_tree_scratch();
  size_t count = sv_tree_walk(getpid(), sv_tree_scratch(), SV_TREE_MAX);
  for (size_t i = 0; i < count; i++) reached += procs[i].pgrp == m->leader;
  return kill(-m->leader, signal) == 0 ? reached : 0;
}

static uint32_t signal_tree(const struct monitor *m, int signal) { return sv_kin_signal(getpid(), &m->cgroup, signal); }

/* Those that are there now, for who asks what is left. */
static uint32_t list_tree(const struct monitor *m, struct sv_left *list) {
  const struct sv_proc *procs = sv_tree_scratch();
  const uint32_t count = (uint32_t)sv_kin_list(getpid(), &m->cgroup, sv_tree_scratch(), SV_LEFTOVERS_MAX);
  for (uint32_t i = 0; i < count; i++) {
    list[i] = (struct sv_left){.pid = procs[i].pid, .state = procs[i].state};
    memcpy(list[i].command, procs[i].command, sizeof procs[i].command);
  }
  return count;
}

static bool on_signal(struct monitor *m, struct sv_frame *frame) {
  static uint32_t (*const send[])(const struct monitor *, int) = {
      [SV_SCOPE_LEADER] = signal_leader, [SV_SCOPE_GROUP] = signal_group, [SV_SCOPE_TREE] = signal_tree};
  static struct sv_signaled signaled;
  int signal = sv_get_i32(&frame->body);
  uint8_t scope = sv_get_u8(&frame->body);
  if (!sv_reader_done(&frame->body) || scope >= sizeof send / sizeof send[0] || send[scope] == NULL) return false;
  signaled = (struct sv_signaled){.pid = m->leader, .count = 0};
  if (scope == SV_SCOPE_TREE) signaled.count = list_tree(m, signaled.procs);
  signaled.reached = send[scope](m, signal);
  uint8_t bytes[SV_LINK_ANSWER_MAX];
  struct sv_writer body = sv_writer_of(bytes, sizeof bytes);
  sv_put_signaled(&body, &signaled);
  sv_link_answer(&m->link, SV_SIGNALED, frame->tag, &body);
  return true;
}

static bool on_sample(struct monitor *m, struct sv_frame *frame) {
  struct rusage reaped;
  if (!sv_reader_done(&frame->body)) return false;
  struct sv_sampled sample = {.out_bytes = size_of(m->out), .err_bytes = size_of(m->err)};
  if (getrusage(RUSAGE_CHILDREN, &reaped) == 0) {
    const struct sv_usage usage = sv_usage_of(&reaped);
    sample.user_us = usage.user_us - m->reaped.user_us;
    sample.system_us = usage.system_us - m->reaped.system_us;
  }
  sv_tree_sample(getpid(), &sample);
  sample.group_bytes = sv_cgroup_memory(&m->cgroup);
  uint8_t bytes[64];
  struct sv_writer body = sv_writer_of(bytes, sizeof bytes);
  sv_put_sampled(&body, &sample);
  sv_link_answer(&m->link, SV_SAMPLED, frame->tag, &body);
  return true;
}

static void hear_server(struct monitor *m) {
  struct sv_frame frame;
  while (sv_link_next(&m->link, &frame)) {
    bool understood = (frame.type == SV_SIGNAL && on_signal(m, &frame)) || (frame.type == SV_SAMPLE && on_sample(m, &frame));
    if (!understood) sv_link_lost(&m->link);
  }
}

static void tell_empty(struct monitor *m) {
  struct news news;
  sv_attach_drain();
  const struct sv_empty empty = {.wall_ms = sv_wall_ms(), .out_bytes = size_of(m->out), .err_bytes = size_of(m->err), .group = m->counted};
  sv_put_empty(news_begin(&news, m, SV_EMPTY), &empty);
  news_end(&news);
  m->empty = true;
}

/*
 * With its last process reaped its cgroup is empty, but for a moment in which the kernel still takes it down, or for what
 * somebody else put there: then it is looked at again.
 */
static bool is_empty(struct monitor *m) {
  m->counted = sv_cgroup_counts(&m->cgroup);
  if (sv_cgroup_leave(&m->cgroup)) return true;
  m->look_again_ms = m->look_again_ms == 0 ? 1 : m->look_again_ms < LOOK_AGAIN_MAX_MS ? m->look_again_ms * 2 : LOOK_AGAIN_MAX_MS;
  return false;
}

static void on_leader_exit(struct monitor *m, int status, const struct rusage *usage, bool nothing_left) {
  static struct sv_exited exited;
  sv_attach_drain();
  const uint64_t out_bytes = size_of(m->out), err_bytes = size_of(m->err);
  exited = (struct sv_exited){
      .status = status, .usage = sv_usage_of(usage), .wall_ms = sv_wall_ms(), .out_bytes = out_bytes, .err_bytes = err_bytes, .group = m->counted};
  if (!nothing_left) exited.left_count = list_tree(m, exited.left);
  struct news news;
  sv_put_exited(news_begin(&news, m, SV_EXITED), &exited);
  news_end(&news);
  sv_usage_sum(&m->told, &exited.usage);
  if (nothing_left) tell_empty(m); /* one write for both: the usual case */
  publish(m);
}

/* All that ended, the leader last, so that what is left is known when its end is told. */
static void reap(struct monitor *m) {
  for (;;) {
    siginfo_t ended = {0};
    bool none = waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT) != 0 && errno == ECHILD;
    if (none) {
      if (m->leader == 0 && !m->empty && is_empty(m)) {
        tell_empty(m);
        publish(m);
      }
      return;
    }
    if (ended.si_pid == 0) return;
    if (ended.si_pid != m->leader) {
      (void)waitpid(ended.si_pid, NULL, WNOHANG);
      continue;
    }
    m->leader_ended = true;
    hear_server(m); /* a signal to the group that is waiting already still finds its group */
    int status;
    struct rusage usage;
    if (wait4(m->leader, &status, 0, &usage) != m->leader) return;
    m->leader = 0;
    siginfo_t other = {0};
    while (waitid(P_ALL, 0, &other, WEXITED | WNOHANG) == 0 && other.si_pid != 0) other.si_pid = 0;
    bool no_child = waitid(P_ALL, 0, &other, WEXITED | WNOHANG | WNOWAIT) != 0 && errno == ECHILD;
    bool nothing_left = no_child && is_empty(m);
    if (!no_child) m->counted = sv_cgroup_counts(&m->cgroup);
    on_leader_exit(m, status, &usage, nothing_left);
  }
}

static void close_all_but(int a, int b) {
  const unsigned low = (unsigned)(a < b ? a : b), high = (unsigned)(a < b ? b : a);
  if (low > 3) (void)close_range(3, low - 1, 0);
  if (high > low + 1) (void)close_range(low + 1, high - 1, 0);
  (void)close_range(high + 1, ~0u, 0);
}

static int wait_ms(const struct monitor *m) {
  const int waits[] = {sv_link_wait_ms(&m->link), sv_attach_wait_ms(), m->look_again_ms > 0 ? m->look_again_ms : -1,
                       m->kept_back ? GIVE_BACK_MS : -1};
  int least = -1;
  for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
    if (waits[i] >= 0 && (least < 0 || waits[i] < least)) least = waits[i];
  }
  return least;
}

static void give_back_all(struct monitor *m, void (*of_server)(void)) {
  m->kept_back = false;
  sv_give_back(claim_bytes, sizeof claim_bytes);
  sv_give_back(order_bytes, sizeof order_bytes);
  sv_child_give_back();
  of_server();
}

static void watch(struct monitor *m, void (*give_back)(void)) {
  reap(m);
  while (!m->empty) {
    struct pollfd fds[2 + SV_ATTACH_FDS] = {{.fd = m->sigchld, .events = POLLIN}, {.fd = m->link.fd, .events = POLLIN}};
    const size_t attached = sv_attach_poll(fds + 2);
    const int ready = poll(fds, 2 + attached, wait_ms(m));
    if (ready < 0 && errno != EINTR) sv_log("poll: %s", strerror(errno));
    if (ready == 0 && m->kept_back) give_back_all(m, give_back);
    sv_link_resume(&m->link);
    hear_server(m);
    sv_attach_serve(fds + 2, attached);
    if (fds[0].revents != 0) {
      struct signalfd_siginfo many[8];
      (void)!read(m->sigchld, many, sizeof many);
    }
    if (fds[0].revents != 0 || m->look_again_ms > 0) reap(m);
  }
}

/* Nothing that is left of an attempt is of the next one; and what it held open is closed before that is waited for. */
static void forget_attempt(struct monitor *m) {
  struct rusage reaped;
  (void)close(m->record);
  (void)close(m->out);
  (void)close(m->err);
  m->record = m->out = m->err = -1;
  m->leader_ended = m->empty = false;
  m->look_again_ms = 0;
  sv_cgroup_plan_again(&m->cgroup, m->counted.cpu_us);
  if (getrusage(RUSAGE_CHILDREN, &reaped) == 0) m->reaped = sv_usage_of(&reaped);
}

/* The server has decoded it already, and hands on what it found to be right. */
static bool await_another(struct monitor *m, struct sv_start *start) {
  struct sv_frame order;
  forget_attempt(m);
  return sv_order_await(&m->link, order_bytes, &order, &m->record) && sv_decode_start(&order.body, start) == NULL && !order.body.bad;
}

static void set_up(struct monitor *m, int pair, uint64_t forked_ns) {
  m->sigchld = -1;
  m->entries = sv_writer_of(m->entry_bytes, sizeof m->entry_bytes);
  close_all_but(pair, m->record);
  sv_link_init(&m->link, sv_start_ticks(getpid(), forked_ns, sv_boottime_ns()), pair);
  (void)prctl(PR_SET_NAME, "drover-monitor");
}

static void become_reaper(struct monitor *m) {
  sigset_t child;
  (void)sigemptyset(&child);
  (void)sigaddset(&child, SIGCHLD);
  if (setsid() < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0 ||
      (m->sigchld = signalfd(-1, &child, SFD_NONBLOCK | SFD_CLOEXEC)) < 0) {
    end_not_started(m, (struct sv_refusal){"monitor", errno});
  }
}

_Noreturn void sv_monitor_run(struct sv_start *start, void (*give_back)(void), const struct sv_host *host, struct sv_slot slot, int pair,
                              int record, uint64_t forked_ns) {
  static struct monitor m; /* zeros, but for what follows: assigning all of it would make its buffers cost memory */
  m.host = host;
  m.record = record;
  set_up(&m, pair, forked_ns);
  sv_link_begin(&m.link, start->id);
  become_reaper(&m);
  sv_cgroup_plan(&m.cgroup, start, slot);
  do {
    sv_link_begin(&m.link, start->id);
    sv_tag_start(start);
    m.out = m.err = -1;
    claim(&m, start);
    start_task(&m, start);
    m.plain = sv_start_is_plain(start); /* of which nothing may be left when it is over */
    m.kept_back = true;
    watch(&m, give_back);
  } while (m.plain && await_another(&m, start));
  _exit(0);
}
