/*
 * upgrade_cases.c: the server becomes another binary, and nobody below it notices.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../tree.h"
#include "harness.h"

static char *other_binary(void) {
  static char path[256];
  (void)snprintf(path, sizeof path, "%.*s/drover-supervisor-other", (int)(strrchr(binary, '/') - binary), binary);
  return path;
}

static uint32_t ask(struct client *c, const char *path) { return client_id(c, SV_UPGRADE, path); }

/* Its version by SV_HELLO, on a connection of its own. */
static bool speaks(const char *version) {
  struct client *c = client_open_bare(state);
  uint8_t body[] = {SV_PROTOCOL_VERSION, 0, 0, 0};
  struct frame *f = client_answer(c, client_send(c, SV_HELLO, body, sizeof body));
  struct sv_reader r = sv_reader_of(f->body, f->len);
  CHECK(f->type == SV_HELLO_OK);
  (void)sv_get_u32(&r);
  (void)sv_get_i32(&r);
  (void)sv_get_str(&r, 256);
  (void)sv_get_u64(&r);
  const bool same = strcmp(sv_get_str(&r, 256), version) == 0 && sv_reader_done(&r);
  free(f);
  client_close(c);
  return same;
}

struct client *upgraded(struct client *c) {
  pid_t before = c->server;
  client_answer_is(c, ask(c, other_binary()), SV_OK);
  CHECK(client_read(c) == NULL);
  client_close(c);
  CHECK(speaks("0.0.1"));
  c = client_open(state);
  CHECK(c->server == before);
  return c;
}

static void keeps_tasks(void) {
  struct client *c = fresh();
  char fifo[80], script[160];
  int go = fifo_open(fifo);
  (void)snprintf(script, sizeof script, "read x <%s; exit 9", fifo);
  (void)run_shell(c, "ends", script);
  accepted(c, &(struct task){.id = "sleeps", .argv = sleep_argv});
  client_over(c, SV_STARTED, "sleeps");
  accepted(c, &(struct task){.id = "over", .argv = true_argv});
  client_over(c, SV_EMPTY, "over");
  c = upgraded(c);
  CHECK(run_server(state) == 3); /* the lock was never let go of */
  CHECK(client_state(c, "over", NULL) == SV_ATTEMPT_ENDED && client_state(c, "sleeps", NULL) == SV_ATTEMPT_RUNNING);
  CHECK(write(go, "\n", 1) == 1);
  CHECK(WEXITSTATUS(client_exited(c, "ends").status) == 9);
  client_over(c, SV_EMPTY, "ends");
  signaled(c, "sleeps", SIGINT, SV_SCOPE_LEADER, 1);
  CHECK(WTERMSIG(client_exited(c, "sleeps").status) == SIGINT);
  client_over(c, SV_EMPTY, "sleeps");
  const char *ids[] = {"over", "ends", "sleeps"};
  for (size_t i = 0; i < 3; i++) acknowledged(c, ids[i]);
  client_answer_is(c, client_send(c, SV_SHUTDOWN, NULL, 0), SV_OK);
  await_end(c->server);
  client_close(c);
}

/* A monitor is the server's child before and after: wait4 tells what its death left. */
static void keeps_children(void) {
  struct client *c = fresh();
  accepted(c, &(struct task){.id = "a", .argv = sleep_argv});
  accepted(c, &(struct task){.id = "b", .argv = sleep_argv});
  struct sv_started a = client_started(c, "a"), b = client_started(c, "b");
  struct sv_proc proc;
  CHECK(kill(b.monitor, SIGKILL) == 0);
  await_end(b.monitor);
  signaled(c, "b", 0, SV_SCOPE_LEADER, 1); /* it is known to be an orphan */
  c = upgraded(c);
  CHECK(sv_proc_read(a.monitor, &proc) && proc.ppid == c->server);
  CHECK(kill(a.monitor, SIGKILL) == 0);
  await_end(a.monitor);
  signaled(c, "a", SIGUSR1, SV_SCOPE_LEADER, 1);
  struct sv_exited e = client_exited(c, "a");
  CHECK(WTERMSIG(e.status) == SIGUSR1 && e.usage.maxrss_bytes > 0);
  signaled(c, "b", SIGUSR2, SV_SCOPE_LEADER, 1);
  e = client_exited(c, "b");
  CHECK(WTERMSIG(e.status) == SIGUSR2 && e.usage.maxrss_bytes > 0);
  client_over(c, SV_EMPTY, "a");
  client_over(c, SV_EMPTY, "b");
  client_close(c);
}

static void keeps_usage(void) {
  struct client *c = fresh();
  struct sv_usage before, last;
  (void)burn(c, "a", 0, &before);
  c = upgraded(c);
  const struct sv_usage after = client_usage(c);
  CHECK(after.user_us == before.user_us && after.minflt == before.minflt && after.maxrss_bytes == before.maxrss_bytes);
  const uint64_t used = burn(c, "b", before.user_us, &last);
  CHECK(last.user_us < before.user_us + 2 * used); /* and not twice */
  client_close(c);
}

/* What a task is given is what the first server was started with, not what that took for itself. */
static void keeps_limits(void) {
  struct client *c = fresh();
  static const char show[] = "ulimit -n; cat /proc/self/oom_score_adj; grep SigBlk /proc/self/status; umask; ls /proc/self/fd | wc -l";
  (void)run_shell(c, "a", show);
  client_over(c, SV_EMPTY, "a");
  char before[256];
  (void)snprintf(before, sizeof before, "%.255s", content(out));
  CHECK(truncate(out, 0) == 0);
  c = upgraded(c);
  (void)run_shell(c, "b", show);
  client_over(c, SV_EMPTY, "b");
  CHECK(strcmp(before, content(out)) == 0 && strlen(before) > 20);
  client_close(c);
}

static void refused(void) {
  struct client *c = fresh();
  accepted(c, &(struct task){.id = "a", .argv = sleep_argv});
  client_over(c, SV_STARTED, "a");
  CHECK(client_refused(c, ask(c, "/nowhere/drover-supervisor"), SV_ERR_SYSTEM) == ENOENT);
  CHECK(client_refused(c, ask(c, "/etc/passwd"), SV_ERR_SYSTEM) == EACCES);
  client_refused(c, ask(c, "drover-supervisor"), SV_ERR_INVALID);
  CHECK(client_state(c, "a", NULL) == SV_ATTEMPT_RUNNING && run_server(state) == 3);
  signaled(c, "a", SIGKILL, SV_SCOPE_TREE, 1);
  client_over(c, SV_EMPTY, "a");
  client_close(c);
}

/* Starts that are on their way are not lost: each is told, once. */
#define STARTS 40
static void while_starting(void) {
  struct client *c = fresh(), *asking = client_open(state);
  char id[16];
  for (int i = 0; i < STARTS; i++) {
    (void)snprintf(id, sizeof id, "s%d", i);
    (void)client_start(c, &(struct task){.id = id, .argv = true_argv});
  }
  client_answer_is(asking, ask(asking, other_binary()), SV_OK);
  CHECK(client_read(asking) == NULL);
  client_close(asking);
  client_close(c);
  c = client_open(state);
  for (int i = 0; i < STARTS; i++) {
    (void)snprintf(id, sizeof id, "s%d", i);
    uint8_t found = client_state(c, id, NULL);
    CHECK(found != SV_ATTEMPT_NOT_STARTED && found != SV_ATTEMPT_LOST);
    if (found != 0) await_state(c, id, SV_ATTEMPT_ENDED); /* else it was not read before the binary changed */
  }
  client_close(c);
}

/* An agent that speaks another version of the protocol can still ask. */
static void before_hello(void) {
  client_close(fresh());
  struct client *c = client_open_bare(state);
  client_answer_is(c, ask(c, other_binary()), SV_OK);
  client_close(c);
  CHECK(speaks("0.0.1"));
}

const struct test_case upgrade_cases[] = {
    {"upgrade() keeps tasks, codes, process and lock", keeps_tasks},
    {"upgrade() keeps children, monitors and orphans", keeps_children},
    {"upgrade() keeps the totals, and counts nothing twice", keeps_usage},
    {"upgrade() keeps what a task is given", keeps_limits},
    {"upgrade() to what cannot be executed changes nothing", refused},
    {"upgrade() while tasks are starting loses none", while_starting},
    {"upgrade() by who speaks another version", before_hello},
    {NULL, NULL},
};
