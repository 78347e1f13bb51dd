/*
 * child.h: from fork to execve.
 */
#ifndef DROVER_SUPERVISOR_CHILD_H
#define DROVER_SUPERVISOR_CHILD_H

#include "cgroup.h"
#include "host.h"
#include "message.h"

/* The three descriptors of a task, each 3 or above, so that putting one in its place cannot overwrite another. */
struct sv_stdio {
  int in, out, err;
};

struct sv_refusal {
  const char *step; /* as SV_NOT_STARTED names it */
  int error;
};

/*
 * Forks and runs the task; returns once its execve took place. -1 when it did not, and refusal says at which step: then no
 * process is left. Signals must be blocked and none have a handler.
 */
pid_t sv_child_start(const struct sv_start *start, const struct sv_host *host, struct sv_stdio stdio, const struct sv_cgroup *cgroup,
                     struct sv_refusal *refusal);

/* What a start needs only. */
void sv_child_give_back(void);

#endif
