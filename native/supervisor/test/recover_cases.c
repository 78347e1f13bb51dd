/*
 * recover_cases.c: what is known after something was killed.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>

#include "harness.h"

/* Its record is opened where it is: a monitor that has it open has the damage too. */
static void open_record(const char *id, int flags, const char *bytes) {
  char path[160];
  (void)snprintf(path, sizeof path, "%s/attempts/%s/record", state, id);
  int fd = open(path, O_WRONLY | O_CLOEXEC | flags);
  CHECK(fd >= 0 && write(fd, bytes, strlen(bytes)) == (ssize_t)strlen(bytes) && close(fd) == 0);
}

static void damage(const char *id) { open_record(id, 0, "\x40 garbage"); }
static void removed(const char *id) {
  char path[160];
  (void)snprintf(path, sizeof path, "%s/attempts/%s/record", state, id);
  CHECK(unlink(path) == 0);
}

static void empty(const char *id) { open_record(id, O_TRUNC, ""); }

static void server_killed(void) {
  struct client *c = fresh();
  char fifo[80], script[256];
  int ready = fifo_open(fifo);
  accepted(c, &(struct task){.id = "sleeps", .argv = sleep_argv});
  client_over(c, SV_STARTED, "sleeps");
  (void)snprintf(script, sizeof script, "echo r >%s; read x <%s.go; exit 9", fifo, fifo);
  char go[96];
  (void)snprintf(go, sizeof go, "%s.go", fifo);
  CHECK(mkfifo(go, 0600) == 0);
  struct sv_started ends = run_shell(c, "ends", script);
  fifo_await(ready);
  pid_t server = c->server;
  client_close(c);
  CHECK(kill(server, SIGKILL) == 0);
  await_end(server);
  int fd = open(go, O_WRONLY); /* it ends while there is no server */
  CHECK(fd >= 0 && write(fd, "\n", 1) == 1);
  await_end(ends.monitor);
  c = fresh();
  struct sv_exited e;
  CHECK(client_state(c, "sleeps", NULL) == SV_ATTEMPT_RUNNING);
  CHECK(client_state(c, "ends", &e) == SV_ATTEMPT_ENDED && WEXITSTATUS(e.status) == 9);
  signaled(c, "sleeps", SIGINT, SV_SCOPE_LEADER, 1); /* waits for the monitor to come back */
  CHECK(WTERMSIG(client_exited(c, "sleeps").status) == SIGINT);
  client_over(c, SV_EMPTY, "sleeps");
  client_close(c);
}

static void monitor_killed(void) {
  struct client *c = fresh();
  char fifo[80], script[256];
  int ready = fifo_open(fifo);
  (void)snprintf(script, sizeof script, "sleep 1000 & echo r >%s; wait", fifo);
  struct sv_started s = run_shell(c, "a", script);
  fifo_await(ready);
  CHECK(kill(s.monitor, SIGKILL) == 0);
  await_end(s.monitor);
  signaled(c, "a", SIGUSR1, SV_SCOPE_LEADER, 1); /* the server is its parent now, and knows its status */
  struct sv_exited e = client_exited(c, "a");
  CHECK(WIFSIGNALED(e.status) && WTERMSIG(e.status) == SIGUSR1 && e.left_count == 1);
  signaled(c, "a", SIGKILL, SV_SCOPE_TREE, 1);
  client_over(c, SV_EMPTY, "a");
  acknowledged(c, "a");
  client_close(c);
}

static void monitor_and_task_killed(void) {
  struct client *c = fresh();
  accepted(c, &(struct task){.id = "a", .argv = sleep_argv});
  struct sv_started s = client_started(c, "a");
  CHECK(kill(c->server, SIGSTOP) == 0); /* both ends are found in one round */
  CHECK(kill(s.monitor, SIGKILL) == 0);
  await_end(s.monitor);
  CHECK(kill(s.pid, SIGKILL) == 0);
  await_end(s.pid);
  CHECK(kill(c->server, SIGCONT) == 0);
  struct sv_exited e = client_exited(c, "a");
  CHECK(WIFSIGNALED(e.status) && WTERMSIG(e.status) == SIGKILL);
  client_over(c, SV_EMPTY, "a");
  client_close(c);
}

static void becomes_lost(struct client *c, const char *id, const char *expected) {
  await_state(c, id, SV_ATTEMPT_LOST);
  char *reason = client_reason(c, id); /* the notice may have come before us */
  CHECK(reason != NULL && strcmp(reason, expected) == 0);
  free(reason);
}

static void records_of_another_boot(void) {
  struct client *c = fresh();
  pid_t server = c->server;
  client_close(c);
  CHECK(kill(server, SIGKILL) == 0);
  await_end(server);
  const struct sv_claim claim = {.boot = "another", .monitor = 1, .monitor_start = 1, .out = "/o", .err = "/e"};
  const struct sv_started started = {.pid = 1, .start_ticks = 1, .wall_ms = 1, .monitor = 1};
  const struct sv_exited exited = {.status = 0x400};
  write_record("claimed", &claim, NULL, NULL);
  write_record("started", &claim, &started, NULL);
  write_record("exited", &claim, &started, &exited);
  write_record("empty", NULL, NULL, NULL);
  write_record("torn", NULL, NULL, NULL);
  damage("torn");
  c = fresh();
  struct sv_exited e;
  CHECK(client_state(c, "claimed", NULL) == SV_ATTEMPT_LOST);
  CHECK(client_state(c, "started", NULL) == SV_ATTEMPT_LOST);
  CHECK(client_state(c, "exited", &e) == SV_ATTEMPT_ENDED && WEXITSTATUS(e.status) == 4);
  await_state(c, "empty", SV_ATTEMPT_NOT_STARTED);
  await_state(c, "torn", SV_ATTEMPT_LOST);
  c = kill_and_restart(c);
  CHECK(client_state(c, "empty", NULL) == SV_ATTEMPT_NOT_STARTED);
  await_state(c, "torn", SV_ATTEMPT_LOST);
  client_close(c);
}

static void damaged_with_monitor(void) {
  struct client *c = fresh();
  char fifo[80], script[160];
  int go = fifo_open(fifo);
  (void)snprintf(script, sizeof script, "read x <%s; exit 9", fifo);
  (void)run_shell(c, "torn", script);
  accepted(c, &(struct task){.id = "empty", .argv = sleep_argv});
  client_over(c, SV_STARTED, "empty");
  damage("torn");
  empty("empty");
  c = kill_and_restart(c);
  await_state(c, "torn", SV_ATTEMPT_RUNNING);
  await_state(c, "empty", SV_ATTEMPT_RUNNING);
  CHECK(write(go, "\n", 1) == 1);
  CHECK(WEXITSTATUS(client_exited(c, "torn").status) == 9);
  client_over(c, SV_EMPTY, "torn");
  signaled(c, "empty", SIGTERM, SV_SCOPE_TREE, 1);
  CHECK(WTERMSIG(client_exited(c, "empty").status) == SIGTERM);
  client_over(c, SV_EMPTY, "empty");
  acknowledged(c, "torn");
  acknowledged(c, "empty");
  client_close(c);
}

/* What is left of it is found by its cgroup or its tag, of which it has one at least here, and killed. */
static void damaged_without_monitor(void (*hurt)(const char *), const char *reason) {
  struct client *c = fresh();
  accepted(c, &(struct task){.id = "a", .argv = sleep_argv, .tagged = geteuid() != 0});
  accepted(c, &(struct task){.id = "b", .argv = sleep_argv});
  struct sv_started a = client_started(c, "a"), b = client_started(c, "b");
  if (geteuid() == 0 && !is_in_cgroup(a.pid)) skip("cgroup v2 cannot be written");
  pid_t server = c->server;
  client_close(c);
  CHECK(kill(server, SIGKILL) == 0 && kill(a.monitor, SIGKILL) == 0);
  await_end(server);
  await_end(a.monitor);
  hurt("a");
  c = fresh();
  becomes_lost(c, "a", reason);
  await_end(a.pid);
  CHECK(client_state(c, "b", NULL) == SV_ATTEMPT_RUNNING);
  acknowledged(c, "a");
  signaled(c, "b", SIGINT, SV_SCOPE_TREE, 1);
  client_over(c, SV_EMPTY, "b");
  CHECK(kill(b.pid, 0) != 0);
  client_close(c);
}

static void torn_in_cgroup(void) { damaged_without_monitor(damage, "record corrupt: an entry does not match its checksum"); }

static void empty_in_cgroup(void) { damaged_without_monitor(empty, "record corrupt: nothing is in it"); }

static void removed_in_cgroup(void) { damaged_without_monitor(removed, "record corrupt: nothing is in it"); }

static void torn_with_tag(void) {
  if (geteuid() != 0) skip("only root can become another user");
  become_nobody();
  torn_in_cgroup();
}

static void empty_with_tag(void) {
  if (geteuid() != 0) skip("only root can become another user");
  become_nobody();
  empty_in_cgroup();
}

static void usage_kept(void) {
  struct client *c = fresh();
  struct sv_usage before;
  uint64_t used = burn(c, "a", 0, &before);
  CHECK(used > 0 && before.maxrss_bytes > 0);
  c = kill_and_restart(c); /* the record is still there, and is not counted again */
  struct sv_usage after = client_usage(c);
  CHECK(after.user_us == before.user_us && after.maxrss_bytes == before.maxrss_bytes && after.minflt == before.minflt);

  char fifo[80], script[256];
  int go = fifo_open(fifo);
  (void)snprintf(script, sizeof script, "read x <%s; " BURN, fifo);
  (void)run_shell(c, "b", script);
  c = kill_and_restart(c); /* its monitor is not the new server's child: its record's use is added, once */
  before = client_usage(c);
  CHECK(write(go, "\n", 1) == 1);
  used = client_exited(c, "b").usage.user_us;
  client_over(c, SV_EMPTY, "b");
  CHECK(client_usage(c).user_us == before.user_us + used);
  c = kill_and_restart(c);
  CHECK(client_usage(c).user_us == before.user_us + used);
  client_close(c);
}

const struct test_case recover_cases[] = {
    {"recover() after the server was killed keeps every task and code", server_killed},
    {"recover() after a monitor was killed knows the status by wait4", monitor_killed},
    {"recover() after a monitor and its task were killed at once", monitor_and_task_killed},
    {"recover() of records of another boot, and of a torn one", records_of_another_boot},
    {"recover() of a damaged record whose monitor lives loses nothing", damaged_with_monitor},
    {"recover() of a torn record kills what is left of its task, by its cgroup", torn_in_cgroup},
    {"recover() of an empty record kills what is left of its task, by its cgroup", empty_in_cgroup},
    {"recover() without a record kills what is left of its task, by its cgroup", removed_in_cgroup},
    {"recover() of a torn record kills what is left of its task, by its tag", torn_with_tag},
    {"recover() of an empty record kills what is left of its task, by its tag", empty_with_tag},
    {"usage() survives restarts and counts nothing twice", usage_kept},
    {NULL, NULL},
};
