/*
 * hydra.c: a task that does all it can not to be stopped, for the tests of stopping one.
 *
 *   hydra MARK FORKS SECONDS [leave]
 *
 * It ignores every signal that can be ignored, and forks on and on: plain children, double-forked ones, ones in sessions and groups
 * of their own, ones that exec with an empty environment; most end soon while their children go on, so that who is there
 * changes all the time, also while it is being killed. With "leave" the first process exits with 0 as soon as there are others.
 *
 * Bounded by itself, whoever fails to stop it: FORKS in all, one each 2 ms, and nothing lives longer than SECONDS. Every process of it
 * has MARK in its command line.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define FORK_EVERY_MS 2
#define LIFE_MS_MIN 50
#define LIFE_MS_MAX 400
#define PAUSE_MS 3

/* What all of it share, through exec too: a file of memory whose descriptor is passed on in the arguments. */
struct shared {
  _Atomic int forks_left;
  _Atomic int64_t forked_ms;
  int64_t end_ms;
};

static struct shared *shared;
static char **arguments;
static char descriptor[16];

static int64_t now_ms(void) {
  struct timespec t;
  (void)clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void pause_ms(long ms) {
  const struct timespec t = {ms / 1000, ms % 1000 * 1000000};
  (void)nanosleep(&t, NULL);
}

static void ignore_signals(void) {
  for (int signal = 1; signal < NSIG; signal++) {
    if (signal != SIGALRM) (void)sigaction(signal, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
  }
}

static _Bool may_fork(void) {
  int64_t last = atomic_load(&shared->forked_ms), now = now_ms();
  if (now - last < FORK_EVERY_MS || now >= shared->end_ms) return 0;
  if (!atomic_compare_exchange_strong(&shared->forked_ms, &last, now)) return 0;
  return atomic_fetch_sub(&shared->forks_left, 1) > 0;
}

static void be_elsewhere(unsigned way) {
  switch (way % 5) {
    case 0:
      break;
    case 2:
      (void)setsid();
      /* fall through */
    case 1:
      (void)atomic_fetch_sub(&shared->forks_left, 1);
      if (fork() != 0) _exit(0);
      break;
    case 3:
      (void)setpgid(0, 0);
      break;
    default:
      (void)setsid();
      (void)execve("/proc/self/exe", (char *[]){arguments[0], arguments[1], "-", descriptor, NULL}, (char *[]){NULL});
      _exit(1);
  }
}

/* A process of it, for as long as `life_ms`: forks, and never waits for what it forked. */
static void live(int64_t life_ms) {
  int64_t end_ms = now_ms() + life_ms;
  if (end_ms > shared->end_ms) end_ms = shared->end_ms;
  while (now_ms() < end_ms) {
    if (may_fork() && fork() == 0) {
      unsigned seed = (unsigned)getpid() * 2654435761u;
      be_elsewhere(seed >> 8);
      end_ms = now_ms() + LIFE_MS_MIN + seed % (LIFE_MS_MAX - LIFE_MS_MIN);
      if (end_ms > shared->end_ms) end_ms = shared->end_ms;
    }
    pause_ms(PAUSE_MS);
  }
}

static struct shared *share(int fd) {
  void *memory = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  return memory == MAP_FAILED ? NULL : memory;
}

int main(int argc, char **argv) {
  if (argc < 4) return 2;
  arguments = argv;
  ignore_signals();
  if (strcmp(argv[2], "-") == 0) {
    (void)snprintf(descriptor, sizeof descriptor, "%s", argv[3]);
    shared = share(atoi(argv[3]));
    if (shared == NULL) return 1;
    (void)alarm((unsigned)((shared->end_ms - now_ms()) / 1000 + 2)); /* whatever happens: nothing of it stays */
    live(LIFE_MS_MAX);
    return 0;
  }
  int fd = memfd_create("hydra", 0);
  if (fd < 0 || ftruncate(fd, sizeof *shared) != 0 || (shared = share(fd)) == NULL) return 1;
  (void)snprintf(descriptor, sizeof descriptor, "%d", fd);
  const int seconds = atoi(argv[3]);
  atomic_store(&shared->forks_left, atoi(argv[2]));
  shared->end_ms = now_ms() + (int64_t)seconds * 1000;
  (void)alarm((unsigned)seconds + 2);
  live(argc > 4 ? LIFE_MS_MAX : (int64_t)seconds * 1000);
  return 0;
}
