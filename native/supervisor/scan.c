/*
 * scan.c: see scan.h.
 */
#include "scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "cgroup.h"
#include "tag.h"
#include "tree.h"

#define PROCS_MAX 262144    /* looked at; a machine with more is not looked through to its end */
#define LIMIT_MS 5000       /* then it hangs on some process, and those after it look at no environment */
#define KTHREADD 2
#define PIPE (STDERR_FILENO + 1)
#define NOBODY 0 /* no attempt has this sequence; ends a scan that is whole */

/* ---- the child ---- */

struct entry {
  struct sv_proc proc;
  uint64_t owner; /* the sequence of its attempt, NOBODY for none */
};

struct look {
  struct entry *entries; /* in the order of their numbers */
  size_t count;
  bool whole;
};

static struct sv_attempt *next_orphaned(struct sv_attempt *a) {
  a = a == NULL ? sv_attempt_after(0) : a->next;
  while (a != NULL && !a->orphaned) a = a->next;
  return a;
}

static int compare(const void *a, const void *b) {
  const pid_t x = ((const struct entry *)a)->proc.pid, y = ((const struct entry *)b)->proc.pid;
  return (x > y) - (x < y);
}

static struct entry *find(const struct look *look, pid_t pid) {
  const struct entry key = {.proc.pid = pid};
  return bsearch(&key, look->entries, look->count, sizeof key, compare);
}

static void add(struct look *look, const struct sv_proc *proc, uint64_t owner) {
  if (look->count < PROCS_MAX) look->entries[look->count++] = (struct entry){*proc, owner};
  else look->whole = false;
}

static void list_procs(struct look *look) {
  DIR *all = opendir("/proc");
  const struct dirent *entry;
  struct sv_proc proc;
  look->whole = all != NULL;
  while (all != NULL && look->whole && (entry = readdir(all)) != NULL) {
    const pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
    if (pid <= 1 || pid == getpid() || pid == getppid()) continue;
    if (sv_proc_read(pid, &proc) && proc.alive) add(look, &proc, NOBODY);
  }
  if (all != NULL) (void)closedir(all);
  qsort(look->entries, look->count, sizeof look->entries[0], compare);
}

/* Some are younger than the list. */
static void by_cgroup(struct look *look, const struct sv_attempt *a) {
  static uint8_t bytes[SV_RECORD_MAX];
  static struct sv_cgroup cgroup;
  struct sv_claim claim;
  if (!sv_record_claim(a->id, &claim, bytes)) return;
  sv_cgroup_of_claim(&cgroup, &claim);
  struct sv_proc *members = sv_tree_scratch();
  const size_t count = sv_cgroup_procs(&cgroup, members, 0, SV_TREE_MAX), before = look->count;
  if (count == SV_TREE_MAX) look->whole = false;
  for (size_t i = 0; i < count; i++) {
    struct entry *known = find(&(struct look){.entries = look->entries, .count = before}, members[i].pid);
    if (known != NULL) known->owner = a->sequence;
    else add(look, &members[i], a->sequence);
  }
  if (look->count > before) qsort(look->entries, look->count, sizeof look->entries[0], compare);
}

/*
 * What no record names is of an attempt whose record is damaged: of which does not matter, for all of them are killed, unless one
 * of them has a monitor that lives and came to us by itself.
 */
static void by_nobodys_cgroup(struct look *look) {
  uint64_t owner = NOBODY;
  for (struct sv_attempt *a = sv_attempt_after(0); a != NULL; a = a->next) {
    if (a->record_error == 0 || a->slot >= 0 || sv_attempt_over(a)) continue;
    if (!a->orphaned) return;
    if (owner == NOBODY) owner = a->sequence;
  }
  for (size_t i = 0; i < look->count && owner != NOBODY; i++) {
    struct entry *e = &look->entries[i];
    if (e->owner == NOBODY && sv_slot_is_nobodys(sv_cgroup_of_process(e->proc.pid))) e->owner = owner;
  }
}

/*
 * The number of a session is not used again while the session has a process. So it is this attempt's as long as one that is
 * certainly the attempt's is in it; else it may be another's by now.
 */
static void by_session(struct look *look, const struct sv_attempt *a) {
  struct sv_proc leader;
  if (!a->was_started) return;
  bool certain = sv_proc_read(a->started.pid, &leader) && leader.start_ticks == a->started.start_ticks;
  for (size_t i = 0; i < look->count && !certain; i++) {
    certain = look->entries[i].proc.session == a->started.pid && look->entries[i].owner == a->sequence;
  }
  for (size_t i = 0; i < look->count && certain; i++) {
    if (look->entries[i].proc.session == a->started.pid) look->entries[i].owner = a->sequence;
  }
}

/* Not of what is older than every attempt in question. */
static void by_tag(struct look *look) {
  uint64_t oldest = UINT64_MAX;
  for (struct sv_attempt *a = next_orphaned(NULL); a != NULL; a = next_orphaned(a)) {
    const uint64_t since = a->was_started ? a->started.start_ticks : 0;
    if (since < oldest) oldest = since;
  }
  for (size_t i = 0; i < look->count; i++) {
    char id[SV_ID_MAX + 1];
    struct entry *e = &look->entries[i];
    if (e->owner != NOBODY || e->proc.start_ticks < oldest || e->proc.ppid == KTHREADD || !sv_tag_read(e->proc.pid, id)) continue;
    const struct sv_attempt *a = sv_attempt_find(id);
    if (a != NULL && a->orphaned && (!a->was_started || e->proc.start_ticks >= a->started.start_ticks)) e->owner = a->sequence;
  }
}

/* Until nothing changes: children may come before their parents. */
static void by_descent(struct look *look) {
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t i = 0; i < look->count; i++) {
      struct entry *e = &look->entries[i];
      const struct entry *parent = e->owner == NOBODY && e->proc.ppid > 1 ? find(look, e->proc.ppid) : NULL;
      if (parent == NULL || parent->owner == NOBODY) continue;
      e->owner = parent->owner;
      changed = true;
    }
  }
}

static void tell(int pipe_end, const struct sv_found *found) {
  ssize_t n;
  do n = write(pipe_end, found, sizeof *found);
  while (n < 0 && errno == EINTR);
  if (n != sizeof *found) _exit(1);
}

_Noreturn static void run_child(int pipe_end, int pause_ms, bool tags) {
  const struct timespec pause = {.tv_sec = pause_ms / 1000, .tv_nsec = pause_ms % 1000 * 1000000L};
  struct look look = {.entries = calloc(PROCS_MAX, sizeof *look.entries)};
  if (dup2(pipe_end, PIPE) < 0 || close_range(PIPE + 1, ~0u, 0) != 0 || look.entries == NULL) _exit(1);
  (void)nanosleep(&pause, NULL);
  list_procs(&look);
  for (struct sv_attempt *a = next_orphaned(NULL); a != NULL; a = next_orphaned(a)) by_cgroup(&look, a);
  if (tags) by_tag(&look);
  by_nobodys_cgroup(&look);
  for (struct sv_attempt *a = next_orphaned(NULL); a != NULL; a = next_orphaned(a)) by_session(&look, a);
  by_descent(&look);
  for (size_t i = 0; i < look.count; i++) {
    const struct sv_found found = {look.entries[i].owner, look.entries[i].proc.start_ticks, look.entries[i].proc.pid};
    if (found.sequence != NOBODY) tell(PIPE, &found);
  }
  if (look.whole) tell(PIPE, &(struct sv_found){.sequence = NOBODY});
  _exit(0);
}

/* ---- the server ---- */

static void on_readable(struct sv_source *source, uint32_t events);

static struct {
  struct sv_source source;
  pid_t child; /* until it is reaped */
  pid_t hung;  /* one that was killed and may not die yet */
  int64_t until_ms;
  void (*found)(const struct sv_found *);
  void (*done)(bool whole);
  bool without_tags;
} scan = {.source = {-1, on_readable}};

bool sv_scan_is(pid_t pid) { return pid == scan.child || pid == scan.hung; }
/* Until its child is reaped: another one's number must not take the place of its own. */
bool sv_scan_running(void) { return scan.source.fd >= 0 || scan.child != 0; }

static void finish(bool whole) {
  sv_unwatch(&scan.source);
  scan.done(whole);
}

static void on_readable(struct sv_source *source, uint32_t events) {
  (void)events;
  struct sv_found some[64];
  ssize_t n = read(source->fd, some, sizeof some);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  for (ssize_t i = 0; i < n / (ssize_t)sizeof some[0]; i++) {
    if (some[i].sequence == NOBODY) {
      finish(true);
      return;
    }
    scan.found(&some[i]);
  }
  if (n <= 0) finish(false);
}

bool sv_scan_begin(int pause_ms, void (*found)(const struct sv_found *), void (*done)(bool whole)) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return false;
  scan.source.fd = ends[0];
  scan.found = found;
  scan.done = done;
  scan.until_ms = (int64_t)(sv_boottime_ns() / 1000000u) + pause_ms + LIMIT_MS;
  const pid_t child = sv_watch(&scan.source, EPOLLIN) ? fork() : -1;
  if (child == 0) {
    (void)fcntl(ends[1], F_SETFL, 0); /* it waits for us, not we for it */
    run_child(ends[1], pause_ms, !scan.without_tags);
  }
  (void)close(ends[1]);
  if (child > 0) scan.child = child;
  else sv_unwatch(&scan.source);
  return child > 0;
}

bool sv_scan_reaped(pid_t pid) {
  if (!sv_scan_is(pid)) return false;
  if (pid == scan.child) scan.child = 0;
  else scan.hung = 0;
  return true;
}

void sv_scan_expire(int64_t now_ms) {
  if (scan.source.fd < 0 || now_ms < scan.until_ms) return;
  sv_log("looking through /proc hung: environments are not read any more");
  (void)kill(scan.child, SIGKILL); /* our child, not reaped: its number is its own */
  scan.without_tags = true;
  scan.hung = scan.child;
  scan.child = 0;
  finish(false);
}
