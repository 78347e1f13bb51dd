/*
 * cgroup.h: a cgroup for each attempt, by which all of it is found and killed, and its limits are held.
 *
 *   <our own cgroup>/drover-<device>-<inode of the state directory>/<number>
 *
 * in cgroup v2 wherever it can be written, limits or not; in a v1 hierarchy only for a limit that is asked for and that v2
 * cannot hold. The path is in the attempt's record before it is made, so that no crash leaves one that nobody knows.
 *
 * Making and removing a cgroup costs a quarter of a launch. So one that held no limits is used again once it is empty: the
 * server keeps which numbers are free (cgroup_slots.c), a few of them made, and removes all when every attempt is over.
 *
 * A controller is enabled with the first limit that needs it: a launch without limits pays for none, and only what holds a
 * memory limit counts memory. Where our own cgroup has to hand controllers down, no process may be in it ("no internal
 * processes"), so the server moves to a leaf of its own, _server, before it forks anything. @see https://docs.kernel.org/admin-guide/cgroup-v2.html
 */
#ifndef DROVER_SUPERVISOR_CGROUP_H
#define DROVER_SUPERVISOR_CGROUP_H

#include "hierarchy.h"
#include "message.h"
#include "tree.h"

struct sv_claim;
struct sv_refusal;

/* Which number, and what is known of its directory. */
struct sv_slot {
  int number;      /* −1: none is free, and the attempt has no cgroup */
  bool made;       /* by an earlier attempt */
  uint64_t cpu_us; /* that earlier attempts used in it */
};

/* The directories of one attempt. */
struct sv_cgroup {
  char path[SV_HIERARCHIES][SV_CGROUP_PATH_MAX]; /* "" where it has none */
  struct sv_slot slot;
  uint8_t limits;                   /* a bit for each that is asked for */
  int fd[SV_HIERARCHIES];           /* −1 where it is not open */
  int usage, events;                /* files of the one of v2, for who has several attempts in it; −1 where not open */
  const char *step[SV_HIERARCHIES]; /* of a limit that it holds, as SV_NOT_STARTED names it; NULL for none */
};

/* ---- of the server ---- */

/* Once, in the state directory: where they can be. None is no error: a limit is then. */
void sv_cgroups_find(void);

/* Once, before anything is forked: has our own cgroup hand controllers down. */
void sv_cgroups_open(void);

/* Once all records were read: removes those of this server that none of them names. */
void sv_cgroups_recovered(void);

/* Removes what no attempt is in, and the server's directories if that was all; they are made again when needed. */
void sv_cgroups_close(void);

/* The same once the last attempt is over; at the end of a round, in which another may have begun. */
void sv_cgroups_trim(void);

struct sv_slot sv_slot_take(void);
void sv_slot_take_again(int number); /* as a record says */

/* It was found with something in it, and no record says of which attempt that is. */
bool sv_slot_is_nobodys(int number);

void sv_slot_count(int number, uint64_t cpu_us); /* used by an attempt after which it stays taken */

/* Its attempt is over. Reusable: its monitor left it empty, and it held no limits; else it is removed if it can be. */
void sv_slot_give_back(int number, bool reusable, uint64_t cpu_us);

/* ---- of an attempt ---- */

/* Which directories it is to have: decided, not made. */
void sv_cgroup_plan(struct sv_cgroup *g, const struct sv_start *start, struct sv_slot slot);

/* The same ones again, which are open and were left empty, after so much was used in them. */
void sv_cgroup_plan_again(struct sv_cgroup *g, uint64_t cpu_us);
void sv_cgroup_put_claim(const struct sv_cgroup *g, struct sv_claim *claim);
void sv_cgroup_of_claim(struct sv_cgroup *g, const struct sv_claim *claim); /* its number is −1 where it is not one of ours */

/* Makes them and sets the limits. False: one that was asked for cannot be set; nothing is left then. */
bool sv_cgroup_make(struct sv_cgroup *g, const struct sv_start *start, struct sv_refusal *refusal);

/* For the child: writes itself into one that is open. 0 or errno. */
int sv_cgroup_join(const struct sv_cgroup *g, enum sv_hierarchy h);
void sv_cgroup_close(struct sv_cgroup *g);

/* Adds its living processes, of cgroups below it too, to the count that are in procs already. The new count. */
size_t sv_cgroup_procs(const struct sv_cgroup *g, struct sv_proc *procs, size_t count, size_t max);

/* SIGKILL to all of it in one step. False where the kernel cannot (before 5.14, or v1). */
bool sv_cgroup_kill(const struct sv_cgroup *g);

/* What it counted until now. */
struct sv_group sv_cgroup_counts(const struct sv_cgroup *g);

uint64_t sv_cgroup_memory(const struct sv_cgroup *g); /* bytes now; 0 where it has none that counts */

/* Leaves it as it was found: with limits it is removed, without it is there for the next. False while something is in it. */
bool sv_cgroup_leave(const struct sv_cgroup *g);

/* All of its directories. False while something is in one. Twice is allowed. */
bool sv_cgroup_remove(const struct sv_cgroup *g);

/* Of which number of this server a process is, by its cgroup; −1 of none. */
int sv_cgroup_of_process(pid_t pid);

#endif
