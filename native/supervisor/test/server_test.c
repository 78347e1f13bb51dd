/*
 * server_test.c: a real server in a directory of its own, one for each case.
 *
 *   server_test BINARY [NAME]
 *
 * Each case runs in a process of its own, which has no time to hang in: an alarm ends it. This process is the subreaper of all
 * of it, so that whatever a case leaves, failed or not, is found below it, killed and reaped. No case sleeps.
 */
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../kin.h"
#include "harness.h"

#define CASE_SECONDS 60

static int remove_entry(const char *path, const struct stat *s, int type, struct FTW *f) { return (void)s, (void)type, (void)f, remove(path); }

static void remove_all(const char *prefix) {
  const char *suffixes[] = {"", ".out", ".err", ".fifo", ".fifo.go", ".long"};
  char path[96];
  for (size_t i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
    (void)snprintf(path, sizeof path, "%s%s", prefix, suffixes[i]);
    (void)nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
  }
}

/* Of servers that were killed: what a new one of that directory does first. */
static void remove_cgroups(void) {
  if (chdir(state) != 0) return;
  sv_cgroups_find();
  sv_cgroups_recovered();
  CHECK(chdir("/") == 0);
}

static void show_log(void) {
  char path[96];
  (void)snprintf(path, sizeof path, "%s/supervisor.log", state);
  if (access(path, R_OK) == 0) (void)fputs(content(path), stderr);
}

static int run_case(const struct test_case *test) {
  int status = 0, found;
  pid_t pid = fork();
  if (pid == 0) {
    (void)alarm(CASE_SECONDS);
    test->run();
    _exit(0);
  }
  pid_t ended;
  while ((ended = waitpid(-1, &found, 0)) != pid) CHECK(ended > 0 || errno == EINTR); /* orphans of killed servers are ours */
  status = found;
  (void)sv_kin_signal(getpid(), NULL, SIGKILL);
  while (waitpid(-1, &found, 0) > 0 || errno == EINTR) (void)sv_kin_signal(getpid(), NULL, SIGKILL);
  bool skipped = WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED, ok = status == 0;
  (void)printf("%s %s%s%s\n", skipped ? "skip" : ok ? "ok  " : "FAIL", test->name, skipped ? ": " : "", skipped ? skip_reason : "");
  if (!ok && !skipped) show_log();
  return ok || skipped ? 0 : 1;
}

int main(int argc, char **argv) {
  int failures = 0;
  if (argc < 2 || argc > 3 || prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0) return 2;
  binary = realpath(argv[1], NULL);
  if (binary == NULL || chdir("/") != 0) return perror(argv[1]), 2;
  skip_reason = mmap(NULL, SKIP_REASON_MAX, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (skip_reason == MAP_FAILED) return perror("mmap"), 2;
  (void)setvbuf(stdout, NULL, _IONBF, 0);
  (void)umask(022);
  const struct test_case *const tables[] = {start_cases, signal_cases, recover_cases, conn_cases, ask_cases, attach_cases, terminal_cases,
                                            cgroup_cases, kill_cases, orphan_cases, upgrade_cases, monitor_cases};
  for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++) {
    for (const struct test_case *test = tables[t]; test->name != NULL; test++) {
      if (argc == 3 && strstr(test->name, argv[2]) == NULL) continue;
      (void)snprintf(state, sizeof state, "/tmp/drover-supervisor-%d-%zu-%zu", (int)getpid(), t, (size_t)(test - tables[t]));
      (void)snprintf(out, sizeof out, "%s.out", state);
      (void)snprintf(err, sizeof err, "%s.err", state);
      failures += run_case(test);
      remove_cgroups();
      remove_all(state);
    }
  }
  return failures > 0;
}
