/*
 * spawn.h: a child as posix_spawn makes it, which begins its life in a given cgroup.
 *
 * glibc's clone() cannot put a child into a cgroup, and clone3(2), which can, has no wrapper. Moving it afterwards costs a
 * migration, which stops all forking on the machine for a moment.
 */
#ifndef DROVER_SUPERVISOR_SPAWN_H
#define DROVER_SUPERVISOR_SPAWN_H

#include <stddef.h>
#include <sys/types.h>

/*
 * A child that runs main(argument) on its own stack in our memory (CLONE_VM | CLONE_VFORK): it must not change what we need,
 * and we go on once it called execve or ended. cgroup is a descriptor of a v2 directory, −1 for ours. -1 with errno; ENOSYS
 * where there is no such call: before Linux 5.7, on another processor, or behind a filter. Then without cgroup it still works.
 */
pid_t sv_spawn(int (*main)(void *), void *argument, void *stack, size_t stack_bytes, int cgroup);

#endif
