/*
 * cgroup_cases.c: that an attempt is in its cgroup, that limits hold or are refused, and that no directory stays.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../cgroup.h"
#include "harness.h"

#define MIB (1ull << 20)

static struct sv_hierarchies own;

static void find_hierarchies(void) {
  FILE *mountinfo = fopen("/proc/self/mountinfo", "re"), *self = fopen("/proc/self/cgroup", "re");
  CHECK(mountinfo != NULL && self != NULL);
  sv_hierarchies_read(mountinfo, self, &own);
  (void)fclose(mountinfo);
  (void)fclose(self);
}

/* The server's directory there, "" where there can be none. */
static void server_directory(int h, char path[SV_CGROUP_PATH_MAX + 64]) {
  struct stat s;
  CHECK(stat(state, &s) == 0);
  path[0] = '\0';
  if (own.own[h][0] != '\0') {
    (void)snprintf(path, SV_CGROUP_PATH_MAX + 64, "%s/drover-%llx-%llx", own.own[h], (unsigned long long)s.st_dev, (unsigned long long)s.st_ino);
  }
}

static bool any_directory(void) {
  for (int h = 0; h < SV_HIERARCHIES; h++) {
    char path[SV_CGROUP_PATH_MAX + 64];
    server_directory(h, path);
    if (path[0] != '\0' && access(path, F_OK) == 0) return true;
  }
  return false;
}

static bool can_write(int h) { return own.own[h][0] != '\0' && access(own.own[h], W_OK) == 0; }

static bool v2_has(const char *controller) {
  char path[SV_CGROUP_PATH_MAX + 64];
  (void)snprintf(path, sizeof path, "%s/cgroup.controllers", own.own[SV_UNIFIED]);
  return can_write(SV_UNIFIED) && strstr(content(path), controller) != NULL;
}

static void need_unified(void) {
  find_hierarchies();
  if (!can_write(SV_UNIFIED)) skip("cgroup v2 cannot be written");
}

static void need_limit(int v1, const char *controller) {
  find_hierarchies();
  if (!can_write(v1) && !v2_has(controller)) skip("no hierarchy with that controller can be written");
}

static bool shows_cgroup(const char *listing) {
  char name[64];
  struct stat s;
  CHECK(stat(state, &s) == 0);
  (void)snprintf(name, sizeof name, "/drover-%llx-%llx/", (unsigned long long)s.st_dev, (unsigned long long)s.st_ino);
  const char *line = strstr(listing, "0::");
  return line != NULL && strstr(line, name) != NULL;
}

static void ended(struct client *c, const char *id) {
  client_over(c, SV_EMPTY, id);
  acknowledged(c, id);
}

/* A monitor keeps its cgroup for a moment, for another attempt. */
static void none_stays(struct client *c, pid_t monitor) {
  await_end(monitor);
  (void)client_usage(c); /* a round later */
  CHECK(!any_directory());
}

static char *const show_cgroups[] = {(char *)"/bin/cat", (char *)"/proc/self/cgroup", NULL};

static void in_its_cgroup(void) {
  need_unified();
  struct client *c = fresh();
  accepted(c, &(struct task){.id = "a", .argv = show_cgroups, .out = out});
  const pid_t monitor = client_started(c, "a").monitor;
  struct sv_exited e = client_exited(c, "a");
  CHECK(e.status == 0 && e.group.cpu_us > 0 && shows_cgroup(content(out)));
  ended(c, "a");
  none_stays(c, monitor);
  client_close(c);
}

/* As a filter of system calls does it, or a kernel before 5.7. */
static void without_clone3(void) {
  need_unified();
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {.len = sizeof code / sizeof code[0], .filter = code};
  CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) skip("system calls cannot be filtered");
  struct client *c = fresh();
  accepted(c, &(struct task){.id = "a", .argv = show_cgroups, .out = out});
  CHECK(client_exited(c, "a").status == 0 && shows_cgroup(content(out)));
  ended(c, "a");
  client_close(c);
}

/* The directory is used again: what the one before used is not counted again. */
static void used_again(void) {
  need_unified();
  struct client *c = fresh();
  accepted(c, &(struct task){.id = "stays", .argv = sleep_argv});
  (void)run_shell(c, "a", "cat /proc/self/cgroup; i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done");
  struct sv_exited a = client_exited(c, "a");
  char first[8192];
  (void)strcpy(first, content(out));
  ended(c, "a");
  CHECK(truncate(out, 0) == 0);
  accepted(c, &(struct task){.id = "b", .argv = show_cgroups, .out = out});
  const pid_t monitor = client_started(c, "b").monitor;
  struct sv_exited b = client_exited(c, "b");
  CHECK(shows_cgroup(first) && strcmp(first, content(out)) == 0);
  CHECK(a.group.cpu_us > 50000 && b.group.cpu_us > 0 && b.group.cpu_us < a.group.cpu_us / 2);
  ended(c, "b");
  signaled(c, "stays", SIGKILL, SV_SCOPE_TREE, 1);
  ended(c, "stays");
  none_stays(c, monitor);
  client_close(c);
}

static void memory_limit(void) {
  need_limit(SV_V1_MEMORY, "memory");
  struct client *c = fresh();
  char *argv[] = {(char *)"/bin/sh", (char *)"-c", (char *)"head -c 200000000 /dev/zero | tail >/dev/null", NULL};
  accepted(c, &(struct task){.id = "a", .argv = argv, .memory_bytes = 16 * MIB});
  struct sv_exited e = client_exited(c, "a");
  CHECK(WIFEXITED(e.status) && WEXITSTATUS(e.status) == 128 + SIGKILL && e.group.oom_kills >= 1);
  CHECK(e.group.memory_peak_bytes > 8 * MIB && e.group.memory_peak_bytes <= 17 * MIB);
  ended(c, "a");
  CHECK(!any_directory());
  accepted(c, &(struct task){.id = "b", .argv = sleep_argv, .memory_bytes = 16 * MIB});
  (void)client_started(c, "b");
  CHECK(client_sample(c, "b").group_bytes > 0 && client_sample(c, "b").group_bytes < 16 * MIB);
  signaled(c, "b", SIGKILL, SV_SCOPE_TREE, 1);
  ended(c, "b");
  client_close(c);
}

static void processes_limit(void) {
  need_limit(SV_V1_PIDS, "pids");
  struct client *c = fresh();
  char *argv[] = {(char *)"/bin/sh", (char *)"-c", (char *)"i=0; while [ $i -lt 20 ]; do sleep 1000 & i=$((i+1)); done", NULL};
  accepted(c, &(struct task){.id = "a", .argv = argv, .err = err, .processes = 5});
  struct sv_exited e = client_exited(c, "a");
  CHECK(WIFEXITED(e.status) && WEXITSTATUS(e.status) != 0 && e.left_count == 4);
  CHECK(strstr(content(err), "fork") != NULL);
  signaled(c, "a", SIGKILL, SV_SCOPE_TREE, 4);
  ended(c, "a");
  CHECK(!any_directory());
  client_close(c);
}

static void cpu_limit(void) {
  need_limit(SV_V1_CPU, "cpu");
  struct client *c = fresh();
  char *argv[] = {(char *)"/bin/sh", (char *)"-c", (char *)"i=0; while [ $i -lt 50000 ]; do i=$((i+1)); done", NULL};
  accepted(c, &(struct task){.id = "a", .argv = argv, .cpu_millis = 100});
  struct sv_started s = client_started(c, "a");
  struct sv_exited e = client_exited(c, "a");
  const uint64_t cpu = e.usage.user_us + e.usage.system_us, wall = (uint64_t)(e.wall_ms - s.wall_ms) * 1000;
  CHECK(e.status == 0 && cpu > 10000 && wall > 2 * cpu); /* a tenth of a CPU, but for what fits into the first two periods */
  ended(c, "a");
  accepted(c, &(struct task){.id = "b", .argv = true_argv, .cpu_millis = 9, .memory_bytes = 64 * MIB, .processes = 2}); /* a quota below the least of the usual period */
  client_over(c, SV_EMPTY, "b");
  client_close(c);
}

/* An ordinary user, to whom no cgroup here belongs. */
static void limits_refused(void) {
  if (geteuid() != 0) skip("only root can become another user");
  become_nobody();
  find_hierarchies();
  if (can_write(SV_UNIFIED)) skip("every user can write cgroups here");
  bool mounted = false;
  for (int h = 0; h < SV_HIERARCHIES; h++) mounted = mounted || own.own[h][0] != '\0';
  struct client *c = fresh();
  const struct {
    struct task task;
    const char *step;
  } cases[] = {
      {{.id = "a", .argv = true_argv, .cpu_millis = 500}, "cgroup-cpu"},
      {{.id = "b", .argv = true_argv, .memory_bytes = MIB}, "cgroup-memory"},
      {{.id = "c", .argv = true_argv, .processes = 9}, "cgroup-processes"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    accepted(c, &cases[i].task);
    client_not_started(c, cases[i].task.id, cases[i].step, mounted ? EACCES : EOPNOTSUPP);
  }
  accepted(c, &(struct task){.id = "d", .argv = true_argv});
  CHECK(client_exited(c, "d").status == 0);
  client_close(c);
}

/* A value that the kernel does not take: nothing was started, and nothing stays. */
static void limit_impossible(void) {
  need_limit(SV_V1_PIDS, "pids");
  struct client *c = fresh();
  accepted(c, &(struct task){.id = "a", .argv = true_argv, .processes = 0xffffffffu});
  client_not_started(c, "a", "cgroup-processes", EINVAL);
  acknowledged(c, "a");
  CHECK(!any_directory());
  client_close(c);
}

/* With the rights to, a task may make cgroups below its own; what is in them is found, and they go with it. */
static void cgroups_below(void) {
  need_unified();
  struct client *c = fresh();
  char fifo[80], directory[SV_CGROUP_PATH_MAX + 64], script[SV_CGROUP_PATH_MAX + 512];
  int ready = fifo_open(fifo);
  server_directory(SV_UNIFIED, directory);
  (void)snprintf(script, sizeof script, "d=%s/$(sed -n 's/^0::.*\\///p' /proc/self/cgroup); mkdir -p $d/x/y; (echo 0 >$d/x/y/cgroup.procs; echo r >%s; exec setsid sleep 1000) & exit 3",
                 directory, fifo);
  (void)run_shell(c, "a", script);
  CHECK(WEXITSTATUS(client_exited(c, "a").status) == 3);
  fifo_await(ready);
  signaled(c, "a", SIGKILL, SV_SCOPE_TREE, 1);
  ended(c, "a");
  CHECK(!any_directory());
  client_close(c);
}

/* What a server and its monitors leave that were killed: the next one removes it. */
static void left_by_the_dead(void) {
  need_unified();
  struct client *c = fresh();
  accepted(c, &(struct task){.id = "a", .argv = sleep_argv, .processes = can_write(SV_V1_PIDS) || v2_has("pids") ? 9 : 0});
  struct sv_started s = client_started(c, "a");
  CHECK(any_directory());
  pid_t server = c->server;
  client_close(c);
  CHECK(kill(server, SIGKILL) == 0 && kill(s.monitor, SIGKILL) == 0 && kill(s.pid, SIGKILL) == 0);
  await_end(server);
  await_end(s.monitor);
  await_end(s.pid);
  CHECK(any_directory());
  c = fresh();
  await_state(c, "a", SV_ATTEMPT_LOST);
  acknowledged(c, "a");
  CHECK(!any_directory());
  client_close(c);
}

const struct test_case cgroup_cases[] = {
    {"cgroup: a task is in its own before it runs, and none stays", in_its_cgroup},
    {"cgroup: a task is in its own where clone3 is not allowed", without_clone3},
    {"cgroup: one that is used again does not count what was before", used_again},
    {"cgroup: a memory limit kills, and the kills are counted", memory_limit},
    {"cgroup: a limit of processes holds", processes_limit},
    {"cgroup: a CPU limit holds", cpu_limit},
    {"cgroup: limits are refused where nothing can be written", limits_refused},
    {"cgroup: a limit that cannot be is refused and leaves nothing", limit_impossible},
    {"cgroup: what a task puts into cgroups below its own is found", cgroups_below},
    {"cgroup: what the dead left is removed by the next server", left_by_the_dead},
    {NULL, NULL},
};
