/*
 * host.h: what the server was started with and every monitor and task is given, and the two clocks.
 */
#ifndef DROVER_SUPERVISOR_HOST_H
#define DROVER_SUPERVISOR_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

#include "record.h"

#define SV_NOFILE_DEFAULT 1024 /* the most that a task's soft NOFILE is when its start does not say */
#define SV_SOCKET "supervisor.sock"
#define SV_PAGE 4096u /* where they are larger, a buffer may not begin with one, and is kept */

struct sv_host {
  char boot[SV_BOOT_ID_MAX + 1];
  struct rlimit nofile;  /* of a task */
  int oom_score_adj;     /* of a task */
  int own_oom_score_adj; /* of server and monitors: −1000 where that is allowed */
  uint64_t server_start; /* clock ticks since boot */
};

struct sv_upgraded;

/*
 * Reads the above and then takes what a supervisor wants for itself. After an upgrade that was taken already, and what a task is
 * given comes from the binary before; else it is NULL. False: without /proc nothing here can work; errno.
 */
bool sv_host_init(struct sv_host *host, const struct sv_upgraded *upgraded);

int64_t sv_wall_ms(void);
uint64_t sv_boottime_ns(void);

/*
 * The start time of a process that was forked between the two moments, as /proc/<pid>/stat would say it, without opening
 * /proc when both lie in the same clock tick, which is nearly always. 0 when it cannot be known: the process is gone.
 */
uint64_t sv_start_ticks(pid_t pid, uint64_t before_ns, uint64_t after_ns);

/* Gives the whole pages of a buffer back to the kernel; what was in them is gone. */
void sv_give_back(void *buffer, size_t bytes);

/* One line on stderr, which is the log: bounded in all, since nobody rotates it. */
void sv_log(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
