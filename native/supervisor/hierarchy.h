/*
 * hierarchy.h: where on this machine cgroups are: the directory of our own cgroup in each hierarchy that is of use.
 *
 * Four kinds of machines are told apart by nothing but what is mounted: v2 alone, v2 beside v1 controllers (hybrid), v1 alone,
 * and none. Reads what it is given and touches no cgroup.
 */
#ifndef DROVER_SUPERVISOR_HIERARCHY_H
#define DROVER_SUPERVISOR_HIERARCHY_H

#include <stdio.h>

#define SV_CGROUP_PATH_MAX 768 /* bytes with the NUL; a cgroup that lies deeper is not used */

enum sv_hierarchy { SV_UNIFIED, SV_V1_CPU, SV_V1_MEMORY, SV_V1_PIDS, SV_HIERARCHIES };

struct sv_hierarchies {
  char own[SV_HIERARCHIES][SV_CGROUP_PATH_MAX]; /* "" where it is not mounted, or our cgroup is not below the mount */
};

/* From /proc/self/mountinfo and /proc/self/cgroup: proc_pid_mountinfo(5), cgroups(7). */
void sv_hierarchies_read(FILE *mountinfo, FILE *self, struct sv_hierarchies *found);

#endif
