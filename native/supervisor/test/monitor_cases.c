/*
 * monitor_cases.c: one monitor may have several attempts, one after the other, and nothing of one is in the next.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"

static pid_t ended(struct client *c, const char *id, int status) {
  const struct sv_started s = client_started(c, id);
  CHECK(client_exited(c, id).status == status);
  client_over(c, SV_EMPTY, id);
  return s.monitor;
}

static pid_t runs(struct client *c, const struct task *t, int status) {
  accepted(c, t);
  return ended(c, t->id, status);
}

static void used_again(void) {
  struct client *c = fresh();
  char *fails[] = {(char *)"/bin/sh", (char *)"-c", (char *)"echo $" SV_PLACE "; exit 3", NULL};
  const pid_t monitor = runs(c, &(struct task){.id = "a", .argv = fails, .out = out}, 3 << 8);
  acknowledged(c, "a");
  CHECK(runs(c, &(struct task){.id = "b", .argv = fails, .out = out}, 3 << 8) == monitor);
  char *line = content(out), *second = strchr(line, '\n');
  CHECK(second != NULL && second > line && strncmp(line, second + 1, (size_t)(second + 1 - line)) == 0); /* of both attempts */
  struct task missing = {.id = "c", .argv = true_argv, .cwd = "/does/not/exist"};
  accepted(c, &missing);
  client_not_started(c, "c", "chdir", 2);
  CHECK(runs(c, &(struct task){.id = "d", .argv = true_argv}, 0) != monitor); /* of one that did not start nothing is used again */
  CHECK(client_state(c, "b", NULL) == SV_ATTEMPT_ENDED && client_state(c, "c", NULL) == SV_ATTEMPT_NOT_STARTED);
  client_close(c);
}

/* Two at once have two; and what is asked of the one does not reach the other. */
static void one_at_a_time(void) {
  struct client *c = fresh();
  const pid_t monitor = runs(c, &(struct task){.id = "a", .argv = true_argv}, 0);
  accepted(c, &(struct task){.id = "b", .argv = sleep_argv});
  accepted(c, &(struct task){.id = "c", .argv = sleep_argv});
  const struct sv_started b = client_started(c, "b"), other = client_started(c, "c");
  CHECK(b.monitor == monitor && other.monitor != monitor);
  client_refused(c, client_signal(c, "a", SIGKILL, SV_SCOPE_TREE), SV_ERR_OVER);
  const struct sv_sampled sampled = client_sample(c, "b");
  CHECK(sampled.processes == 1 && sampled.user_us + sampled.system_us < 1000000);
  signaled(c, "b", SIGTERM, SV_SCOPE_GROUP, 1);
  CHECK(WTERMSIG(client_exited(c, "b").status) == SIGTERM);
  client_over(c, SV_EMPTY, "b");
  CHECK(client_state(c, "c", NULL) == SV_ATTEMPT_RUNNING);
  client_close(c);
}

/* A killed cgroup would kill what is born into it, and a terminal is one monitor's. */
static void not_used_again(void) {
  struct client *c = fresh();
  accepted(c, &(struct task){.id = "a", .argv = sleep_argv});
  signaled(c, "a", SIGKILL, SV_SCOPE_TREE, 1);
  const pid_t killed = ended(c, "a", SIGKILL);
  const pid_t plain = runs(c, &(struct task){.id = "b", .argv = true_argv}, 0);
  CHECK(plain != killed);
  const pid_t pipes = runs(c, &(struct task){.id = "c", .argv = true_argv, .out = out, .err = err, .flags = SV_START_PIPES}, 0);
  CHECK(pipes != plain && runs(c, &(struct task){.id = "d", .argv = true_argv}, 0) == plain);
  await_end(killed);
  await_end(pipes);
  await_end(plain); /* it was not needed for a while */
  client_close(c);
}

static void killed_while_spare(void) {
  struct client *c = fresh();
  const pid_t monitor = runs(c, &(struct task){.id = "a", .argv = true_argv}, 0);
  CHECK(kill(monitor, SIGKILL) == 0);
  await_end(monitor);
  (void)client_usage(c); /* a round later that is known */
  CHECK(runs(c, &(struct task){.id = "b", .argv = true_argv}, 0) != monitor);
  client_close(c);
}

/* The first attempt's use was told; with the second, the monitor's death brings it once more. */
static void killed_with_another(void) {
  struct client *c = fresh();
  struct sv_started s = run_shell(c, "a", BURN);
  const uint64_t used = client_exited(c, "a").usage.user_us;
  client_over(c, SV_EMPTY, "a");
  acknowledged(c, "a");
  CHECK(client_usage(c).user_us >= used);
  accepted(c, &(struct task){.id = "b", .argv = sleep_argv});
  const struct sv_started b = client_started(c, "b");
  CHECK(b.monitor == s.monitor && kill(b.monitor, SIGKILL) == 0);
  await_end(b.monitor);
  signaled(c, "b", SIGTERM, SV_SCOPE_LEADER, 1);
  CHECK(WTERMSIG(client_exited(c, "b").status) == SIGTERM);
  client_over(c, SV_EMPTY, "b");
  const uint64_t total = client_usage(c).user_us;
  CHECK(total >= used && total < used + used / 2);
  client_close(c);
}

/* Its server died, or became another binary: the totals have the first attempt, once. */
static void outlives(struct client *(*server_after)(struct client *)) {
  struct client *c = fresh();
  const struct sv_started s = run_shell(c, "a", BURN);
  const uint64_t used = client_exited(c, "a").usage.user_us;
  client_over(c, SV_EMPTY, "a");
  acknowledged(c, "a");
  char fifo[80], script[256];
  const int go = fifo_open(fifo);
  (void)snprintf(script, sizeof script, "read x <%s; " BURN, fifo);
  CHECK(run_shell(c, "b", script).monitor == s.monitor);
  c = server_after(c);
  CHECK(client_usage(c).user_us >= used && client_usage(c).user_us < used + used / 2);
  CHECK(write(go, "\n", 1) == 1);
  const uint64_t again = client_exited(c, "b").usage.user_us;
  client_over(c, SV_EMPTY, "b");
  await_end(s.monitor);
  acknowledged(c, "b");
  const uint64_t total = client_usage(c).user_us;
  CHECK(total >= used + again && total < used + again + used / 2);
  CHECK(runs(c, &(struct task){.id = "c", .argv = true_argv}, 0) != s.monitor); /* it was the earlier server's */
  client_close(c);
}

static void outlives_server(void) { outlives(kill_and_restart); }
static void outlives_upgrade(void) { outlives(upgraded); }

const struct test_case monitor_cases[] = {
    {"monitors: the next attempt has the one before's", used_again},
    {"monitors: one attempt at a time", one_at_a_time},
    {"monitors: after a kill, limits or pipes another one is forked", not_used_again},
    {"monitors: one that is killed while it is spare is not missed", killed_while_spare},
    {"monitors: one that is killed with its second attempt is counted once", killed_with_another},
    {"monitors: the second attempt outlives the server, and the first is counted once", outlives_server},
    {"monitors: the second attempt outlives an upgrade, and the first is counted once", outlives_upgrade},
    {NULL, NULL},
};
