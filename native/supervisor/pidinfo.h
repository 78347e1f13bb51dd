/*
 * pidinfo.h: how a process ended that is not our child, from a pidfd that was opened before it was reaped.
 */
#ifndef DROVER_SUPERVISOR_PIDINFO_H
#define DROVER_SUPERVISOR_PIDINFO_H

#include <stdbool.h>
#include <stdint.h>

enum sv_pidinfo {
  SV_PIDINFO_KNOWN,   /* status is as wait4 would have told it */
  SV_PIDINFO_NOT_YET, /* it was not reaped: ask again once the pidfd hangs up */
  SV_PIDINFO_UNKNOWN  /* and never will be: the kernel cannot tell (before Linux 6.15) */
};

enum sv_pidinfo sv_pidinfo_status(int pidfd, int32_t *status);

#endif
