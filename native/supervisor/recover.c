/*
 * recover.c: what a new server makes of the records that it finds, and what any server makes of a dead monitor.
 *
 *   record says      monitor alive           monitor dead                      another boot
 *   nothing          awaited                 NOT_STARTED(monitor), for the first entry decides
 *   nonsense         awaited                 its processes killed, then        (the same)
 *                                            LOST("record corrupt")
 *   claimed          awaited                 its processes killed, then        LOST("reboot")
 *                                            LOST("start interrupted")
 *   started          awaited                 its processes awaited, then       LOST("reboot")
 *                                            EXITED where the kernel knows,
 *                                            LOST("monitor lost") else
 *   exited           awaited                 its processes awaited, EMPTY      EMPTY
 *   over             as it is
 *
 * A record that does not say who its monitor is may have lost its beginning. Then a monitor is given the time to say so itself:
 * it knows everything that the record did. One that does not come is dead, and what is found of its task is killed: a record
 * with nothing in it was never forked only if nothing is found.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup.h"
#include "link.h"
#include "server.h"
#include "tree.h"
#include "usage.h"

#define RESUME_MS (2 * SV_LINK_RETRY_MAX_MS) /* a monitor looks for a server more often than that */

static unsigned awaited; /* attempts whose monitor may still say that it is one */

static int64_t now_ms(void) { return (int64_t)(sv_boottime_ns() / 1000000u); }

/* Applies what the record says. What is wrong with it: 0, ENODATA for nothing in it, EBADMSG, or an errno. bytes has SV_RECORD_MAX. */
static int read_record(struct sv_attempt *a, struct sv_claim *claim, bool *claimed, uint8_t *bytes) {
  *claimed = false;
  ssize_t len = sv_record_read(a->id, bytes, SV_RECORD_MAX);
  if (len < 0) return errno;
  struct sv_reader r = sv_reader_of(bytes, (size_t)len), body;
  uint8_t type = SV_RECORD_BARRED;
  enum sv_record_result result;
  while ((result = sv_record_next(&r, &type, &body)) == SV_RECORD_ENTRY) {
    if (type == SV_RECORD_CLAIMED) {
      if (*claimed || !sv_get_claim(&body, claim)) break;
      *claimed = true;
      if (a->state == SV_ATTEMPT_STARTING) a->told = claim->told;
    } else if (type == SV_RELEASE) {
      sv_attempt_release(a);
    } else if (!sv_attempt_apply(a, type, body.at, (size_t)(body.end - body.at))) {
      break;
    }
  }
  if (result != SV_RECORD_END) return EBADMSG;
  return *claimed ? 0 : type == SV_RECORD_BARRED ? ENODATA : EBADMSG;
}

void sv_monitor_lost(struct sv_attempt *a, bool alone) {
  static uint8_t bytes[SV_RECORD_MAX];
  struct sv_claim claim;
  bool claimed;
  const int error = read_record(a, &claim, &claimed, bytes);
  if (sv_attempt_over(a)) return;
  if (a->state == SV_ATTEMPT_STARTING) a->record_error = error == ENOENT ? ENODATA : error;
  sv_log("the monitor of %s is dead before its task's end", a->id);
  sv_orphan_watch(a, alone);
}

static void on_monitor_gone(struct sv_source *source, uint32_t events) {
  (void)events;
  struct sv_attempt *a = (struct sv_attempt *)source;
  if (source->fd < 0) return;
  sv_unwatch(source);
  if (a->conn != NULL) sv_conn_drain(a->conn);
  sv_attempt_set_monitor(a, 0, 0, false);
  if (sv_attempt_over(a)) return;
  sv_monitor_lost(a, false);
}

/* After an upgrade: forked by the binary before us, ours to reap, and its use comes with that. A zombie too. */
static bool is_our_child(const struct sv_claim *claim) {
  struct sv_proc proc;
  return sv_proc_read(claim->monitor, &proc) && proc.start_ticks == claim->monitor_start && proc.ppid == getpid();
}

/* By pid and start time, with the pidfd opened before they are compared. */
static bool watch_monitor(struct sv_attempt *a, const struct sv_claim *claim) {
  struct sv_proc proc;
  if (a->own_monitor) {
    sv_attempt_set_monitor(a, claim->monitor, claim->monitor_start, true);
    return true;
  }
  int fd = pidfd_open(claim->monitor, 0);
  if (fd < 0) return false;
  a->monitor_gone = (struct sv_source){fd, on_monitor_gone};
  bool same = sv_proc_read(claim->monitor, &proc) && proc.alive && proc.start_ticks == claim->monitor_start;
  if (same && sv_watch(&a->monitor_gone, EPOLLIN)) {
    sv_attempt_set_monitor(a, claim->monitor, claim->monitor_start, false);
    return true;
  }
  (void)close(fd);
  a->monitor_gone.fd = -1;
  return false;
}

/* One of another place is not ours to give to others. */
static void take_cgroup(struct sv_attempt *a, const struct sv_claim *claim) {
  static struct sv_cgroup cgroup;
  sv_cgroup_of_claim(&cgroup, claim);
  a->slot = cgroup.slot.number;
  sv_slot_take_again(a->slot);
}

/* False: a monitor that was slow has claimed it in between. */
static bool conclude_never_forked(struct sv_attempt *a) {
  static uint8_t bytes[SV_RECORD_MAX];
  struct sv_claim claim;
  uint8_t small[64];
  if (!sv_record_add(a->id, SV_RECORD_BARRED, NULL)) sv_log("record of %s not written: %s", a->id, strerror(errno));
  if (sv_record_claim(a->id, &claim, bytes)) {
    a->record_error = 0;
    a->scan_wanted = true;
    take_cgroup(a, &claim);
    (void)watch_monitor(a, &claim);
    return false;
  }
  struct sv_writer body = sv_writer_of(small, sizeof small);
  sv_put_not_started(&body, "monitor", ESRCH);
  sv_attempt_conclude(a, SV_NOT_STARTED, &body);
  return true;
}

static void conclude_corrupt(struct sv_attempt *a) {
  static const char checksum[] = "an entry does not match its checksum", nothing[] = "nothing is in it";
  char reason[96];
  const char *what = a->record_error == EBADMSG ? checksum : a->record_error == ENODATA ? nothing : strerror(a->record_error);
  (void)snprintf(reason, sizeof reason, "record corrupt: %s", what);
  sv_log("%s: %s", a->id, reason);
  sv_attempt_conclude_lost(a, reason);
}

bool sv_recover_conclude(struct sv_attempt *a) {
  if (a->state == SV_ATTEMPT_STARTING && a->record_error == ENODATA && !a->found) return conclude_never_forked(a);
  if (a->record_error != 0) conclude_corrupt(a);
  else sv_attempt_conclude_lost(a, a->state == SV_ATTEMPT_STARTING ? "start interrupted" : "monitor lost");
  return true;
}

static void conclude_reboot(struct sv_attempt *a) {
  uint8_t bytes[64];
  struct sv_writer body = sv_writer_of(bytes, sizeof bytes);
  if (a->state == SV_ATTEMPT_EXITED) {
    sv_put_empty(&body, &(struct sv_empty){.wall_ms = sv_wall_ms()});
    sv_attempt_conclude(a, SV_EMPTY, &body);
  } else if (!sv_attempt_over(a)) {
    sv_attempt_conclude_lost(a, "reboot");
  }
}

static void read_one(const char *id, bool upgraded) {
  static uint8_t bytes[SV_RECORD_MAX];
  struct sv_claim claim;
  bool claimed;
  struct sv_attempt *a = sv_attempt_add(id, true);
  if (a == NULL) {
    sv_log("%s is not recovered: no memory, or too many attempts", id);
    return;
  }
  a->own_monitor = upgraded && sv_record_claim(id, &claim, bytes) && is_our_child(&claim);
  a->record_error = read_record(a, &claim, &claimed, bytes);
  if (sv_attempt_over(a)) return;
  if (a->record_error == ENOENT) { /* a server died between the directory and its record, as it made or removed them: no monitor */
    a->record_error = ENODATA;
    return;
  }
  if (!claimed) {
    a->resume_by_ms = now_ms() + RESUME_MS;
    awaited++;
    return;
  }
  take_cgroup(a, &claim);
  if (strcmp(claim.boot, sv_host.boot) != 0) conclude_reboot(a);
  else (void)watch_monitor(a, &claim);
}

/* Once all monitors are known: what is our child and none of them was left by one. */
static void conclude_the_rest(bool upgraded) {
  for (struct sv_attempt *a = sv_attempt_after(0); a != NULL; a = a->next) {
    if (sv_attempt_over(a) || a->monitor > 0) continue;
    a->own_monitor = upgraded; /* reaped by the binary before us */
    if (a->resume_by_ms == 0) sv_orphan_watch(a, false);
  }
}

bool sv_recover_resumed(struct sv_attempt *a, pid_t monitor, uint64_t start) {
  const struct sv_claim claim = {.monitor = monitor, .monitor_start = start};
  if (a->resume_by_ms == 0) return false;
  a->own_monitor = is_our_child(&claim);
  if (!watch_monitor(a, &claim)) return false;
  a->resume_by_ms = 0;
  awaited--;
  return true;
}

bool sv_recover_waiting(void) { return awaited > 0; }

void sv_recover_expire(int64_t now) {
  for (struct sv_attempt *a = sv_attempt_after(0); a != NULL && awaited > 0; a = a->next) {
    if (a->resume_by_ms == 0 || now < a->resume_by_ms) continue;
    a->resume_by_ms = 0;
    awaited--;
    sv_orphan_watch(a, false);
  }
}

bool sv_recover(bool upgraded) {
  DIR *all = opendir("attempts");
  if (all == NULL) return false;
  const struct dirent *entry;
  while ((entry = readdir(all)) != NULL) {
    if (sv_id_valid(entry->d_name)) read_one(entry->d_name, upgraded);
  }
  (void)closedir(all);
  conclude_the_rest(upgraded);
  sv_usage_recovered();
  return true;
}
