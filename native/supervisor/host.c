/*
 * host.c: see host.h.
 */
#include "host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "tree.h"
#include "upgrade.h"

#define NS_PER_TICK 10000000u /* USER_HZ is 100 wherever Linux 5.9 runs on x86-64 and arm64 */
#define CLOCK_SLACK_NS 1000u  /* the vDSO and the kernel round the same clock differently */
#define LOG_BYTES_MAX (1u << 20)

static ssize_t read_small(const char *path, char *text, size_t size) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return -1;
  ssize_t n = read(fd, text, size - 1);
  int error = errno;
  (void)close(fd);
  errno = error;
  text[n > 0 ? n : 0] = '\0';
  return n;
}

static int own_oom_score_adj(int otherwise) {
  char text[32];
  return read_small("/proc/self/oom_score_adj", text, sizeof text) > 0 ? atoi(text) : otherwise;
}

bool sv_host_init(struct sv_host *host, const struct sv_upgraded *upgraded) {
  struct sv_proc self;
  if (read_small("/proc/sys/kernel/random/boot_id", host->boot, sizeof host->boot) <= 0) return false;
  host->boot[strcspn(host->boot, "\n")] = '\0';
  if (!sv_proc_read(getpid(), &self)) return false;
  host->server_start = self.start_ticks;

  struct rlimit all;
  if (getrlimit(RLIMIT_NOFILE, &all) != 0) return false;
  host->nofile = all;
  if (host->nofile.rlim_cur > SV_NOFILE_DEFAULT) host->nofile.rlim_cur = SV_NOFILE_DEFAULT;
  if (upgraded != NULL) host->nofile.rlim_cur = upgraded->nofile;
  all.rlim_cur = all.rlim_max;
  (void)setrlimit(RLIMIT_NOFILE, &all); /* of use only: a socket for each running task */

  host->oom_score_adj = upgraded != NULL ? upgraded->oom_score_adj : own_oom_score_adj(0);
  int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (fd >= 0) {
    (void)!write(fd, "-1000", 5); /* refused to an ordinary user: then we are killed like anybody, and recover */
    (void)close(fd);
  }
  host->own_oom_score_adj = own_oom_score_adj(host->oom_score_adj);
  return true;
}

int64_t sv_wall_ms(void) {
  struct timespec t;
  (void)clock_gettime(CLOCK_REALTIME, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

uint64_t sv_boottime_ns(void) {
  struct timespec t;
  (void)clock_gettime(CLOCK_BOOTTIME, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t sv_start_ticks(pid_t pid, uint64_t before_ns, uint64_t after_ns) {
  uint64_t first = (before_ns - CLOCK_SLACK_NS) / NS_PER_TICK;
  struct sv_proc proc;
  if (first == (after_ns + CLOCK_SLACK_NS) / NS_PER_TICK) return first;
  return sv_proc_read(pid, &proc) ? proc.start_ticks : 0;
}

void sv_give_back(void *buffer, size_t bytes) {
  const uintptr_t begin = ((uintptr_t)buffer + SV_PAGE - 1) / SV_PAGE * SV_PAGE;
  const uintptr_t end = ((uintptr_t)buffer + bytes) / SV_PAGE * SV_PAGE;
  if (begin < end) (void)madvise((void *)begin, end - begin, MADV_DONTNEED); /* else it stays, which costs memory only */
}

void sv_log(const char *format, ...) {
  static size_t written;
  char line[512];
  va_list args;
  if (written > LOG_BYTES_MAX) return;
  int n = snprintf(line, sizeof line, "drover-supervisor[%d]: ", (int)getpid());
  va_start(args, format);
  int m = vsnprintf(line + n, sizeof line - (size_t)n - 1, format, args);
  va_end(args);
  if (m < 0) return;
  size_t len = strlen(line);
  line[len++] = '\n';
  written += len;
  (void)!write(STDERR_FILENO, line, len); /* nowhere left to say that the log cannot be written */
}
