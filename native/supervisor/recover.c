/*
 * recover.c: what a new server makes of the records that it finds, and what any server makes of a dead monitor.
 *
 *   record says      monitor alive           monitor dead                      another boot
 *   nothing          NOT_STARTED(monitor), for the first entry decides        (the same)
 *   claimed          awaited                 its processes killed, then        LOST("reboot")
 *                                            LOST("start interrupted")
 *   started          awaited                 its processes awaited, then       LOST("reboot")
 *                                            EXITED where the kernel knows,
 *                                            LOST("monitor lost") else
 *   exited           awaited                 its processes awaited, EMPTY      EMPTY
 *   over             as it is
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
#include "server.h"
#include "tree.h"
#include "usage.h"

/* Applies what the record says. False when it is corrupt; errno 0, or why it cannot be read. bytes has SV_RECORD_MAX. */
bool sv_recover_read(struct sv_attempt *a, struct sv_claim *claim, bool *claimed, uint8_t *bytes) {
  *claimed = false;
  ssize_t len = sv_record_read(a->id, bytes, SV_RECORD_MAX);
  if (len < 0) return errno == ENOENT; /* a server died between directory and record */
  struct sv_reader r = sv_reader_of(bytes, (size_t)len), body;
  uint8_t type;
  enum sv_record_result result;
  while ((result = sv_record_next(&r, &type, &body)) == SV_RECORD_ENTRY) {
    if (type == SV_RECORD_CLAIMED) {
      if (*claimed || !sv_get_claim(&body, claim)) break;
      *claimed = true;
    } else if (type == SV_RELEASE) {
      sv_attempt_release(a);
    } else if (!sv_attempt_apply(a, type, body.at, (size_t)(body.end - body.at))) {
      break;
    }
  }
  errno = 0;
  return result == SV_RECORD_END;
}

/* Written first and read again then: a monitor that was slow may have claimed it in between. */
static void conclude_never_forked(struct sv_attempt *a, uint8_t *bytes) {
  uint8_t small[64];
  struct sv_writer body = sv_writer_of(small, sizeof small);
  sv_put_not_started(&body, "monitor", ESRCH);
  if (!sv_record_add(a->id, SV_NOT_STARTED, &body)) sv_log("record of %s not written: %s", a->id, strerror(errno));
  struct sv_claim claim;
  bool claimed;
  if (!sv_recover_read(a, &claim, &claimed, bytes)) sv_attempt_conclude_lost(a, "record corrupt: not readable");
}

static void conclude_corrupt(struct sv_attempt *a, int error) {
  char reason[96];
  (void)snprintf(reason, sizeof reason, "record corrupt: %s", error != 0 ? strerror(error) : "an entry does not match its checksum");
  sv_log("%s: %s", a->id, reason);
  sv_attempt_conclude_lost(a, reason);
}

static void conclude_without_monitor(struct sv_attempt *a, bool claimed, bool alone, uint8_t *bytes) {
  if (sv_attempt_over(a)) return;
  if (a->state == SV_ATTEMPT_STARTING && !claimed) conclude_never_forked(a, bytes);
  else sv_orphan_watch(a, alone);
}

void sv_monitor_lost(struct sv_attempt *a, bool alone) {
  static uint8_t bytes[SV_RECORD_MAX];
  struct sv_claim claim;
  bool claimed;
  bool read = sv_recover_read(a, &claim, &claimed, bytes);
  if (sv_attempt_over(a)) return;
  sv_log("the monitor of %s is dead before its task's end", a->id);
  if (!read && a->state == SV_ATTEMPT_STARTING) conclude_corrupt(a, errno);
  else conclude_without_monitor(a, claimed, alone, bytes);
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

/* One of another place is not ours to give to others. */
static void take_cgroup(struct sv_attempt *a, const struct sv_claim *claim) {
  static struct sv_cgroup cgroup;
  sv_cgroup_of_claim(&cgroup, claim);
  a->slot = cgroup.slot.number;
  sv_slot_take_again(a->slot);
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
  bool read = sv_recover_read(a, &claim, &claimed, bytes);
  int error = errno;
  if (sv_attempt_over(a)) return;
  if (claimed) take_cgroup(a, &claim);
  if (claimed && strcmp(claim.boot, sv_host.boot) != 0) conclude_reboot(a);
  else if (claimed && watch_monitor(a, &claim)) return;
  else if (!read && a->state != SV_ATTEMPT_EXITED) conclude_corrupt(a, error); /* once it exited, the code is known */
}

/* Once all monitors are known: what is our child and none of them was left by one. */
static void conclude_the_rest(bool upgraded) {
  static uint8_t bytes[SV_RECORD_MAX];
  struct sv_claim claim;
  for (struct sv_attempt *a = sv_attempt_after(0); a != NULL; a = a->next) {
    if (sv_attempt_over(a) || a->monitor > 0) continue;
    a->own_monitor = upgraded; /* reaped by the binary before us */
    const bool claimed = sv_record_claim(a->id, &claim, bytes);
    conclude_without_monitor(a, claimed, false, bytes);
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
