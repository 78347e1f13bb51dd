/*
 * start_cases.c: starting, and what is told of it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "../tree.h"
#include "harness.h"

static void start_exit(void) {
  struct client *c = fresh();
  struct sv_started s = run_shell(c, "a", "echo out; echo err >&2; exit 3");
  struct sv_exited e = client_exited(c, "a");
  CHECK(WIFEXITED(e.status) && WEXITSTATUS(e.status) == 3 && e.left_count == 0);
  CHECK(e.out_bytes == 4 && e.err_bytes == 4 && e.usage.maxrss_bytes > 0 && e.usage.minflt > 0 && e.wall_ms >= s.wall_ms);
  client_over(c, SV_EMPTY, "a");
  CHECK(strcmp(content(out), "out\n") == 0);
  CHECK(strcmp(content(err), "err\n") == 0);
  CHECK(client_state(c, "a", NULL) == SV_ATTEMPT_ENDED);
  acknowledged(c, "a");
  CHECK(client_state(c, "a", NULL) == 0);
  client_refused(c, client_id(c, SV_ACK, "a"), SV_ERR_NO_ATTEMPT);
  client_close(c);
}

static void started_identity(void) {
  struct client *c = fresh();
  accepted(c, &(struct task){.id = "a", .argv = sleep_argv});
  struct sv_started s = client_started(c, "a");
  struct sv_proc p;
  CHECK(sv_proc_read(s.pid, &p) && p.start_ticks == s.start_ticks && p.ppid == s.monitor && p.session == s.pid && p.pgrp == s.pid);
  client_close(c);
}

static void child_environment(void) {
  struct client *c = fresh();
  char *argv[] = {(char *)"/bin/sh", (char *)"-c",
                  (char *)"ulimit -n; ulimit -f; umask; pwd; grep -c '^SigBlk:.0*$' /proc/self/status; grep -c '^SigIgn:.0*$' /proc/self/status; "
                          "cat /proc/self/oom_score_adj; nice; grep NoNewPrivs /proc/self/status; ls /proc/self/fd | wc -l",
                  NULL};
  accepted(c, &(struct task){.id = "a", .argv = argv, .out = out, .err = err, .cwd = "/usr",
                             .flags = SV_START_NICE | SV_START_OOM | SV_START_NO_NEW_PRIVS, .rlimit_resource = RLIMIT_FSIZE, .rlimit_soft = 1 << 20});
  client_over(c, SV_EMPTY, "a");
  CHECK(strcmp(content(out), "1024\n2048\n0022\n/usr\n1\n1\n321\n7\nNoNewPrivs:\t1\n4\n") == 0);
  client_close(c);
}

static void start_as_user(void) {
  if (geteuid() != 0) skip("only root can");
  struct client *c = fresh();
  char *argv[] = {(char *)"/bin/sh", (char *)"-c", (char *)"id -u; id -g; id -G; grep CapEff /proc/self/status", NULL};
  accepted(c, &(struct task){.id = "a", .argv = argv, .out = out, .err = err, .flags = SV_START_SETUSER, .uid = 65534, .gid = 65533});
  client_over(c, SV_EMPTY, "a");
  CHECK(strcmp(content(out), "65534\n65533\n65533\nCapEff:\t0000000000000000\n") == 0);
  client_close(c);
}

static void not_started_steps(void) {
  static char *const missing[] = {(char *)"/nowhere/a", NULL}, *const plain[] = {(char *)"/etc/passwd", NULL};
  const struct {
    struct task task;
    const char *step;
    int error;
  } cases[] = {
      {{.id = "a", .argv = missing}, "execve", ENOENT},
      {{.id = "b", .argv = plain}, "execve", EACCES},
      {{.id = "c", .argv = true_argv, .cwd = "/nowhere"}, "chdir", ENOENT},
      {{.id = "d", .argv = true_argv, .out = "/nowhere/o"}, "stdout", ENOENT},
      {{.id = "e", .argv = true_argv, .err = "/usr"}, "stderr", EISDIR},
  };
  struct client *c = fresh();
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    accepted(c, &cases[i].task);
    client_not_started(c, cases[i].task.id, cases[i].step, cases[i].error);
    client_refused(c, client_signal(c, cases[i].task.id, SIGTERM, SV_SCOPE_LEADER), SV_ERR_OVER);
    CHECK(client_state(c, cases[i].task.id, NULL) == SV_ATTEMPT_NOT_STARTED);
    acknowledged(c, cases[i].task.id);
  }
  client_close(c);
}

static void start_twice(void) {
  struct client *c = fresh();
  accepted(c, &(struct task){.id = "a", .argv = true_argv});
  client_refused(c, client_start(c, &(struct task){.id = "a", .argv = true_argv}), SV_ERR_EXISTS);
  client_over(c, SV_EMPTY, "a");
  client_refused(c, client_start(c, &(struct task){.id = "a", .argv = true_argv}), SV_ERR_EXISTS);
  c = kill_and_restart(c);
  client_refused(c, client_start(c, &(struct task){.id = "a", .argv = true_argv}), SV_ERR_EXISTS);
  acknowledged(c, "a");
  accepted(c, &(struct task){.id = "a", .argv = true_argv});
  client_close(c);
}

static void start_invalid(void) {
  struct client *c = fresh();
  const struct task cases[] = {
      {.id = "A", .argv = true_argv}, {.id = "../a", .argv = true_argv}, {.id = "", .argv = true_argv},
      {.id = "a", .argv = true_argv, .cwd = "usr"}, {.id = "a", .argv = true_argv, .out = ""},
      {.id = "a", .argv = true_argv, .flags = 1u << 9}, {.id = "a", .argv = true_argv, .rlimit_resource = 99, .rlimit_soft = 1},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) client_refused(c, client_start(c, &cases[i]), SV_ERR_INVALID);
  client_refused(c, client_signal(c, "a", SIGTERM, SV_SCOPE_LEADER), SV_ERR_NO_ATTEMPT);
  client_close(c);
}

/* Forks twice into sessions of its own, ignores SIGTERM and outlives its leader. */
/* A resumed monitor is not the new server's child: its death is seen by pidfd. */
#define INSTANT 1000
static void instant_exits(void) {
  struct client *c = fresh();
  struct client *other = client_open(state);
  char ids[INSTANT][16];
  char *argv[] = {(char *)"/bin/sh", (char *)"-c", NULL, NULL};
  char script[32];
  for (int i = 0; i < INSTANT; i++) {
    (void)snprintf(ids[i], sizeof ids[i], "t%d", i);
    (void)snprintf(script, sizeof script, "exit %d", i % 251);
    argv[2] = script;
    accepted(c, &(struct task){.id = ids[i], .argv = argv});
  }
  for (int i = 0; i < INSTANT; i++) client_over(other, SV_EMPTY, ids[i]);
  uint8_t requests[2 * SV_FRAME_HEADER]; /* a list longer than is sent ahead, and a request behind it in the same packet */
  struct sv_writer w = sv_writer_of(requests, sizeof requests);
  sv_frame_end(&w, sv_frame_begin(&w, SV_LIST, 70));
  sv_frame_end(&w, sv_frame_begin(&w, SV_USAGE, 71));
  CHECK(send(other->fd, requests, w.len, 0) == (ssize_t)w.len);
  for (int i = 0; i < INSTANT; i++) client_answer_is(other, 70, SV_STATUS);
  client_answer_is(other, 70, SV_LIST_END);
  client_answer_is(other, 71, SV_USAGE_OK);
  for (int i = 0; i < INSTANT; i++) {
    (void)client_started(c, ids[i]); /* each in turn: started comes before exited, which comes before empty */
    CHECK(WEXITSTATUS(client_exited(c, ids[i]).status) == i % 251);
    client_over(c, SV_EMPTY, ids[i]);
    acknowledged(c, ids[i]);
  }
  client_answer_is(c, client_send(c, SV_SHUTDOWN, NULL, 0), SV_OK);
  client_close(other);
  client_close(c);
}

/* One frame in pieces of every size, and many frames in one piece. */
/* A client that asks and does not read is cut off; another does not notice. */

const struct test_case start_cases[] = {
    {"start() tells exit code, usage and sizes, and acknowledging forgets it", start_exit},
    {"start() names the process by pid and start time", started_identity},
    {"start() sets cwd, umask, limits, nice, oom_score_adj, no_new_privs, signals, descriptors", child_environment},
    {"start() as another user drops groups and capabilities", start_as_user},
    {"start() that fails says the step and errno", not_started_steps},
    {"start() of an id that is there is refused, over a restart too", start_twice},
    {"start() with values out of range is refused", start_invalid},
    {"start() of 1,000 instant exits tells 1,000 codes in order", instant_exits},
    {NULL, NULL},
};
