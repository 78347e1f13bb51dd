/*
 * cgroup_file.h: what the three files of cgroup.h share: the small files of a cgroup by name, and the server's directories.
 */
#ifndef DROVER_SUPERVISOR_CGROUP_FILE_H
#define DROVER_SUPERVISOR_CGROUP_FILE_H

#include <stdbool.h>
#include <stdint.h>

#define SV_CGROUP_TEXT_MAX 64   /* a value that is written */
#define SV_CGROUP_READ_MAX 4096 /* what is read of a file; the longest is memory.events or cpu.stat with some hundred bytes */
#define SV_CGROUPS_NAME_MAX 48
#define SV_CGROUP_USAGE "cpu.stat" /* of v2 itself: no controller is needed */
#define SV_CGROUP_EVENTS "cgroup.events"
#define SV_LIMIT_MEMORY 1 /* its bit in limits */

extern char sv_cgroups_name[SV_CGROUPS_NAME_MAX]; /* of this server's directories */

/* 0 or errno. */
int sv_cgroup_write(const char *directory, const char *file, const char *text);
bool sv_cgroup_read(const char *directory, const char *file, char text[SV_CGROUP_READ_MAX]);

/* Whether a list like "cpu memory pids" has the word. */
bool sv_cgroup_has_word(const char *list, const char *word);

/* The server's directory in each hierarchy that can be used. */
void sv_cgroups_each(void (*visit)(const char *directory));
bool sv_cgroups_remove(int number); /* in all of them; false while something is in one */

/* It and all below, bottom up; 0 or errno, EBUSY while a process is in it. One that is not there is removed. */
int sv_cgroup_remove_tree(const char *directory);

#endif
