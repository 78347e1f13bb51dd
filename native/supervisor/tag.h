/*
 * tag.h: the two variables in a task's environment by which its orphans are found: which attempt, which the agent sets, and of
 * which supervisor, which is added here, since another on the same machine may have an attempt of the same id.
 */
#ifndef DROVER_SUPERVISOR_TAG_H
#define DROVER_SUPERVISOR_TAG_H

#include "message.h"

/* Adds ours to its environment, in place of one that is there. */
void sv_tag_start(struct sv_start *start);

/* The id of which attempt of this server a process was started for, by its environment. False: of none. */
bool sv_tag_read(pid_t pid, char id[SV_ID_MAX + 1]);

#endif
