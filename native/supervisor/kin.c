/*
 * kin.c: see kin.h.
 */
#include "kin.h"

#include <signal.h>
#include <time.h>

struct seen {
  pid_t pid;
  uint64_t start_ticks;
};

static bool was_seen(const struct seen *seen, size_t count, const struct sv_proc *proc) {
  for (size_t i = 0; i < count; i++) {
    if (seen[i].pid == proc->pid && seen[i].start_ticks == proc->start_ticks) return true;
  }
  return false;
}

static int64_t monotonic_ms(void) {
  struct timespec t;
  (void)clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

size_t sv_kin_list(pid_t root, const struct sv_cgroup *cgroup, struct sv_proc *procs, size_t max) {
  const size_t count = sv_tree_walk(root, procs, max);
  return cgroup != NULL ? sv_cgroup_procs(cgroup, procs, count, max) : count;
}

/* Those that cgroup.kill reaches count as reached: it leaves nobody out, and they are gone before they could be asked. */
static uint32_t kill_cgroup(const struct sv_cgroup *cgroup) {
  const size_t count = sv_cgroup_procs(cgroup, sv_tree_scratch(), 0, SV_TREE_MAX);
  return count > 0 && sv_cgroup_kill(cgroup) ? (uint32_t)count : 0;
}

uint32_t sv_kin_signal(pid_t root, const struct sv_cgroup *cgroup, int signal) {
  static struct seen seen[SV_TREE_MAX];
  const bool repeated = signal == SIGKILL || signal == SIGSTOP;
  const int64_t until = monotonic_ms() + SV_KIN_SIGNAL_MS;
  uint32_t reached = signal == SIGKILL && cgroup != NULL ? kill_cgroup(cgroup) : 0;
  size_t seen_count = 0;
  struct sv_proc *procs = sv_tree_scratch();
  int quiet = 0;
  do {
    size_t count = sv_kin_list(root, cgroup, procs, SV_TREE_MAX), fresh = 0;
    for (size_t i = 0; i < count; i++) {
      if (was_seen(seen, seen_count, &procs[i])) continue;
      fresh++;
      if (!sv_proc_signal(&procs[i], signal)) continue;
      reached++;
      if (seen_count < SV_TREE_MAX) seen[seen_count++] = (struct seen){procs[i].pid, procs[i].start_ticks};
    }
    quiet = fresh == 0 ? quiet + 1 : 0;
  } while (repeated && quiet < 2 && monotonic_ms() < until);
  return reached;
}
