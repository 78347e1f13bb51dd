/*
 * kin.h: everything that an attempt ever forked: what descends from its monitor, which is its subreaper, and what is in its
 * cgroup. Either alone finds it all as long as nobody interferes; together they also find what somebody moved.
 */
#ifndef DROVER_SUPERVISOR_KIN_H
#define DROVER_SUPERVISOR_KIN_H

#include "cgroup.h"

#define SV_KIN_SIGNAL_MS 2000 /* how long a signal is repeated while new processes appear */

/* The living ones, without root, into procs. The cgroup may be NULL. */
size_t sv_kin_list(pid_t root, const struct sv_cgroup *cgroup, struct sv_proc *procs, size_t max);

/*
 * All of it. SIGKILL and SIGSTOP are repeated until two looks in a row find nobody that was not signalled: who was sent one
 * forks no more, so nobody is left out then. Other signals are sent once: a process that was forked to handle the signal is not
 * to get it. Returns how many were reached.
 */
uint32_t sv_kin_signal(pid_t root, const struct sv_cgroup *cgroup, int signal);

#endif
