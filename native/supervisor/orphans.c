/*
 * orphans.c: the processes of an attempt whose monitor was killed.
 *
 * When the monitor was our child, its processes are our children now (we are their next subreaper): wait4 tells the
 * leader's status as the monitor would have. When it was an earlier server's, they belong to init: a pidfd tells their end,
 * and nobody their status. Which orphan is whose: by the leader and its session, and, if only one monitor died since we last
 * looked, by being new. What hid from all of that is not guessed at.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server.h"
#include "tree.h"

#define ORPHANS_MAX 1024u /* beyond it they are still reaped, but no longer signalled */

struct orphan {
  struct sv_source gone; /* first; its pidfd when it is not our child */
  struct orphan *next;
  struct sv_attempt *attempt;
  struct sv_proc proc;
};

static struct orphan *first;
static unsigned count, attempts; /* attempts: orphaned ones, without which nothing is looked for */

static struct orphan *find(pid_t pid) {
  struct orphan *o = first;
  while (o != NULL && o->proc.pid != pid) o = o->next;
  return o;
}

static struct orphan *of_attempt(const struct sv_attempt *a, struct orphan *after) {
  struct orphan *o = after != NULL ? after->next : first;
  while (o != NULL && o->attempt != a) o = o->next;
  return o;
}

static void drop(struct orphan *gone) {
  struct orphan **at = &first;
  while (*at != gone) at = &(*at)->next;
  *at = gone->next;
  sv_unwatch(&gone->gone);
  sv_free_later(gone);
  count--;
}

static uint64_t file_size(const char *path) {
  struct stat s;
  return stat(path, &s) == 0 && S_ISREG(s.st_mode) ? (uint64_t)s.st_size : 0;
}

static void sizes(const struct sv_attempt *a, uint64_t *out, uint64_t *err) {
  static uint8_t bytes[SV_RECORD_MAX];
  struct sv_claim claim;
  *out = *err = 0;
  if (!sv_record_claim(a->id, &claim, bytes)) return;
  *out = file_size(claim.out);
  *err = file_size(claim.err);
}

static void conclude_exited(struct sv_attempt *a, int status, const struct rusage *usage) {
  static struct sv_exited exited;
  uint64_t out, err;
  sizes(a, &out, &err);
  exited = (struct sv_exited){.status = status, .usage = sv_usage_of(usage), .wall_ms = sv_wall_ms(), .out_bytes = out, .err_bytes = err};
  for (struct orphan *o = of_attempt(a, NULL); o != NULL && exited.left_count < SV_LEFTOVERS_MAX; o = of_attempt(a, o)) {
    if (o->proc.pid == a->started.pid) continue;
    struct sv_left *left = &exited.left[exited.left_count++];
    left->pid = o->proc.pid;
    memcpy(left->command, o->proc.command, sizeof o->proc.command);
  }
  uint8_t bytes[2048];
  struct sv_writer body = sv_writer_of(bytes, sizeof bytes);
  sv_put_exited(&body, &exited);
  sv_attempt_conclude(a, SV_EXITED, &body);
}

static void conclude_empty(struct sv_attempt *a) {
  uint8_t bytes[64];
  struct sv_writer body = sv_writer_of(bytes, sizeof bytes);
  struct sv_empty empty = {.wall_ms = sv_wall_ms()};
  sizes(a, &empty.out_bytes, &empty.err_bytes);
  sv_put_empty(&body, &empty);
  sv_attempt_conclude(a, SV_EMPTY, &body);
}

/* Idempotent: says what is true of it by what is left. */
static void settle(struct sv_attempt *a) {
  if (!a->orphaned) return;
  struct orphan *leader = find(a->started.pid);
  bool leader_left = leader != NULL && leader->attempt == a;
  if (a->state == SV_ATTEMPT_RUNNING && !leader_left) sv_attempt_conclude_lost(a, "monitor lost");
  if (a->state == SV_ATTEMPT_EXITED && of_attempt(a, NULL) == NULL) conclude_empty(a);
  if (!sv_attempt_over(a)) return;
  a->orphaned = false;
  attempts--;
  sv_orphans_forget(a); /* leaves the leftovers of a lost one to whoever starts looking by other means */
}

static void on_gone(struct sv_source *source, uint32_t events) {
  (void)events;
  struct orphan *o = (struct orphan *)source;
  struct sv_attempt *a = o->attempt;
  if (source->fd < 0) return;
  drop(o);
  settle(a);
}

static void adopt(struct sv_attempt *a, const struct sv_proc *proc, bool own_child) {
  if (count == ORPHANS_MAX || find(proc->pid) != NULL) return;
  struct orphan *o = calloc(1, sizeof *o);
  if (o == NULL) return;
  *o = (struct orphan){.gone = {-1, on_gone}, .attempt = a, .proc = *proc};
  if (!own_child) {
    o->gone.fd = pidfd_open(proc->pid, 0);
    struct sv_proc now;
    bool same = o->gone.fd >= 0 && sv_proc_read(proc->pid, &now) && now.start_ticks == proc->start_ticks;
    if (!same || !sv_watch(&o->gone, EPOLLIN)) {
      if (o->gone.fd >= 0) (void)close(o->gone.fd);
      free(o);
      return;
    }
  }
  o->next = first;
  first = o;
  count++;
}

/* In the session of the leader, or of an orphan that is known. */
static struct sv_attempt *owner_by_session(const struct sv_proc *proc) {
  for (struct orphan *o = first; o != NULL; o = o->next) {
    if (o->proc.session == proc->session || o->attempt->started.pid == proc->session) return o->attempt;
  }
  return NULL;
}

void sv_orphans_adopt(void) {
  if (attempts == 0) return;
  struct sv_proc *procs = sv_tree_scratch();
  size_t n = sv_tree_children(getpid(), procs, SV_TREE_MAX);
  for (size_t i = 0; i < n; i++) {
    struct sv_attempt *owner = sv_attempt_of_monitor(procs[i].pid) == NULL ? owner_by_session(&procs[i]) : NULL;
    if (owner != NULL) adopt(owner, &procs[i], true);
  }
}

static void adopt_children(struct sv_attempt *a, bool alone) {
  struct sv_proc *procs = sv_tree_scratch();
  size_t n = sv_tree_children(getpid(), procs, SV_TREE_MAX);
  for (size_t i = 0; i < n; i++) {
    if (sv_attempt_of_monitor(procs[i].pid) != NULL) continue;
    bool leaders = procs[i].session == a->started.pid;
    if (leaders || (alone && owner_by_session(&procs[i]) == NULL)) adopt(a, &procs[i], true);
  }
}

static void adopt_strangers(struct sv_attempt *a) {
  struct sv_proc *procs = sv_tree_scratch();
  size_t n = sv_tree_session(a->started.pid, procs, SV_TREE_MAX);
  for (size_t i = 0; i < n; i++) {
    /* Older than the leader, or the leader's pid with another start time: the number was used again since. */
    bool reused = procs[i].start_ticks < a->started.start_ticks ||
                  (procs[i].pid == a->started.pid && procs[i].start_ticks != a->started.start_ticks);
    if (!reused) adopt(a, &procs[i], false);
  }
}

void sv_orphan_watch(struct sv_attempt *a, bool alone) {
  if (a->orphaned) return;
  a->orphaned = true;
  attempts++;
  if (a->own_monitor) adopt_children(a, alone);
  else adopt_strangers(a);
  /* A leader that ended already is a zombie of ours: wait4 is about to tell its status. */
  struct sv_proc leader;
  bool zombie = a->own_monitor && a->state == SV_ATTEMPT_RUNNING && sv_proc_read(a->started.pid, &leader) &&
                leader.start_ticks == a->started.start_ticks && leader.ppid == getpid();
  if (zombie) adopt(a, &leader, true);
  sv_asks_send(a);
}

/* Apart from watching: strays that were reaped in the same round come between. */
void sv_orphans_settle(struct sv_attempt *a) { settle(a); }

void sv_orphan_reaped(pid_t pid, int status, const struct rusage *usage) {
  struct sv_attempt *a = sv_attempt_of_leader(pid);
  if (a != NULL) {
    sv_orphans_adopt(); /* what it leaves is ours now, and belongs into its record */
    conclude_exited(a, status, usage);
  }
  struct orphan *o = find(pid);
  if (o != NULL) {
    a = o->attempt;
    drop(o);
  }
  if (a != NULL) {
    sv_orphans_adopt();
    settle(a);
  }
}

static bool in_scope(const struct sv_attempt *a, const struct sv_proc *proc, uint8_t scope) {
  if (scope == SV_SCOPE_LEADER) return proc->pid == a->started.pid && a->state == SV_ATTEMPT_RUNNING;
  if (scope == SV_SCOPE_GROUP) return proc->pgrp == a->started.pid && a->state == SV_ATTEMPT_RUNNING;
  return true;
}

static size_t gather(const struct sv_attempt *a, struct sv_proc *procs) {
  size_t n = 0;
  for (struct orphan *o = of_attempt(a, NULL); o != NULL && n < SV_TREE_MAX; o = of_attempt(a, o)) {
    procs[n++] = o->proc;
    n += sv_tree_walk(o->proc.pid, procs + n, SV_TREE_MAX - n);
  }
  return n;
}

/* SIGKILL twice: what a process forked before the first reached it is found by the second. */
uint32_t sv_orphans_signal(const struct sv_attempt *a, int signal, uint8_t scope) {
  uint32_t reached = 0;
  struct sv_proc *procs = sv_tree_scratch();
  for (int pass = 0; pass < (signal == SIGKILL && scope == SV_SCOPE_TREE ? 2 : 1); pass++) {
    uint32_t now = 0;
    size_t n = gather(a, procs);
    for (size_t i = 0; i < n; i++) now += in_scope(a, &procs[i], scope) && sv_proc_signal(&procs[i], signal);
    if (now > reached) reached = now;
  }
  return reached;
}

struct sv_sampled sv_orphans_sample(const struct sv_attempt *a) {
  struct sv_sampled sample = {0};
  for (struct orphan *o = of_attempt(a, NULL); o != NULL; o = of_attempt(a, o)) {
    struct sv_proc now;
    if (!sv_proc_read(o->proc.pid, &now) || now.start_ticks != o->proc.start_ticks) continue;
    sv_proc_sample(&now, &sample);
    sv_tree_sample(now.pid, &sample);
  }
  if (a->exited != NULL) { /* what wait4 told of the leader */
    struct sv_reader r = sv_reader_of(a->exited, a->exited_len);
    (void)sv_get_i32(&r);
    const struct sv_usage usage = sv_get_usage(&r);
    sample.user_us += usage.user_us;
    sample.system_us += usage.system_us;
  }
  sizes(a, &sample.out_bytes, &sample.err_bytes);
  return sample;
}

void sv_orphans_forget(const struct sv_attempt *a) {
  struct orphan *o;
  while ((o = of_attempt(a, NULL)) != NULL) drop(o);
}
