/*
 * signal_cases.c: signals to leader, group and tree.
 */
#include <stdio.h>

#include "harness.h"

static void signal_leader(void) {
  struct client *c = fresh();
  accepted(c, &(struct task){.id = "a", .argv = sleep_argv});
  signaled(c, "a", SIGTERM, SV_SCOPE_LEADER, 1);
  struct sv_exited e = client_exited(c, "a");
  CHECK(WIFSIGNALED(e.status) && WTERMSIG(e.status) == SIGTERM);
  client_over(c, SV_EMPTY, "a");
  client_close(c);
}

static void signal_group(void) {
  struct client *c = fresh();
  char fifo[80], script[256];
  int ready = fifo_open(fifo);
  (void)snprintf(script, sizeof script, "sleep 1000 & sleep 1000 & echo r >%s; wait", fifo);
  (void)run_shell(c, "a", script);
  fifo_await(ready);
  signaled(c, "a", SIGTERM, SV_SCOPE_GROUP, 3);
  CHECK(WTERMSIG(client_exited(c, "a").status) == SIGTERM);
  client_over(c, SV_EMPTY, "a");
  client_close(c);
}

static const char daemonizing[] = "trap '' TERM; (setsid sh -c 'trap \"\" TERM; setsid sleep 1000 & echo r >%s; exec sleep 1000' &) ; exit 5";

static void leftovers_tree(void) {
  struct client *c = fresh();
  char fifo[80], script[256];
  int ready = fifo_open(fifo);
  (void)snprintf(script, sizeof script, daemonizing, fifo);
  (void)run_shell(c, "a", script);
  struct sv_exited e = client_exited(c, "a");
  CHECK(WEXITSTATUS(e.status) == 5 && e.left_count >= 1 && e.left[0].pid > 0 && e.left[0].command[0] != '\0');
  fifo_await(ready);
  CHECK(client_state(c, "a", &e) == SV_ATTEMPT_EXITED);
  client_refused(c, client_id(c, SV_ACK, "a"), SV_ERR_BUSY);
  signaled(c, "a", SIGKILL, SV_SCOPE_GROUP, 0);
  signaled(c, "a", SIGKILL, SV_SCOPE_TREE, 2);
  client_over(c, SV_EMPTY, "a");
  CHECK(client_state(c, "a", &e) == SV_ATTEMPT_ENDED && WEXITSTATUS(e.status) == 5);
  acknowledged(c, "a");
  client_close(c);
}

static void tree_of_forkers(void) {
  struct client *c = fresh();
  char fifo[80], script[256];
  int ready = fifo_open(fifo);
  (void)snprintf(script, sizeof script, "f() { while :; do (setsid sleep 1 &); done; }; f & f & echo r >%s; wait", fifo);
  (void)run_shell(c, "a", script);
  fifo_await(ready);
  signaled(c, "a", SIGKILL, SV_SCOPE_TREE, 3);
  client_over(c, SV_EMPTY, "a"); /* only comes when nothing is left */
  client_close(c);
}

const struct test_case signal_cases[] = {
    {"signal() reaches the leader", signal_leader},
    {"signal() reaches the group", signal_group},
    {"signal() reaches what double-forked and left the session", leftovers_tree},
    {"signal() reaches all of a tree that keeps forking", tree_of_forkers},
    {NULL, NULL},
};
