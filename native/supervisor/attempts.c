/*
 * attempts.c: every attempt that this server knows, its state and what was told about it.
 *
 *   STARTING ─► RUNNING ─► EXITED ─► ENDED
 *      │  └────────┴─► LOST
 *      └─► NOT_STARTED
 *
 * It does no process work. News comes from a monitor, from a record or from the server itself, and is applied the same way.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cgroup.h"
#include "server.h"
#include "usage.h"

#define BUCKETS 1024u
#define BODY_MAX 2048u /* EXITED with all of its leftovers is the longest */

static struct sv_attempt *first, *last;
static _Alignas(SV_PAGE) struct sv_attempt *ids[BUCKETS], *monitors[BUCKETS];
static unsigned count;
static uint64_t next_sequence = 1;
static bool forgettable; /* some that were released are over */

static unsigned bucket_of_id(const char *id) { return sv_crc32(id, strlen(id)) % BUCKETS; }
static unsigned bucket_of_pid(pid_t pid) { return (unsigned)pid % BUCKETS; }

void sv_attempts_give_back(void) {
  sv_give_back(ids, sizeof ids);
  sv_give_back(monitors, sizeof monitors);
}

struct sv_attempt *sv_attempt_add(const char *id, bool recovered) {
  bool counted = false;
  if (count == SV_ATTEMPTS_MAX) return NULL;
  struct sv_attempt *a = calloc(1, sizeof *a);
  if (a == NULL) return NULL;
  a->mark = recovered ? sv_usage_take_again(id, &counted) : sv_usage_take();
  if (a->mark < 0) {
    free(a);
    return NULL;
  }
  a->counted = counted;
  a->monitor_gone.fd = -1;
  a->slot = -1;
  a->state = SV_ATTEMPT_STARTING;
  a->sequence = next_sequence++;
  memcpy(a->id, id, strlen(id) + 1);
  struct sv_attempt **bucket = &ids[bucket_of_id(id)];
  a->by_id = *bucket;
  *bucket = a;
  a->previous = last;
  *(last != NULL ? &last->next : &first) = a;
  last = a;
  count++;
  return a;
}

void sv_attempt_set_monitor(struct sv_attempt *a, pid_t monitor, uint64_t start, bool own) {
  struct sv_attempt **at = &monitors[bucket_of_pid(a->monitor)];
  while (a->monitor > 0 && *at != NULL && *at != a) at = &(*at)->by_monitor;
  if (a->monitor > 0 && *at == a) *at = a->by_monitor;
  a->monitor = monitor;
  a->monitor_start = start;
  a->own_monitor = own;
  if (monitor <= 0) return;
  a->by_monitor = monitors[bucket_of_pid(monitor)];
  monitors[bucket_of_pid(monitor)] = a;
}

void sv_attempt_remove(struct sv_attempt *a) {
  struct sv_attempt **at = &ids[bucket_of_id(a->id)];
  while (*at != a) at = &(*at)->by_id;
  *at = a->by_id;
  sv_attempt_set_monitor(a, 0, 0, false);
  *(a->previous != NULL ? &a->previous->next : &first) = a->next;
  *(a->next != NULL ? &a->next->previous : &last) = a->previous;
  count--;
  if (a->conn != NULL) sv_conn_close(a->conn);
  sv_unwatch(&a->monitor_gone);
  sv_orphans_forget(a);
  sv_usage_give_back(a->mark);
  free(a->exited);
  free(a->over);
  free(a->asks);
  sv_slot_give_back(a->slot, false, 0);
  sv_free_later(a);
}

struct sv_attempt *sv_attempt_find(const char *id) {
  struct sv_attempt *a = ids[bucket_of_id(id)];
  while (a != NULL && strcmp(a->id, id) != 0) a = a->by_id;
  return a;
}

struct sv_attempt *sv_attempt_of_monitor(pid_t monitor) {
  struct sv_attempt *a = monitors[bucket_of_pid(monitor)];
  while (a != NULL && a->monitor != monitor) a = a->by_monitor;
  return a;
}

struct sv_attempt *sv_attempt_of_leader(pid_t leader) {
  struct sv_attempt *a = first;
  while (a != NULL && !((a->orphaned || a->own_monitor) && a->state == SV_ATTEMPT_RUNNING && a->started.pid == leader)) a = a->next;
  return a;
}

struct sv_attempt *sv_attempt_after(uint64_t sequence) {
  struct sv_attempt *a = first;
  while (a != NULL && a->sequence <= sequence) a = a->next;
  return a;
}

unsigned sv_attempts_count(void) { return count; }
bool sv_attempt_over(const struct sv_attempt *a) { return a->state >= SV_ATTEMPT_ENDED; }

static const struct {
  uint8_t type;
  enum sv_attempt_state from, to;
} advances[] = {
    {SV_STARTED, SV_ATTEMPT_STARTING, SV_ATTEMPT_RUNNING},
    {SV_NOT_STARTED, SV_ATTEMPT_STARTING, SV_ATTEMPT_NOT_STARTED},
    {SV_LOST, SV_ATTEMPT_STARTING, SV_ATTEMPT_LOST},
    {SV_EXITED, SV_ATTEMPT_RUNNING, SV_ATTEMPT_EXITED},
    {SV_LOST, SV_ATTEMPT_RUNNING, SV_ATTEMPT_LOST},
    {SV_EMPTY, SV_ATTEMPT_EXITED, SV_ATTEMPT_ENDED},
};

static bool keep(uint8_t **kept, size_t *kept_len, const uint8_t *body, size_t len) {
  *kept = malloc(len);
  if (*kept == NULL) return false;
  memcpy(*kept, body, len);
  *kept_len = len;
  return true;
}

/* Decoding moves strings in place, so it works on a copy. */
static bool take_in(struct sv_attempt *a, uint8_t type, const uint8_t *body, size_t len) {
  uint8_t copy[BODY_MAX];
  static struct sv_exited exited;
  struct sv_empty empty;
  if (len > sizeof copy) return false;
  memcpy(copy, body, len);
  struct sv_reader r = sv_reader_of(copy, len);
  switch (type) {
    case SV_STARTED:
      a->was_started = sv_get_started(&r, &a->started);
      return a->was_started;
    case SV_EXITED:
      if (!sv_get_exited(&r, &exited) || !keep(&a->exited, &a->exited_len, body, len)) return false;
      if (a->own_monitor) sv_usage_sum(&a->told, &exited.usage);
      if (!a->counted) {
        a->counted = true;
        sv_usage_add(&exited.usage);
        sv_usage_count(a->mark, a->id);
      }
      return true;
    case SV_EMPTY:
      if (sv_get_empty(&r, &empty)) a->cgroup_cpu_us = empty.group.cpu_us;
      break;
    case SV_NOT_STARTED:
      (void)sv_get_str(&r, BODY_MAX);
      (void)sv_get_i32(&r);
      break;
    default:
      (void)sv_get_str(&r, BODY_MAX);
      (void)sv_get_i64(&r);
  }
  return sv_reader_done(&r) && keep(&a->over, &a->over_len, body, len);
}

/* Its monitor left its cgroup empty if it said so itself. */
static void end(struct sv_attempt *a) {
  const bool empty = a->reusable && a->conn != NULL && a->state != SV_ATTEMPT_LOST;
  sv_monitor_free(a);
  sv_slot_give_back(a->slot, empty, a->cgroup_cpu_us);
  a->slot = -1;
  sv_asks_send(a); /* nobody is left to answer them but us */
  if (a->released) forgettable = true;
}

bool sv_attempt_apply(struct sv_attempt *a, uint8_t type, const uint8_t *body, size_t len) {
  size_t i = 0;
  const size_t known = sizeof advances / sizeof advances[0];
  while (i < known && (advances[i].type != type || advances[i].from != a->state)) i++;
  if (i == known) return true;
  if (!take_in(a, type, body, len)) return false;
  a->state = advances[i].to;
  uint8_t bytes[SV_FRAME_HEADER + 4 + SV_ID_MAX + BODY_MAX];
  struct sv_writer w = sv_writer_of(bytes, sizeof bytes);
  size_t start = sv_frame_begin(&w, type, 0);
  sv_put_str(&w, a->id);
  sv_put_bytes(&w, body, len);
  sv_frame_end(&w, start);
  sv_conns_broadcast(&w);
  if (sv_attempt_over(a)) end(a);
  return true;
}

void sv_attempt_release(struct sv_attempt *a) {
  a->released = true;
  if (sv_attempt_over(a)) forgettable = true;
}

void sv_attempts_forget_released(void) {
  if (!forgettable) return;
  forgettable = false;
  for (struct sv_attempt *a = first, *after; a != NULL; a = after) {
    after = a->next;
    if (!a->released || !sv_attempt_over(a)) continue;
    if (!sv_record_remove(a->id)) sv_log("record of %s not removed: %s", a->id, strerror(errno)); /* the next server tries again */
    sv_attempt_remove(a);
  }
}

void sv_attempt_conclude(struct sv_attempt *a, uint8_t type, const struct sv_writer *body) {
  if (!sv_record_add(a->id, type, body)) sv_log("record of %s not written: %s", a->id, strerror(errno));
  if (!sv_attempt_apply(a, type, body->base, body->len)) sv_log("news of %s not kept", a->id);
}

void sv_attempt_conclude_lost(struct sv_attempt *a, const char *reason) {
  uint8_t bytes[128];
  struct sv_writer body = sv_writer_of(bytes, sizeof bytes);
  sv_put_lost(&body, reason, sv_wall_ms());
  sv_attempt_conclude(a, SV_LOST, &body);
}

void sv_attempt_put_status(struct sv_writer *w, const struct sv_attempt *a, uint32_t tag) {
  size_t start = sv_frame_begin(w, SV_STATUS, tag);
  sv_put_str(w, a->id);
  sv_put_u8(w, (uint8_t)a->state);
  if (a->state == SV_ATTEMPT_LOST) sv_put_u8(w, a->was_started);
  if (a->was_started) sv_put_started(w, &a->started);
  if (a->exited != NULL) sv_put_bytes(w, a->exited, a->exited_len);
  if (a->over != NULL) sv_put_bytes(w, a->over, a->over_len);
  sv_frame_end(w, start);
}
