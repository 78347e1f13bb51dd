/*
 * attach.h: the input of one task, its terminal, and its output where that goes through pipes: ATTACH of protocol.h, on the
 * side of its monitor.
 *
 * There is one in a monitor, since there is one task. Nothing here waits: the monitor's loop polls and serves.
 */
#ifndef DROVER_SUPERVISOR_ATTACH_H
#define DROVER_SUPERVISOR_ATTACH_H

#include <poll.h>

#include "child.h"
#include "protocol.h"

#define SV_ATTACH_FDS (4 + SV_ATTACH_CLIENTS_MAX)

/*
 * Where the start asks for a pipe or a terminal: makes it, listens, and puts it in its place in stdio, whose descriptors for it
 * are the caller's to close. Changes nothing for other starts.
 */
bool sv_attach_open(const struct sv_start *start, struct sv_stdio *stdio, struct sv_refusal *refusal);

/* What to poll: fills at most SV_ATTACH_FDS and says how many. */
size_t sv_attach_poll(struct pollfd *fds);

/* The longest that poll may wait, −1 for ever. */
int sv_attach_wait_ms(void);

/* Does what poll found; fds are those that were filled. */
void sv_attach_serve(const struct pollfd *fds, size_t count);

/*
 * Whatever the processes that have ended have written is in the files then, however fast others go on writing, and whether
 * the task is held up or not.
 */
void sv_attach_drain(void);

#endif
