/*
 * hydra.c: a task that does not want to end: it ignores SIGTERM, leaves its session, forks twice, clears its environment, and
 * goes on forking while it is killed.
 *
 *   hydra NAME FORKS READY   NAME is what its processes are called; FORKS how many there are in all; READY a FIFO for one line
 *
 * Bounded by itself, so that a failing test takes no machine down: FORKS are counted in memory that all share, no more than
 * LANES + SLEEPERS live at a time, and each ends by an alarm.
 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#define LANES 8 /* each a process that forks its successor and ends, all the time */
#define SLEEPERS 8
#define LIFE_SECONDS 30

static struct {
  _Atomic long left;  /* forks */
  _Atomic long heads; /* that are there */
} *shared;

static void pause_forever(void) {
  for (;;) (void)pause();
}

/* A successor in a session of its own; the one before it ends at once, so that its parent is gone too. */
static void run_lane(void) {
  const struct timespec hop = {.tv_nsec = 300000};
  while (atomic_fetch_sub(&shared->left, 1) > 0) {
    if (fork() != 0) _exit(0);
    (void)setsid();
    (void)alarm(LIFE_SECONDS);
    (void)nanosleep(&hop, NULL);
  }
  pause_forever();
}

static void spawn(void (*run)(void)) {
  if (fork() != 0) return;
  (void)setsid();
  if (fork() != 0) _exit(0);
  (void)setsid();
  (void)alarm(LIFE_SECONDS);
  (void)atomic_fetch_add(&shared->heads, 1);
  run();
}

int main(int argc, char **argv) {
  if (argc == 4) { /* again, with nothing in the environment */
    char *none[] = {NULL}, *with_mark[] = {argv[0], argv[1], argv[2], argv[3], argv[0], NULL};
    (void)execve("/proc/self/exe", with_mark, none);
    return 1;
  }
  if (argc != 5) return 2;
  shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return 1;
  atomic_store(&shared->left, strtol(argv[2], NULL, 10));
  (void)prctl(PR_SET_NAME, argv[1]);
  (void)signal(SIGTERM, SIG_IGN);
  (void)signal(SIGCHLD, SIG_IGN);
  (void)alarm(LIFE_SECONDS);
  for (int i = 0; i < SLEEPERS; i++) spawn(pause_forever);
  for (int i = 0; i < LANES; i++) spawn(run_lane);
  while (atomic_load(&shared->heads) < LANES + SLEEPERS) (void)sched_yield();
  int ready = open(argv[3], O_WRONLY);
  if (ready < 0 || write(ready, "r\n", 2) != 2) return 1;
  pause_forever();
}
