/*
 * tree.c: see tree.h. Reads /proc/<pid>/task/<tid>/children (CONFIG_PROC_CHILDREN) and /proc/<pid>/stat.
 */
#include "tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <time.h>
#include <unistd.h>

/* The fields after the name, which may itself hold spaces and brackets: the last bracket ends it. proc_pid_stat(5) */
bool sv_proc_read(pid_t pid, struct sv_proc *proc) {
  char path[32], text[1024];
  (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  ssize_t n = read(fd, text, sizeof text - 1);
  (void)close(fd);
  if (n <= 0) return false;
  text[n] = '\0';
  char *open_bracket = strchr(text, '('), *close_bracket = strrchr(text, ')');
  long threads, child_user, child_system, rss;
  unsigned long user, system;
  unsigned long long start;
  if (open_bracket == NULL || close_bracket == NULL) return false;
  *proc = (struct sv_proc){.pid = pid};
  if (sscanf(close_bracket + 1, " %c %d %d %d %*d %*d %*u %*u %*u %*u %*u %lu %lu %ld %ld %*d %*d %ld %*d %llu %*u %ld", &proc->state,
             &proc->ppid, &proc->pgrp, &proc->session, &user, &system, &child_user, &child_system, &threads, &start, &rss) != 11) {
    return false;
  }
  size_t len = (size_t)(close_bracket - open_bracket - 1);
  memcpy(proc->command, open_bracket + 1, len > SV_COMMAND_MAX ? SV_COMMAND_MAX : len);
  proc->start_ticks = start;
  proc->user_ticks = user + (unsigned long)child_user;
  proc->system_ticks = system + (unsigned long)child_system;
  proc->rss_pages = (uint64_t)rss;
  proc->threads = (uint32_t)threads;
  proc->alive = (proc->state != 'Z' && proc->state != 'X') || threads > 1;
  return true;
}

struct walk {
  pid_t root;
  struct sv_proc *procs;
  size_t count, max;
  bool zombies; /* are wanted too */
};

/* A pid that was reused since the list was read has another parent: it is not ours, and neither is what it started. */
static void add(struct walk *walk, pid_t pid, pid_t parent) {
  struct sv_proc *proc = &walk->procs[walk->count];
  if (walk->count == walk->max || !sv_proc_read(pid, proc)) return;
  if ((proc->alive || walk->zombies) && (proc->ppid == parent || proc->ppid == walk->root)) walk->count++;
}

static void add_children_of_thread(struct walk *walk, pid_t pid, const char *tid) {
  char path[64], text[512];
  (void)snprintf(path, sizeof path, "/proc/%d/task/%.15s/children", (int)pid, tid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return; /* it ended: its children are found below whoever adopted them */
  pid_t child = 0;
  ssize_t n;
  while ((n = read(fd, text, sizeof text)) > 0) {
    for (ssize_t i = 0; i < n; i++) { /* a number may be cut by the end of a read, so it is kept between them */
      if (text[i] >= '0' && text[i] <= '9') {
        child = child * 10 + (text[i] - '0');
      } else if (child != 0) {
        add(walk, child, pid);
        child = 0;
      }
    }
  }
  if (child != 0) add(walk, child, pid);
  (void)close(fd);
}

static void add_children(struct walk *walk, pid_t pid) {
  char path[32];
  (void)snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
  DIR *threads = opendir(path);
  if (threads == NULL) return;
  const struct dirent *entry;
  while ((entry = readdir(threads)) != NULL) {
    if (entry->d_name[0] != '.') add_children_of_thread(walk, pid, entry->d_name);
  }
  (void)closedir(threads);
}

static size_t descend(struct walk walk) {
  add_children(&walk, walk.root);
  for (size_t i = 0; i < walk.count; i++) add_children(&walk, walk.procs[i].pid); /* the list is its own queue */
  return walk.count;
}

size_t sv_tree_walk(pid_t root, struct sv_proc *procs, size_t max) {
  return descend((struct walk){.root = root, .procs = procs, .max = max});
}

void sv_proc_sample(const struct sv_proc *proc, struct sv_sampled *sample) {
  static uint64_t page, tick_us;
  if (page == 0) {
    page = (uint64_t)sysconf(_SC_PAGESIZE);
    tick_us = 1000000u / (uint64_t)sysconf(_SC_CLK_TCK);
  }
  sample->user_us += proc->user_ticks * tick_us;
  sample->system_us += proc->system_ticks * tick_us;
  if (!proc->alive) return;
  sample->processes++;
  sample->threads += proc->threads;
  sample->rss_bytes += proc->rss_pages * page;
}

void sv_tree_sample(pid_t root, struct sv_sampled *sample) {
  struct sv_proc *procs = sv_tree_scratch();
  const size_t count = descend((struct walk){.root = root, .procs = procs, .max = SV_TREE_MAX, .zombies = true});
  for (size_t i = 0; i < count; i++) sv_proc_sample(&procs[i], sample);
}

size_t sv_tree_children(pid_t parent, struct sv_proc *procs, size_t max) {
  struct walk walk = {.root = parent, .procs = procs, .max = max};
  add_children(&walk, parent);
  return walk.count;
}

size_t sv_tree_session(pid_t session, struct sv_proc *procs, size_t max) {
  size_t count = 0;
  DIR *all = opendir("/proc");
  if (all == NULL) return 0;
  const struct dirent *entry;
  while (count < max && (entry = readdir(all)) != NULL) {
    pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
    if (pid > 0 && sv_proc_read(pid, &procs[count]) && procs[count].alive && procs[count].session == session) count++;
  }
  (void)closedir(all);
  return count;
}

struct sv_proc *sv_tree_scratch(void) {
  static struct sv_proc procs[SV_TREE_MAX]; /* costs nothing until a tree is walked */
  return procs;
}

bool sv_proc_signal(const struct sv_proc *proc, int signal) {
  struct sv_proc now;
  int fd = pidfd_open(proc->pid, 0);
  if (fd < 0) return false;
  bool reached = sv_proc_read(proc->pid, &now) && now.start_ticks == proc->start_ticks && pidfd_send_signal(fd, signal, NULL, 0) == 0;
  (void)close(fd);
  return reached;
}
