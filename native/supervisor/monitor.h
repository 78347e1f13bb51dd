/*
 * monitor.h: the process that stands between the server and one task, from its start to its end, and the next one then.
 *
 * What it and its server say to each other, on a socketpair or after SV_RESUME on a connection, are frames of protocol.h:
 *   monitor → server  SV_STARTED, SV_NOT_STARTED, SV_EXITED, SV_EMPTY without the id, tag 0; after a resume, all that were
 *                     said before are said again: states only advance, so a repeated one changes nothing
 *                     SV_SIGNALED, SV_SAMPLED with the tag of the request
 *   server → monitor  SV_SIGNAL  i32 signal · u8 scope, tag chosen by the server
 *                     SV_SAMPLE  (empty)
 */
#ifndef DROVER_SUPERVISOR_MONITOR_H
#define DROVER_SUPERVISOR_MONITOR_H

#include "cgroup.h"
#include "host.h"
#include "message.h"

/*
 * give_back is called once the task has run for a moment: start is not looked at any more, and it and what only a server needs would
 * be a third of what a monitor keeps. After an attempt that left nothing it waits for another (order.h), decoded into start. pair is the monitor's end, record the attempt's, forked_ns the boot time before the fork. Closes every
 * other descriptor above stderr. Needs the server's signal mask, in which all that it handles is blocked.
 */
_Noreturn void sv_monitor_run(struct sv_start *start, void (*give_back)(void), const struct sv_host *host, struct sv_slot slot,
                              int pair, int record, uint64_t forked_ns);

#endif
