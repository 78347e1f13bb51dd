/*
 * tree.h: what runs below a process, from /proc, and signals to it.
 *
 * Nothing is ever signalled by a bare pid that somebody else could have reaped: a pidfd is opened first, then the start time
 * is read again, then the signal goes to the pidfd.
 */
#ifndef DROVER_SUPERVISOR_TREE_H
#define DROVER_SUPERVISOR_TREE_H

#include <stdbool.h>
#include <sys/types.h>

#include "message.h"

#define SV_TREE_MAX 4096     /* processes in one walk; what is below them is found by the next one */

struct sv_proc {
  pid_t pid, ppid, pgrp, session;
  char state;
  bool alive; /* not a zombie, or one of whose threads some still run */
  uint64_t start_ticks;
  uint64_t user_ticks, system_ticks; /* its own and those of the children that it waited for */
  uint64_t rss_pages;
  uint32_t threads;
  char command[SV_COMMAND_MAX + 1];
};

/* False when there is no such process. */
bool sv_proc_read(pid_t pid, struct sv_proc *proc);

/* The living descendants of root, without root, into procs. */
size_t sv_tree_walk(pid_t root, struct sv_proc *procs, size_t max);

/* Adds what runs below root to a sample, and the CPU time of the zombies there, which nobody has waited for yet. */
void sv_tree_sample(pid_t root, struct sv_sampled *sample);
void sv_proc_sample(const struct sv_proc *proc, struct sv_sampled *sample);

/* Its living children only. */
size_t sv_tree_children(pid_t parent, struct sv_proc *procs, size_t max);

/* The living processes of a session, whoever their parents are: reads all of /proc. */
size_t sv_tree_session(pid_t session, struct sv_proc *procs, size_t max);

/* A place for a walk: one for the whole process, since nothing here walks twice at a time. */
struct sv_proc *sv_tree_scratch(void);

/* Whether it was reached; ESRCH counts as not. */
bool sv_proc_signal(const struct sv_proc *proc, int signal);

#endif
