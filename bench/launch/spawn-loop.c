/*
 * The limit that launches are measured against: a plain loop of posix_spawn and wait4, so many in flight, each child with two
 * files of its own for its output. Prints "launches seconds cpu-seconds", CPU being its own and its children's.
 *
 * usage: spawn-loop DIRECTORY COUNT IN-FLIGHT
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static void launch(const char *directory, int number)
{
  posix_spawn_file_actions_t actions;
  char out[PATH_MAX], err[PATH_MAX];
  char *argv[] = {"/bin/true", NULL};
  pid_t pid;

  snprintf(out, sizeof out, "%s/%d.out", directory, number);
  snprintf(err, sizeof err, "%s/%d.err", directory, number);
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, out, O_WRONLY | O_APPEND | O_CREAT, 0640);
  posix_spawn_file_actions_addopen(&actions, 2, err, O_WRONLY | O_APPEND | O_CREAT, 0640);
  if (posix_spawn(&pid, "/bin/true", &actions, NULL, argv, environ) != 0) {
    perror("posix_spawn");
    exit(1);
  }
  posix_spawn_file_actions_destroy(&actions);
}

static void reap(void)
{
  struct rusage usage;
  int status;

  if (wait4(-1, &status, 0, &usage) < 0 || status != 0) {
    perror("wait4");
    exit(1);
  }
}

static double cpu_seconds(int who)
{
  struct rusage usage;

  getrusage(who, &usage);
  return usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

int main(int argc, char **argv)
{
  struct timespec from, to;
  int count, in_flight, running = 0;

  if (argc != 4) {
    fprintf(stderr, "usage: spawn-loop DIRECTORY COUNT IN-FLIGHT\n");
    return 2;
  }
  count = atoi(argv[2]);
  in_flight = atoi(argv[3]);
  clock_gettime(CLOCK_MONOTONIC, &from);
  for (int i = 0; i < count; i++) {
    if (running == in_flight) {
      reap();
      running--;
    }
    launch(argv[1], i);
    running++;
  }
  for (; running > 0; running--) reap();
  clock_gettime(CLOCK_MONOTONIC, &to);
  printf("%d %.6f %.6f\n", count, to.tv_sec - from.tv_sec + (to.tv_nsec - from.tv_nsec) / 1e9,
         cpu_seconds(RUSAGE_SELF) + cpu_seconds(RUSAGE_CHILDREN));
  return 0;
}
