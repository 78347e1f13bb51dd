/*
 * ask_cases.c: what is asked of an attempt besides signals: to release it, to sample it, to punch its output.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"

static bool has_directory(const char *id) {
  char path[160];
  (void)snprintf(path, sizeof path, "%s/attempts/%s", state, id);
  return access(path, F_OK) == 0;
}

/* The leader is gone, and a leftover waits for a line in the FIFO. */
static int leave_one(struct client *c, const char *id, pid_t *monitor) {
  char fifo[80], script[256];
  int go = fifo_open(fifo);
  (void)snprintf(script, sizeof script, "exec 3<%s; (read x <&3) & exit 5", fifo);
  *monitor = run_shell(c, id, script).monitor;
  struct sv_exited e = client_exited(c, id);
  CHECK(WEXITSTATUS(e.status) == 5 && e.left_count == 1);
  CHECK(unlink(fifo) == 0);
  return go;
}

static void released(void) {
  struct client *c = fresh();
  pid_t monitor;
  accepted(c, &(struct task){.id = "runs", .argv = sleep_argv});
  client_refused(c, client_id(c, SV_RELEASE, "runs"), SV_ERR_BUSY);
  client_refused(c, client_id(c, SV_RELEASE, "nobody"), SV_ERR_NO_ATTEMPT);
  int go = leave_one(c, "a", &monitor);
  CHECK(client_state(c, "a", NULL) == SV_ATTEMPT_EXITED);
  client_answer_is(c, client_id(c, SV_RELEASE, "a"), SV_OK);
  client_answer_is(c, client_id(c, SV_RELEASE, "a"), SV_OK);
  CHECK(client_state(c, "a", NULL) == 0 && has_directory("a")); /* nobody is to look after it, and it is not gone */
  CHECK(write(go, "\n", 1) == 1);
  client_over(c, SV_EMPTY, "a");
  CHECK(client_state(c, "a", NULL) == 0 && !has_directory("a"));
  accepted(c, &(struct task){.id = "a", .argv = true_argv}); /* the id is free again */
  client_over(c, SV_EMPTY, "a");
  client_answer_is(c, client_id(c, SV_RELEASE, "a"), SV_OK); /* of one that is over already: as good as acknowledged */
  CHECK(client_state(c, "a", NULL) == 0 && !has_directory("a"));
  client_close(c);
}

static void released_over_restart(void) {
  struct client *c = fresh();
  pid_t monitor;
  int go = leave_one(c, "a", &monitor);
  client_answer_is(c, client_id(c, SV_RELEASE, "a"), SV_OK);
  c = kill_and_restart(c);
  CHECK(client_state(c, "a", NULL) == 0 && has_directory("a"));
  CHECK(write(go, "\n", 1) == 1);
  client_over(c, SV_EMPTY, "a");
  CHECK(client_state(c, "a", NULL) == 0 && !has_directory("a"));

  int go_alone = leave_one(c, "b", &monitor); /* ends while there is no server */
  client_answer_is(c, client_id(c, SV_RELEASE, "b"), SV_OK);
  pid_t server = c->server;
  client_close(c);
  CHECK(kill(server, SIGKILL) == 0);
  await_end(server);
  CHECK(write(go_alone, "\n", 1) == 1);
  await_end(monitor);
  c = fresh();
  CHECK(client_state(c, "b", NULL) == 0 && !has_directory("b"));
  client_close(c);
}

static void released_then_orphaned(void) {
  struct client *c = fresh();
  pid_t monitor;
  int go = leave_one(c, "a", &monitor);
  client_answer_is(c, client_id(c, SV_RELEASE, "a"), SV_OK);
  CHECK(kill(monitor, SIGKILL) == 0);
  await_end(monitor);
  CHECK(write(go, "\n", 1) == 1);
  client_over(c, SV_EMPTY, "a");
  CHECK(client_state(c, "a", NULL) == 0 && !has_directory("a"));
  client_close(c);
}

static const char burning[] = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";

static uint64_t cpu_of_sample(const struct sv_sampled *s) { return s->user_us + s->system_us; }

static void sampled(void) {
  struct client *c = fresh();
  char fifo[80], script[512];
  int ready = fifo_open(fifo);
  /* A third of it by the leader, one by a child it waited for, one by a child that runs. */
  (void)snprintf(script, sizeof script, "%s; (%s); (%s; echo r >%s; exec sleep 1000) & wait", burning, burning, burning, fifo);
  (void)run_shell(c, "a", script);
  fifo_await(ready);
  struct sv_sampled s = client_sample(c, "a");
  CHECK(s.processes == 2 && s.threads == 2 && s.rss_bytes > 100000 && s.out_bytes == 0);
  signaled(c, "a", SIGTERM, SV_SCOPE_TREE, 2);
  struct sv_exited e = client_exited(c, "a");
  const uint64_t leader = e.usage.user_us + e.usage.system_us; /* what it did and what it waited for: two thirds */
  const uint64_t slack = 60000;                                /* /proc counts in ticks of 10 ms, rounded down */
  CHECK(leader > 50000 && cpu_of_sample(&s) + slack >= leader + leader / 4 && cpu_of_sample(&s) <= 4 * leader + slack);
  client_over(c, SV_EMPTY, "a");
  client_refused(c, client_id(c, SV_SAMPLE, "a"), SV_ERR_OVER);
  client_refused(c, client_id(c, SV_SAMPLE, "nobody"), SV_ERR_NO_ATTEMPT);
  client_close(c);
}

/* Every third is still counted when its process is a leftover, or gone, and when the monitor is dead. */
static void sampled_leftovers(void) {
  struct client *c = fresh();
  char fifo[80], script[512];
  int ready = fifo_open(fifo);
  (void)snprintf(script, sizeof script, "echo four; (%s; echo r >%s; exec sleep 1000) & %s; exit 0", burning, fifo, burning);
  struct sv_started started = run_shell(c, "a", script);
  struct sv_exited e = client_exited(c, "a");
  fifo_await(ready);
  struct sv_sampled s = client_sample(c, "a");
  const uint64_t leader = e.usage.user_us + e.usage.system_us;
  CHECK(s.processes == 1 && s.out_bytes == 5 && cpu_of_sample(&s) >= leader + leader / 4);
  CHECK(kill(started.monitor, SIGKILL) == 0);
  await_end(started.monitor);
  struct sv_sampled orphaned = client_sample(c, "a");
  CHECK(orphaned.processes == 1 && orphaned.out_bytes == 5);
  CHECK(cpu_of_sample(&orphaned) >= leader + leader / 4);
  client_close(c);
}

#define MIB (1u << 20)
static const char writing[] = "head -c 4194304 /dev/zero | tr '\\0' x; echo e >&2; sleep 1000";

static struct stat stat_of(const char *path) {
  struct stat s;
  CHECK(stat(path, &s) == 0);
  return s;
}

static void await_size(struct client *c, const char *id, uint64_t bytes) {
  while (client_sample(c, id).out_bytes < bytes) CHECK(sched_yield() == 0);
}

static void punched(void) {
  struct client *c = fresh();
  struct sv_started s = run_shell(c, "a", writing);
  await_size(c, "a", 4 * MIB);
  struct stat before = stat_of(out);
  client_answer_is(c, client_punch(c, "a", 1, 3 * MIB), SV_OK);
  struct stat after = stat_of(out);
  CHECK(after.st_size == before.st_size && after.st_blocks <= before.st_blocks - 2 * (int)MIB / 512);
  int fd = open(out, O_RDONLY | O_CLOEXEC);
  char bytes[2] = "??";
  CHECK(fd >= 0 && lseek(fd, 0, SEEK_DATA) == 3 * MIB && pread(fd, bytes, 2, 3 * MIB - 1) == 2 && bytes[0] == '\0' && bytes[1] == 'x');
  (void)close(fd);
  client_refused(c, client_punch(c, "a", 3, 1), SV_ERR_INVALID);
  client_refused(c, client_punch(c, "nobody", 1, 1), SV_ERR_NO_ATTEMPT);
  CHECK(kill(s.monitor, SIGKILL) == 0);
  await_end(s.monitor);
  client_answer_is(c, client_punch(c, "a", 1, 100 * MIB), SV_OK); /* no monitor; and an end that is not written yet */
  CHECK(stat_of(out).st_size == 4 * MIB);
  CHECK(unlink(out) == 0 && symlink("/etc/passwd", out) == 0);
  CHECK(client_refused(c, client_punch(c, "a", 1, MIB), SV_ERR_SYSTEM) == ELOOP);
  client_close(c);
}

/* ramfs knows no fallocate. */
static void punched_nowhere(void) {
  if (geteuid() != 0 || unshare(CLONE_NEWNS) != 0) skip("only root can");
  char place[100], path[120];
  (void)snprintf(place, sizeof place, "%s.long", state);
  (void)snprintf(path, sizeof path, "%s/out", place);
  CHECK(mkdir(place, 0700) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 && mount("none", place, "ramfs", 0, NULL) == 0);
  struct client *c = fresh();
  char *argv[] = {(char *)"/bin/sh", (char *)"-c", (char *)"echo output; exec sleep 1000", NULL};
  accepted(c, &(struct task){.id = "a", .argv = argv, .out = path});
  (void)client_started(c, "a");
  await_size(c, "a", 7);
  CHECK(client_refused(c, client_punch(c, "a", 1, 4), SV_ERR_SYSTEM) == EOPNOTSUPP);
  CHECK(strcmp(content(path), "output\n") == 0);
  client_close(c);
}

const struct test_case ask_cases[] = {
    {"release() lets leftovers stay and forgets the attempt when they are gone", released},
    {"release() holds over a restart, and for what ended while no server was there", released_over_restart},
    {"release() holds when the monitor was killed", released_then_orphaned},
    {"sample() counts what runs, what was waited for and what was reaped", sampled},
    {"sample() of leftovers, with and without a monitor", sampled_leftovers},
    {"punch() gives bytes back to the disk, with and without a monitor", punched},
    {"punch() says so where the file system cannot", punched_nowhere},
    {NULL, NULL},
};
