/*
 * orphan_cases.c: what is left when a monitor was killed, and the server before or after it.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../host.h"
#include "../pidinfo.h"
#include "../tree.h"
#include "harness.h"

/* Linux 6.15 and later. */
static bool kernel_tells(void) {
  int32_t status = 0;
  pid_t pid = fork();
  if (pid == 0) _exit(3);
  int fd = pidfd_open(pid, 0);
  CHECK(fd >= 0 && waitpid(pid, NULL, 0) == pid);
  const bool tells = sv_pidinfo_status(fd, &status) == SV_PIDINFO_KNOWN && WEXITSTATUS(status) == 3;
  (void)close(fd);
  return tells;
}

/* The server dies first, so that the orphans are init's; then their monitor. */
static struct client *orphan(struct client *c, pid_t monitor) {
  c = kill_and_restart(c);
  CHECK(kill(monitor, SIGKILL) == 0);
  await_end(monitor);
  return c;
}

static void lost(struct client *c, const char *id, const char *expected) {
  char *reason = client_lost(c, id);
  CHECK(strcmp(reason, expected) == 0);
  free(reason);
}

/* Told by the kernel where it can, and lost where it cannot; never 0. */
static void ended_with(struct client *c, const char *id, int status) {
  if (!kernel_tells()) {
    lost(c, id, "monitor lost");
    return;
  }
  struct sv_exited e = client_exited(c, id);
  CHECK(e.status == status && e.usage.maxrss_bytes == 0); /* the status is all that could be known */
  client_over(c, SV_EMPTY, id);
}

static void status_by_pidfd(void) {
  struct client *c = fresh();
  char fifo[80], script[160];
  int go = fifo_open(fifo);
  (void)snprintf(script, sizeof script, "read x <%s; exit 7", fifo);
  struct sv_started s = run_shell(c, "a", script);
  c = orphan(c, s.monitor);
  signaled(c, "a", 0, SV_SCOPE_LEADER, 1);
  CHECK(write(go, "\n", 1) == 1);
  ended_with(c, "a", 7 << 8);
  client_close(c);
}

static void killed_by_pidfd(void) {
  struct client *c = fresh();
  accepted(c, &(struct task){.id = "a", .argv = sleep_argv});
  c = orphan(c, client_started(c, "a").monitor);
  signaled(c, "a", SIGUSR1, SV_SCOPE_LEADER, 1);
  ended_with(c, "a", SIGUSR1);
  client_close(c);
}

/* Whose end nobody saw: lost, at once, and for good. */
static void gone_before(void) {
  struct client *c = fresh();
  accepted(c, &(struct task){.id = "a", .argv = sleep_argv});
  struct sv_started s = client_started(c, "a");
  CHECK(kill(c->server, SIGSTOP) == 0 && kill(s.monitor, SIGKILL) == 0 && kill(s.pid, SIGKILL) == 0);
  await_end(s.monitor);
  await_end(s.pid);
  c = kill_and_restart(c);
  await_state(c, "a", SV_ATTEMPT_LOST);
  c = kill_and_restart(c);
  CHECK(client_state(c, "a", NULL) == SV_ATTEMPT_LOST);
  acknowledged(c, "a");
  client_close(c);
}

/* In a session of its own, its parent gone; known by its cgroup, or by its tag alone. */
static const char hiding[] = "(setsid sh -c 'echo r >%s; exec sleep 1000' &); %s";

static struct sv_started run_hiding(struct client *c, const char *then) {
  char fifo[80], script[256];
  int ready = fifo_open(fifo);
  (void)snprintf(script, sizeof script, hiding, fifo, then);
  char *argv[] = {(char *)"/bin/sh", (char *)"-c", script, NULL};
  accepted(c, &(struct task){.id = "a", .argv = argv, .tagged = true});
  struct sv_started s = client_started(c, "a");
  fifo_await(ready);
  return s;
}

static void hidden_found(void) {
  struct client *c = fresh();
  struct sv_started s = run_hiding(c, "exec sleep 1000");
  c = orphan(c, s.monitor);
  signaled(c, "a", SIGTERM, SV_SCOPE_TREE, 2);
  ended_with(c, "a", SIGTERM);
  client_close(c);
}

/* The leader was told to have exited: the attempt is over when the hidden one is gone, and not before. */
static void leftover_found(void) {
  struct client *c = fresh();
  struct sv_started s = run_hiding(c, "exit 3");
  CHECK(WEXITSTATUS(client_exited(c, "a").status) == 3);
  c = orphan(c, s.monitor);
  signaled(c, "a", 0, SV_SCOPE_TREE, 1);
  struct sv_exited e;
  CHECK(client_state(c, "a", &e) == SV_ATTEMPT_EXITED && WEXITSTATUS(e.status) == 3);
  signaled(c, "a", SIGKILL, SV_SCOPE_TREE, 1);
  client_over(c, SV_EMPTY, "a");
  client_close(c);
}

static void hidden_found_by_tag(void) {
  if (geteuid() != 0) skip("only root can become another user");
  become_nobody();
  hidden_found();
}

static void leftover_found_by_tag(void) {
  if (geteuid() != 0) skip("only root can become another user");
  become_nobody();
  leftover_found();
}

static void hydra_of_dead_monitor(void) {
  char name[16];
  struct client *c = fresh();
  struct sv_started s = run_hydra(c, "a", name);
  CHECK(kill(s.monitor, SIGKILL) == 0);
  await_end(s.monitor);
  signaled(c, "a", SIGKILL, SV_SCOPE_TREE, 1);
  CHECK(WTERMSIG(client_exited(c, "a").status) == SIGKILL); /* by wait4: the server is its parent now */
  client_over(c, SV_EMPTY, "a");
  CHECK(count_named(name) == 0);
  client_close(c);
}

static void hydra_of_dead_monitor_as_nobody(void) {
  if (geteuid() != 0) skip("only root can become another user");
  become_nobody();
  hydra_of_dead_monitor();
}

static void hydra_of_dead_server(void) {
  char name[16];
  struct client *c = fresh();
  struct sv_started s = run_hydra(c, "a", name);
  if (!is_in_cgroup(s.pid)) skip("cgroup v2 cannot be written");
  c = orphan(c, s.monitor);
  signaled(c, "a", SIGKILL, SV_SCOPE_TREE, 8);
  ended_with(c, "a", SIGKILL);
  CHECK(count_named(name) == 0);
  client_close(c);
}

/* Each keeps what is its own. */
static void two_at_once(void) {
  struct client *c = fresh();
  accepted(c, &(struct task){.id = "a", .argv = sleep_argv});
  accepted(c, &(struct task){.id = "b", .argv = sleep_argv});
  accepted(c, &(struct task){.id = "c", .argv = sleep_argv});
  struct sv_started a = client_started(c, "a"), b = client_started(c, "b");
  client_over(c, SV_STARTED, "c");
  CHECK(kill(c->server, SIGSTOP) == 0 && kill(a.monitor, SIGKILL) == 0 && kill(b.monitor, SIGKILL) == 0);
  await_end(a.monitor);
  await_end(b.monitor);
  CHECK(kill(c->server, SIGCONT) == 0);
  signaled(c, "a", SIGKILL, SV_SCOPE_TREE, 1);
  CHECK(WTERMSIG(client_exited(c, "a").status) == SIGKILL);
  client_over(c, SV_EMPTY, "a");
  CHECK(client_state(c, "b", NULL) == SV_ATTEMPT_RUNNING && client_state(c, "c", NULL) == SV_ATTEMPT_RUNNING);
  signaled(c, "b", SIGTERM, SV_SCOPE_TREE, 1);
  CHECK(WTERMSIG(client_exited(c, "b").status) == SIGTERM);
  client_over(c, SV_EMPTY, "b");
  client_close(c);
}

/* A record that claims a start on this boot, whose monitor is nobody. */
static void write_claim(const char *id) {
  static struct sv_host host;
  CHECK(sv_host_init(&host, NULL));
  struct sv_claim claim = {.monitor = 0x7ffffff, .monitor_start = 1, .out = "/o", .err = "/e", .cgroups = {"", "", "", ""}};
  memcpy(claim.boot, host.boot, sizeof claim.boot);
  write_record(id, &claim, NULL, NULL);
}

/* It may run, but nobody was told that it does: it must not. */
static pid_t run_tagged(const char *place) {
  char tag[128];
  (void)snprintf(tag, sizeof tag, SV_PLACE "=%s", place);
  pid_t task = fork();
  if (task == 0) {
    char *const argv[] = {(char *)"/bin/sleep", (char *)"1000", NULL}, *const env[] = {(char *)"A=b", (char *)SV_TAG "=a", tag, NULL};
    (void)execve(argv[0], argv, env);
    _exit(127);
  }
  struct sv_proc proc = {0};
  while (strcmp(proc.command, "sleep") != 0) CHECK(sv_proc_read(task, &proc)); /* until then it has our environment */
  return task;
}

static void start_interrupted(void) {
  struct stat s;
  char place[64];
  int status;
  write_claim("a");
  CHECK(stat(state, &s) == 0);
  (void)snprintf(place, sizeof place, "drover-%llx-%llx", (unsigned long long)s.st_dev, (unsigned long long)s.st_ino);
  pid_t task = run_tagged(place), other = run_tagged("drover-1-1"); /* an attempt of the same id, of another supervisor */
  struct client *c = fresh();
  await_state(c, "a", SV_ATTEMPT_LOST);
  CHECK(waitpid(task, &status, WNOHANG) == task && WTERMSIG(status) == SIGKILL);
  CHECK(waitpid(other, &status, WNOHANG) == 0);
  acknowledged(c, "a");
  client_close(c);
}

/* ---- in a PID namespace, where we are who gives numbers ---- */

/* Runs a case below an init of its own, that reaps or does not. */
static void in_namespace(void (*run)(void), bool reaping) {
  int status;
  if (geteuid() != 0 || unshare(CLONE_NEWPID | CLONE_NEWNS) != 0) skip("only root can make a PID namespace");
  pid_t init = fork();
  if (init == 0) {
    CHECK(mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 && mount("proc", "/proc", "proc", 0, NULL) == 0);
    pid_t body = fork();
    if (body == 0) {
      run();
      _exit(0);
    }
    pid_t ended;
    while ((ended = waitpid(reaping ? -1 : body, &status, 0)) != body) CHECK(ended > 0 || errno == EINTR);
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
  }
  CHECK(waitpid(init, &status, 0) == init);
  if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED) _exit(SKIPPED);
  CHECK(status == 0);
}

/* Somebody else, who was given a number that was free again: in a session of that number, with a child there. */
static void impostor(pid_t number, uint64_t ticks_before, pid_t *child) {
  struct {
    uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
  } arguments = {.exit_signal = SIGCHLD, .set_tid = (uint64_t)(uintptr_t)&number, .set_tid_size = 1};
  while (sv_boottime_ns() / 10000000u <= ticks_before) continue; /* numbers do not come round within a tick */
  long pid;
  do pid = syscall(SYS_clone3, &arguments, sizeof arguments);
  while (pid < 0 && errno == EEXIST); /* init has not reaped it yet */
  if (pid < 0) skip("numbers of processes cannot be chosen");
  if (pid == 0) {
    (void)setsid();
    (void)fork();
    for (;;) (void)pause();
  }
  struct sv_proc found[8];
  while (sv_tree_walk(number, found, 8) != 1) CHECK(sched_yield() == 0);
  *child = found[0].pid;
}

static bool is_alive(pid_t pid) {
  struct sv_proc proc;
  return sv_proc_read(pid, &proc) && proc.alive;
}

static void number_used_again(void) {
  struct client *c = fresh();
  accepted(c, &(struct task){.id = "a", .argv = sleep_argv, .tagged = true});
  struct sv_started s = client_started(c, "a");
  pid_t server = c->server, child, other;
  client_close(c);
  CHECK(kill(server, SIGKILL) == 0);
  await_end(server);
  CHECK(kill(s.monitor, SIGKILL) == 0 && kill(s.pid, SIGKILL) == 0);
  await_end(s.monitor);
  await_end(s.pid);
  impostor(s.pid, s.start_ticks, &child);
  impostor(s.monitor, s.start_ticks, &other);
  c = fresh();
  struct frame *f = client_answer(c, client_signal(c, "a", SIGKILL, SV_SCOPE_TREE)); /* none was reached, or it is lost by then */
  struct sv_reader r = sv_reader_of(f->body, f->len);
  CHECK(f->type == SV_ERROR || (f->type == SV_SIGNALED && sv_get_i32(&r) >= 0 && sv_get_u32(&r) == 0));
  free(f);
  await_state(c, "a", SV_ATTEMPT_LOST);
  CHECK(is_alive(s.pid) && is_alive(child) && is_alive(s.monitor) && is_alive(other));
  client_close(c);
}

static void number_used_again_in_namespace(void) { in_namespace(number_used_again, true); }

/* It was told who it is; its number is another's when it is signalled. */
static void number_used_again_while_watched(void) {
  struct client *c = fresh();
  accepted(c, &(struct task){.id = "a", .argv = sleep_argv});
  struct sv_started s = client_started(c, "a");
  pid_t child;
  c = orphan(c, s.monitor);
  signaled(c, "a", 0, SV_SCOPE_LEADER, 1);
  CHECK(kill(c->server, SIGSTOP) == 0 && kill(s.pid, SIGKILL) == 0);
  await_end(s.pid);
  impostor(s.pid, s.start_ticks, &child);
  const uint32_t tag = client_signal(c, "a", SIGKILL, SV_SCOPE_TREE); /* is read before it is seen that it ended, or after */
  CHECK(kill(c->server, SIGCONT) == 0);
  free(client_answer(c, tag));
  ended_with(c, "a", SIGKILL);
  CHECK(is_alive(s.pid) && is_alive(child));
  client_close(c);
}

static void number_used_again_while_watched_in_namespace(void) { in_namespace(number_used_again_while_watched, true); }

/* Its status is there, but for an init that does not reap nobody can have it. */
static void never_reaped(void) {
  struct client *c = fresh();
  accepted(c, &(struct task){.id = "a", .argv = sleep_argv});
  struct sv_started s = client_started(c, "a");
  c = orphan(c, s.monitor);
  signaled(c, "a", SIGKILL, SV_SCOPE_TREE, 1);
  lost(c, "a", "monitor lost");
  client_close(c);
}

static void never_reaped_in_namespace(void) { in_namespace(never_reaped, false); }

const struct test_case orphan_cases[] = {
    {"orphans: the kernel tells the status of what is not our child", status_by_pidfd},
    {"orphans: the kernel tells the signal that ended it", killed_by_pidfd},
    {"orphans: what nobody saw end is lost", gone_before},
    {"orphans: what hid in a session of its own is found", hidden_found},
    {"orphans: a leftover that hid is found, and the attempt over when it is gone", leftover_found},
    {"orphans: what hid is found by its tag, without a cgroup", hidden_found_by_tag},
    {"orphans: a leftover that hid is found by its tag, without a cgroup", leftover_found_by_tag},
    {"orphans: a kill leaves nothing of what forks and hides", hydra_of_dead_monitor},
    {"orphans: a kill leaves nothing of what forks and hides, without a cgroup", hydra_of_dead_monitor_as_nobody},
    {"orphans: a kill leaves nothing of what forks and hides and is init's", hydra_of_dead_server},
    {"orphans: of two monitors that died at once, each task is its own", two_at_once},
    {"orphans: what an interrupted start left running is killed", start_interrupted},
    {"orphans: nobody is signalled whose number was used again", number_used_again_in_namespace},
    {"orphans: nobody is signalled whose number was used again while it was watched", number_used_again_while_watched_in_namespace},
    {"orphans: what init never reaps is lost", never_reaped_in_namespace},
    {NULL, NULL},
};
