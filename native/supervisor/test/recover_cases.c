/*
 * recover_cases.c: what is known after something was killed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>

#include "../record.h"
#include "harness.h"

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

static void records_of_another_boot(void) {
  struct client *c = fresh();
  pid_t server = c->server;
  client_close(c);
  CHECK(kill(server, SIGKILL) == 0);
  await_end(server);
  CHECK(chdir(state) == 0);
  uint8_t bytes[512];
  const struct sv_claim claim = {.boot = "another", .monitor = 1, .monitor_start = 1, .out = "/o", .err = "/e"};
  const struct sv_started started = {.pid = 1, .start_ticks = 1, .wall_ms = 1, .monitor = 1};
  const struct sv_exited exited = {.status = 0x400};
  for (int what = 0; what < 4; what++) {
    const char *ids[] = {"claimed", "started", "exited", "empty"};
    struct sv_writer w = sv_writer_of(bytes, sizeof bytes);
    int fd = sv_record_create(ids[what]);
    CHECK(fd >= 0);
    size_t at = sv_record_begin(&w, SV_RECORD_CLAIMED);
    sv_put_claim(&w, &claim);
    sv_record_end(&w, at);
    at = sv_record_begin(&w, SV_STARTED);
    if (what >= 1) sv_put_started(&w, &started);
    if (what >= 1) sv_record_end(&w, at);
    else w.len = at;
    at = sv_record_begin(&w, SV_EXITED);
    if (what >= 2) sv_put_exited(&w, &exited);
    if (what >= 2) sv_record_end(&w, at);
    else w.len = at;
    CHECK(what == 3 || sv_record_append(fd, &w));
    (void)close(fd);
  }
  int fd = sv_record_create("torn");
  CHECK(fd >= 0 && write(fd, "\x40\0\0\0garbage", 11) == 11 && close(fd) == 0);
  CHECK(chdir("/") == 0);
  c = fresh();
  struct sv_exited e;
  CHECK(client_state(c, "claimed", NULL) == SV_ATTEMPT_LOST);
  CHECK(client_state(c, "started", NULL) == SV_ATTEMPT_LOST);
  CHECK(client_state(c, "exited", &e) == SV_ATTEMPT_ENDED && WEXITSTATUS(e.status) == 4);
  CHECK(client_state(c, "empty", NULL) == SV_ATTEMPT_NOT_STARTED);
  CHECK(client_state(c, "torn", NULL) == SV_ATTEMPT_LOST);
  client_close(c);
}

static void usage_kept(void) {
  struct client *c = fresh();
  struct sv_started s = run_shell(c, "a", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done");
  uint64_t used = client_exited(c, "a").usage.user_us;
  client_over(c, SV_EMPTY, "a");
  await_end(s.monitor);
  struct sv_usage before = client_usage(c);
  for (int tries = 0; tries < 1000 && before.user_us < used; tries++) before = client_usage(c); /* its reaping may come a round later */
  CHECK(used > 0 && before.user_us >= used && before.maxrss_bytes > 0);
  c = kill_and_restart(c); /* the record is still there, and is not counted again */
  struct sv_usage after = client_usage(c);
  CHECK(after.user_us == before.user_us && after.maxrss_bytes == before.maxrss_bytes && after.minflt == before.minflt);

  char fifo[80], script[256];
  int go = fifo_open(fifo);
  (void)snprintf(script, sizeof script, "read x <%s; i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done", fifo);
  s = run_shell(c, "b", script);
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
    {"usage() survives restarts and counts nothing twice", usage_kept},
    {NULL, NULL},
};
