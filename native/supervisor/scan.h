/*
 * scan.h: looks through /proc for what is left of attempts whose monitors are dead, in a child of its own: reading the
 * environment of a process whose memory is held up would hold up the server with it.
 *
 * A process is of an attempt when it is in its cgroup, carries its tag, is in its leader's session while that is certainly
 * still the same session, or was forked by one that is. What hid from all of that is not guessed at.
 */
#ifndef DROVER_SUPERVISOR_SCAN_H
#define DROVER_SUPERVISOR_SCAN_H

#include "server.h"

struct sv_found {
  uint64_t sequence; /* of its attempt */
  uint64_t start_ticks;
  pid_t pid;
};

/*
 * Begins one over all attempts that are orphaned at this moment, after a pause. found is called for each process, then done
 * once: whole says that nothing was left out. False when no child could be forked; then neither is called. One at a time.
 */
bool sv_scan_begin(int pause_ms, void (*found)(const struct sv_found *), void (*done)(bool whole));

bool sv_scan_running(void);
bool sv_scan_is(pid_t pid);
bool sv_scan_reaped(pid_t pid); /* false: it was not that child */
void sv_scan_expire(int64_t now_ms);

#endif
