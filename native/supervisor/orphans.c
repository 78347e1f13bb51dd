/*
 * orphans.c: the processes of an attempt whose monitor was killed.
 *
 * When the monitor was our child, its processes are our children now (we are their next subreaper): wait4 tells the
 * leader's status as the monitor would have. When it was an earlier server's, they belong to init: a pidfd tells their end,
 * and on a kernel that can the leader's status too (pidinfo.h); else nobody knows it, and the attempt is lost.
 *
 * An attempt is over when nothing is left of it: its known processes have ended, and two scans (scan.h) that began after that found
 * no other. So each scan is asked for by what happened, and answers all that was asked before it began.
 *
 *   monitor dead ─► scan ─► known processes ─► last one gone ─► scan ─► none: EMPTY or LOST
 *                    ▲                                           │
 *                    └──────────── some: known now ◄─────────────┘
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup.h"
#include "kin.h"
#include "pidinfo.h"
#include "scan.h"
#include "server.h"

#define ORPHANS_MAX 4096u     /* at once; those beyond it are found by the scan after them */
#define ZOMBIE_MS 5000        /* that init has to reap a leader before its status counts as unknown */
#define SCAN_AGAIN_MS 20      /* between two that follow each other: something goes on forking */
#define SCAN_FAILED_MS 1000
#define LOOKS_MAX 100
#define CLEAN_SCANS 2 /* a process in the midst of execve shows no environment */

struct orphan {
  struct sv_source gone; /* first; its pidfd when it is not our child */
  struct orphan *next;
  struct sv_attempt *attempt;
  struct sv_proc proc;
  int64_t reaped_by_ms; /* of a leader that has ended and waits for init; 0: it runs */
};

static struct orphan *first;
static unsigned count, attempts; /* attempts: orphaned ones, without which nothing is looked for */
static bool scan_failed;

static int64_t now_ms(void) { return (int64_t)(sv_boottime_ns() / 1000000u); }

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

/* ---- what is told ---- */

static uint64_t file_size(const char *path) {
  struct stat s;
  return stat(path, &s) == 0 && S_ISREG(s.st_mode) ? (uint64_t)s.st_size : 0;
}

/* What its record says of it: its cgroup, and the sizes of its files. */
static struct sv_cgroup *recorded(const struct sv_attempt *a, uint64_t *out, uint64_t *err) {
  static uint8_t bytes[SV_RECORD_MAX];
  static struct sv_cgroup cgroup;
  struct sv_claim claim;
  *out = *err = 0;
  memset(&cgroup, 0, sizeof cgroup);
  cgroup.slot.number = -1;
  for (int h = 0; h < SV_HIERARCHIES; h++) cgroup.fd[h] = -1;
  if (!sv_record_claim(a->id, &claim, bytes)) return &cgroup;
  *out = file_size(claim.out);
  *err = file_size(claim.err);
  sv_cgroup_of_claim(&cgroup, &claim);
  return &cgroup;
}

static struct sv_cgroup *cgroup_of(const struct sv_attempt *a) {
  uint64_t out, err;
  return recorded(a, &out, &err);
}

/* Without usage only the status could be known: the record says zeros then. */
static void conclude_exited(struct sv_attempt *a, int status, const struct rusage *usage) {
  static struct sv_exited exited;
  exited = (struct sv_exited){.status = status, .wall_ms = sv_wall_ms()};
  if (usage != NULL) exited.usage = sv_usage_of(usage);
  exited.group = sv_cgroup_counts(recorded(a, &exited.out_bytes, &exited.err_bytes));
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
  empty.group = sv_cgroup_counts(recorded(a, &empty.out_bytes, &empty.err_bytes));
  sv_put_empty(&body, &empty);
  sv_attempt_conclude(a, SV_EMPTY, &body);
}

/* One of its processes is gone. */
static void lessen(struct sv_attempt *a) {
  if (a->orphaned && of_attempt(a, NULL) == NULL) a->scan_wanted = true;
}

/* ---- which processes ---- */

static void on_gone(struct sv_source *source, uint32_t events) {
  (void)events;
  struct orphan *o = (struct orphan *)source;
  struct sv_attempt *a = o->attempt;
  int32_t status;
  if (source->fd < 0) return;
  const bool leader = a->state == SV_ATTEMPT_RUNNING && o->proc.pid == a->started.pid;
  const enum sv_pidinfo info = leader ? sv_pidinfo_status(source->fd, &status) : SV_PIDINFO_UNKNOWN;
  if (info == SV_PIDINFO_NOT_YET) { /* a zombie: its end was told, its reaping is a hang-up */
    o->reaped_by_ms = now_ms() + ZOMBIE_MS;
    (void)sv_rewatch(source, 0);
    return;
  }
  drop(o);
  if (info == SV_PIDINFO_KNOWN) conclude_exited(a, status, NULL);
  lessen(a);
}

enum adopted { REFUSED, KNOWN, FRESH };

static enum adopted adopt(struct sv_attempt *a, const struct sv_proc *proc, bool own_child) {
  if (find(proc->pid) != NULL) return KNOWN;
  struct orphan *o = count < ORPHANS_MAX ? calloc(1, sizeof *o) : NULL;
  if (o == NULL) return REFUSED;
  *o = (struct orphan){.gone = {-1, on_gone}, .attempt = a, .proc = *proc};
  if (!own_child) {
    o->gone.fd = pidfd_open(proc->pid, 0);
    struct sv_proc now;
    bool same = o->gone.fd >= 0 && sv_proc_read(proc->pid, &now) && now.start_ticks == proc->start_ticks;
    if (!same || !sv_watch(&o->gone, EPOLLIN)) {
      if (o->gone.fd >= 0) (void)close(o->gone.fd);
      free(o);
      return REFUSED;
    }
  }
  o->next = first;
  first = o;
  count++;
  a->clean_scans = 0;
  a->found = true;
  if (a->killing) (void)sv_proc_signal(proc, SIGKILL);
  return FRESH;
}

/* Of a child of ours: by its cgroup, or by the session of a leader or of an orphan that is known. */
static struct sv_attempt *owner_of_child(const struct sv_proc *proc) {
  const int number = sv_cgroup_of_process(proc->pid);
  for (struct sv_attempt *a = sv_attempt_after(0); a != NULL && number >= 0; a = a->next) {
    if (a->slot == number) return a;
  }
  for (struct orphan *o = first; o != NULL; o = o->next) {
    if (o->proc.session == proc->session) return o->attempt;
  }
  struct sv_attempt *a = sv_attempt_after(0);
  while (a != NULL && !(a->was_started && !sv_attempt_over(a) && a->started.pid == proc->session)) a = a->next;
  return a;
}

static bool is_helper(pid_t pid) { return sv_attempt_of_monitor(pid) != NULL || sv_monitor_is_free(pid) || sv_punch_is(pid) || sv_scan_is(pid); }

/* The one whose monitor was our child, if there is only one: a child of ours that shows nothing is of it. */
static struct sv_attempt *sole(void) {
  struct sv_attempt *only = NULL;
  for (struct sv_attempt *a = sv_attempt_after(0); a != NULL; a = a->next) {
    if (!a->own_monitor || a->monitor > 0 || sv_attempt_over(a)) continue;
    if (only != NULL) return NULL;
    only = a;
  }
  return only;
}

/* Of which some may fork while they are looked at: what is killed as it is found is looked for until nothing new is there. */
static void adopt_children(struct sv_attempt *otherwise) {
  struct sv_proc *procs = sv_tree_scratch();
  bool again = true;
  for (int look = 0; again && look < LOOKS_MAX; look++) {
    again = false;
    size_t n = sv_tree_children(getpid(), procs, SV_TREE_MAX);
    for (size_t i = 0; i < n; i++) {
      if (is_helper(procs[i].pid)) continue;
      struct sv_attempt *owner = owner_of_child(&procs[i]);
      if (owner == NULL) owner = otherwise;
      const enum adopted adopted = owner != NULL && owner->orphaned ? adopt(owner, &procs[i], true) : KNOWN;
      if (adopted == REFUSED) owner->scan_wanted = true;
      again = again || (adopted == FRESH && owner->killing);
    }
  }
}

void sv_orphans_adopt(void) {
  if (attempts > 0) adopt_children(sole());
}

void sv_orphan_watch(struct sv_attempt *a, bool alone) {
  struct sv_proc leader;
  if (a->orphaned) return;
  a->orphaned = true;
  a->reusable = false; /* its cgroup: nobody is there to leave it empty */
  a->scan_wanted = true;
  a->killing = a->state == SV_ATTEMPT_STARTING; /* that it was started is told nobody: it must not run */
  attempts++;
  if (a->own_monitor) adopt_children(alone ? a : sole()); /* alone: what is new here and nobody's is this one's */
  /* At once, before it can be reaped; a zombie of ours too, whose status wait4 is about to tell. */
  const bool known = a->state == SV_ATTEMPT_RUNNING && sv_proc_read(a->started.pid, &leader) && leader.start_ticks == a->started.start_ticks;
  if (known) (void)adopt(a, &leader, leader.ppid == getpid());
}

void sv_orphan_reaped(pid_t pid, int status, const struct rusage *usage) {
  struct sv_attempt *a = sv_attempt_of_leader(pid);
  if (a != NULL && a->orphaned) {
    sv_orphans_adopt(); /* what it leaves is ours now, and belongs into its record */
    conclude_exited(a, status, usage);
  }
  struct orphan *o = find(pid);
  if (o != NULL) a = o->attempt;
  if (o != NULL) drop(o);
  if (a != NULL) lessen(a);
}

/* ---- scans ---- */

static void on_found(const struct sv_found *found) {
  struct sv_attempt *a = sv_attempt_after(found->sequence - 1);
  struct sv_proc proc;
  if (a == NULL || a->sequence != found->sequence || !a->orphaned) return;
  const bool there = sv_proc_read(found->pid, &proc) && proc.start_ticks == found->start_ticks;
  if (!there || adopt(a, &proc, proc.ppid == getpid()) == REFUSED) a->scan_wanted = true; /* it may have forked before it went */
}

static void on_scanned(bool whole) {
  scan_failed = !whole;
  for (struct sv_attempt *a = sv_attempt_after(0); a != NULL; a = a->next) {
    if (!a->orphaned || !a->scan_running) continue;
    a->scan_running = false;
    a->scanned = true; /* what is known can be signalled, even if a part could not be looked at */
    a->scan_wanted = a->scan_wanted || !whole;
    a->clean_scans = a->scan_wanted || of_attempt(a, NULL) != NULL ? 0 : a->clean_scans + 1;
    sv_asks_send(a);
  }
}

/*
 * Idempotent: says what is true of it once nothing is left. A leader that waits for wait4 is known, so it is left; and of what is
 * our child nothing is left when there is none that could be its.
 */
static void settle(struct sv_attempt *a) {
  if (a->scan_wanted || a->scan_running || of_attempt(a, NULL) != NULL) return;
  if (a->own_monitor) adopt_children(sole());
  if (of_attempt(a, NULL) != NULL) return;
  a->scan_wanted = a->clean_scans < CLEAN_SCANS;
  if (a->scan_wanted) return;
  if (a->state == SV_ATTEMPT_EXITED) conclude_empty(a);
  else if (!sv_attempt_over(a) && !sv_recover_conclude(a)) {
    if (a->monitor > 0) sv_orphans_forget(a);
    return;
  }
  (void)sv_cgroup_remove(cgroup_of(a)); /* also where it is not one of ours to give to another */
  a->orphaned = false;
  attempts--;
}

void sv_orphans_look(void) {
  bool wanted = false, again = false;
  if (attempts == 0 || sv_scan_running()) return;
  for (struct sv_attempt *a = sv_attempt_after(0); a != NULL; a = a->next) {
    if (a->orphaned) settle(a);
    if (!a->orphaned || !a->scan_wanted) continue;
    wanted = true;
    again = again || a->scanned;
    a->scan_wanted = false;
    a->scan_running = true;
  }
  if (wanted && !sv_scan_begin(scan_failed ? SCAN_FAILED_MS : again ? SCAN_AGAIN_MS : 0, on_found, on_scanned)) on_scanned(false);
}

bool sv_orphans_waiting(void) {
  const struct orphan *o = first;
  while (o != NULL && o->reaped_by_ms == 0) o = o->next;
  return o != NULL || sv_scan_running() || (scan_failed && attempts > 0);
}

/* A leader that nobody reaps: its status stays unknown. */
void sv_orphans_expire(int64_t now) {
  sv_scan_expire(now);
  for (struct orphan *o = first, *after; o != NULL; o = after) {
    after = o->next;
    if (o->reaped_by_ms == 0 || now < o->reaped_by_ms) continue;
    struct sv_attempt *a = o->attempt;
    drop(o);
    lessen(a);
  }
}

/* ---- requests ---- */

static bool in_scope(const struct sv_attempt *a, const struct sv_proc *proc, uint8_t scope) {
  if (scope == SV_SCOPE_LEADER) return proc->pid == a->started.pid && a->state == SV_ATTEMPT_RUNNING;
  if (scope == SV_SCOPE_GROUP) return proc->pgrp == a->started.pid && a->state == SV_ATTEMPT_RUNNING;
  return true;
}

static int compare(const void *a, const void *b) {
  const pid_t x = ((const struct sv_proc *)a)->pid, y = ((const struct sv_proc *)b)->pid;
  return (x > y) - (x < y);
}

/* The known ones that run, all that descends from them, and what is in the cgroup; each once. */
static size_t gather(const struct sv_attempt *a, const struct sv_cgroup *cgroup, struct sv_proc *procs) {
  size_t n = 0;
  for (struct orphan *o = of_attempt(a, NULL); o != NULL && n < SV_TREE_MAX; o = of_attempt(a, o)) {
    if (!sv_proc_read(o->proc.pid, &procs[n]) || !procs[n].alive || procs[n].start_ticks != o->proc.start_ticks) continue;
    n++;
    n += sv_tree_walk(o->proc.pid, procs + n, SV_TREE_MAX - n);
  }
  const size_t all = sv_cgroup_procs(cgroup, procs, n, SV_TREE_MAX);
  qsort(procs, all, sizeof procs[0], compare);
  size_t kept = 0;
  for (size_t i = 0; i < all; i++) {
    if (kept == 0 || procs[i].pid != procs[kept - 1].pid) procs[kept++] = procs[i];
  }
  return kept;
}

static void list(struct sv_signaled *s, const struct sv_proc *procs, size_t n) {
  s->count = (uint32_t)(n < SV_LEFTOVERS_MAX ? n : SV_LEFTOVERS_MAX);
  for (uint32_t i = 0; i < s->count; i++) {
    s->procs[i] = (struct sv_left){.pid = procs[i].pid, .state = procs[i].state};
    memcpy(s->procs[i].command, procs[i].command, sizeof procs[i].command);
  }
}

/* Once over all that is known; SIGKILL to the whole goes on by itself, to whatever is found until nothing is left. */
void sv_orphans_signal(struct sv_attempt *a, int signal, uint8_t scope, struct sv_signaled *s) {
  struct sv_proc *procs = sv_tree_scratch();
  const struct sv_cgroup *cgroup = cgroup_of(a);
  const size_t n = gather(a, cgroup, procs);
  *s = (struct sv_signaled){.pid = a->state == SV_ATTEMPT_RUNNING ? a->started.pid : 0};
  if (scope == SV_SCOPE_TREE) list(s, procs, n);
  for (size_t i = 0; i < n; i++) s->reached += in_scope(a, &procs[i], scope) && sv_proc_signal(&procs[i], signal);
  if (signal != SIGKILL || scope != SV_SCOPE_TREE) return;
  (void)sv_cgroup_kill(cgroup);
  a->killing = true;
  a->scan_wanted = true;
}

struct sv_sampled sv_orphans_sample(const struct sv_attempt *a) {
  struct sv_sampled sample = {0};
  struct sv_proc *procs = sv_tree_scratch();
  const struct sv_cgroup *cgroup = recorded(a, &sample.out_bytes, &sample.err_bytes);
  const size_t n = gather(a, cgroup, procs);
  for (size_t i = 0; i < n; i++) sv_proc_sample(&procs[i], &sample);
  sample.group_bytes = sv_cgroup_memory(cgroup);
  if (a->exited != NULL) { /* what wait4 told of the leader */
    struct sv_reader r = sv_reader_of(a->exited, a->exited_len);
    (void)sv_get_i32(&r);
    const struct sv_usage usage = sv_get_usage(&r);
    sample.user_us += usage.user_us;
    sample.system_us += usage.system_us;
  }
  return sample;
}

void sv_orphans_forget(struct sv_attempt *a) {
  struct orphan *o;
  while ((o = of_attempt(a, NULL)) != NULL) drop(o);
  if (a->orphaned) attempts--;
  a->orphaned = false;
}
