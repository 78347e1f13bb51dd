/*
 * kill_cases.c: SIGKILL to the whole task leaves nothing, and what it cannot end is named.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"

#define HEADS_MIN 7 /* its sleepers, of which there are eight; what moves while it is counted may be missed */

/* What SIGNALED lists; the state of pid, 0 when it is not listed. */
static uint32_t listed(struct client *c, const char *id, int signal, pid_t pid, char *found) {
  static struct sv_signaled s;
  struct frame *f = client_answer(c, client_signal(c, id, signal, SV_SCOPE_TREE));
  struct sv_reader r = sv_reader_of(f->body, f->len);
  CHECK(f->type == SV_SIGNALED && sv_get_signaled(&r, &s));
  free(f);
  *found = 0;
  for (uint32_t i = 0; i < s.count; i++) {
    if (s.procs[i].pid == pid) *found = s.procs[i].state;
  }
  return s.count;
}

static void kill_hydra(void) {
  char name[16], state_letter;
  struct client *c = fresh();
  struct sv_started s = run_hydra(c, "a", name);
  CHECK(listed(c, "a", 0, s.pid, &state_letter) > HEADS_MIN && state_letter != 0);
  signaled(c, "a", SIGTERM, SV_SCOPE_TREE, 8);
  CHECK(client_state(c, "a", NULL) == SV_ATTEMPT_RUNNING && count_named(name) > HEADS_MIN); /* it does not care */
  signaled(c, "a", SIGKILL, SV_SCOPE_TREE, 8);
  client_over(c, SV_EMPTY, "a");
  CHECK(count_named(name) == 0);
  client_close(c);
}

/* Without a cgroup it is descent that finds them. */
static void kill_hydra_as_nobody(void) {
  if (geteuid() != 0) skip("only root can become another user");
  become_nobody();
  kill_hydra();
}

/* The leader is gone, its heads are not. */
static void kill_leftovers(void) {
  char name[16];
  struct client *c = fresh();
  (void)run_hydra(c, "a", name);
  signaled(c, "a", SIGKILL, SV_SCOPE_LEADER, 1);
  CHECK(WTERMSIG(client_exited(c, "a").status) == SIGKILL && count_named(name) > HEADS_MIN);
  signaled(c, "a", SIGKILL, SV_SCOPE_TREE, 8);
  client_over(c, SV_EMPTY, "a");
  CHECK(count_named(name) == 0);
  client_close(c);
}

/* Stopped as a whole, although it goes on forking: then nothing of it runs. */
static void stop_hydra(void) {
  char name[16], letter;
  struct client *c = fresh();
  struct sv_started s = run_hydra(c, "a", name);
  signaled(c, "a", SIGSTOP, SV_SCOPE_TREE, 8);
  do CHECK(listed(c, "a", 0, s.pid, &letter) > HEADS_MIN);
  while (letter != 'T');
  const struct sv_sampled before = client_sample(c, "a"), after = client_sample(c, "a");
  CHECK(before.processes == after.processes && before.processes > HEADS_MIN);
  signaled(c, "a", SIGKILL, SV_SCOPE_TREE, 8);
  client_over(c, SV_EMPTY, "a");
  CHECK(count_named(name) == 0);
  client_close(c);
}

static int write_file(const char *path, const char *text) {
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  ssize_t n = write(fd, text, strlen(text));
  (void)close(fd);
  return n < 0 ? -1 : 0;
}

#define FREEZER "/sys/fs/cgroup/freezer"

/* Frozen by v1 it takes no signal, not even SIGKILL: as near to a dead disk as a test can come. */
static void survivors(void) {
  char directory[96], file[128], pid[16], letter;
  (void)snprintf(directory, sizeof directory, FREEZER "/drover-test-%d", (int)getpid());
  if (mkdir(directory, 0700) != 0) skip("the freezer of cgroup v1 cannot be written");
  struct client *c = fresh();
  accepted(c, &(struct task){.id = "a", .argv = sleep_argv});
  struct sv_started s = client_started(c, "a");
  (void)snprintf(file, sizeof file, "%s/cgroup.procs", directory);
  (void)snprintf(pid, sizeof pid, "%d", (int)s.pid);
  bool frozen = write_file(file, pid) == 0;
  (void)snprintf(file, sizeof file, "%s/freezer.state", directory);
  frozen = frozen && write_file(file, "FROZEN") == 0;
  while (frozen && listed(c, "a", 0, s.pid, &letter) == 1 && letter != 'D') continue;
  const uint32_t before = listed(c, "a", SIGKILL, s.pid, &letter);
  const uint32_t after = listed(c, "a", 0, s.pid, &letter); /* its answer came after that of the SIGKILL */
  const bool survived = client_state(c, "a", NULL) == SV_ATTEMPT_RUNNING;
  const bool thawed = write_file(file, "THAWED") == 0;
  if (thawed) client_over(c, SV_EMPTY, "a");
  CHECK(rmdir(directory) == 0);
  CHECK(frozen && thawed && before == 1 && after == 1 && letter == 'D' && survived);
  client_close(c);
}

static void start_after_kill(void) {
  struct client *c = fresh();
  for (int i = 0; i < 3; i++) {
    (void)run_shell(c, "a", "exec sleep 1000");
    signaled(c, "a", SIGKILL, SV_SCOPE_TREE, 1);
    CHECK(WTERMSIG(client_exited(c, "a").status) == SIGKILL);
    client_over(c, SV_EMPTY, "a");
    acknowledged(c, "a");
  }
  client_close(c);
}

const struct test_case kill_cases[] = {
    {"kill of all is not the end of what starts next", start_after_kill},
    {"kill of a task that forks, hides and ignores leaves nothing", kill_hydra},
    {"kill of such a task leaves nothing without a cgroup", kill_hydra_as_nobody},
    {"kill of what such a task left behind leaves nothing", kill_leftovers},
    {"stop of a task that goes on forking stops all of it", stop_hydra},
    {"kill of what cannot die yet names it, and its end is told", survivors},
    {NULL, NULL},
};
