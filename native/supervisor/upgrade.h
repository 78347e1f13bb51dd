/*
 * upgrade.h: becomes another binary, in place: the same process, so that it keeps the state directory's lock, its children and
 * their usage. What a new server reads from the disk is read again; monitors find their way back as after any restart.
 *
 * What is nowhere on disk is handed over as an argument, --upgraded LOCK,CLIENT,TAG,NOFILE,OOM: the descriptors of the lock and of
 * who asked, the tag of its request, and what a task is given of what the first server was started with. A later version reads
 * what an earlier one wrote: the order stays, more may follow.
 */
#ifndef DROVER_SUPERVISOR_UPGRADE_H
#define DROVER_SUPERVISOR_UPGRADE_H

#include "server.h"

struct sv_upgraded {
  int lock, client; /* descriptors */
  unsigned tag;
  unsigned long long nofile; /* the soft limit of a task */
  int oom_score_adj;         /* of a task */
};

/* False for what is not of that form. */
bool sv_upgraded_parse(const char *text, struct sv_upgraded *u);

/* For the next: where the lock is, and the state directory as the command line named it. Once, when both are known. */
void sv_upgrade_prepare(int lock, const char *state);

/* The request: it is carried out at the end of a round in which no start is on its way. */
bool sv_upgrade(struct sv_conn *conn, struct sv_frame *f);
void sv_upgrade_try(int64_t now_ms);
bool sv_upgrade_waiting(void);

/* Answers who asked the binary before us. */
void sv_upgraded_answer(const struct sv_upgraded *u);

#endif
