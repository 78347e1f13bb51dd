/*
 * pidinfo.c: see pidinfo.h.
 */
#include "pidinfo.h"

#include <sys/ioctl.h>

/* struct pidfd_info of Linux 6.13, with the exit code of 6.15, with which older headers do without. */
struct info {
  uint64_t mask, cgroup;
  uint32_t pid, tgid, ppid, ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
  int32_t exit_code;
};
#define INFO_EXIT (1ull << 3)
#define GET_INFO _IOWR(0xFF, 11, struct info)

enum sv_pidinfo sv_pidinfo_status(int pidfd, int32_t *status) {
  struct info info = {.mask = INFO_EXIT};
  if (ioctl(pidfd, GET_INFO, &info) != 0) return SV_PIDINFO_UNKNOWN;
  if ((info.mask & INFO_EXIT) == 0) return SV_PIDINFO_NOT_YET;
  *status = info.exit_code;
  return SV_PIDINFO_KNOWN;
}
