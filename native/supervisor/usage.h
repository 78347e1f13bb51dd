/*
 * usage.h: getrusage(RUSAGE_CHILDREN) over all restarts of the server, in the mapped file <state>/usage.
 *
 * What an attempt has used is added when its end is told. A monitor that this server reaps brings that once more, with its own
 * use and that of all else that it reaped: then what was told is taken back. One that an earlier server forked is reaped by init.
 * So that an attempt whose record is still there is not added twice, the file marks those that were counted until they are
 * acknowledged.
 * Plain memory, no system call on the way of a launch: it survives the server's death, not a power loss.
 */
#ifndef DROVER_SUPERVISOR_USAGE_H
#define DROVER_SUPERVISOR_USAGE_H

#include "wire.h"

#define SV_ATTEMPTS_MAX 16384 /* in one state directory, running or not acknowledged */

void sv_usage_sum(struct sv_usage *sum, const struct sv_usage *usage);
void sv_usage_subtract(struct sv_usage *whole, const struct sv_usage *part); /* but for the peak, which is none */

/* False with errno. A file that is not ours or is damaged begins anew, and the log says so. */
bool sv_usage_open(void);

/* After each reap. */
void sv_usage_refresh(void);
void sv_usage_add(const struct sv_usage *usage);
void sv_usage_take_back(struct sv_usage *usage); /* and sets it to zero; it may come before what it is taken from */
struct sv_usage sv_usage_total(void);

/* The mark of an attempt: taken with its id, −1 when all are in use; a recovered attempt gets its own again. */
int sv_usage_take(void);
int sv_usage_take_again(const char *id, bool *counted);
void sv_usage_count(int mark, const char *id);
void sv_usage_give_back(int mark);

/* Once all attempts were recovered: marks of those that are gone are cleared. */
void sv_usage_recovered(void);

#endif
