/*
 * monitors.c: the server's monitors that have no attempt: those that may get another one, and those that end.
 *
 *   attempt over ─┬─ spare ──start──► of that attempt
 *                 │    └── nothing to do for a second ──┐
 *                 └─ let go: its connection is closed ◄─┘ ─► reaped
 *
 * Forking a monitor, and its end, cost as much as the task that it is for, where that is short. One whose attempt left nothing
 * behind is as good as new: it keeps its cgroup, which is empty, and takes the next start from its connection (order.h). Not so
 * after limits, pipes or a terminal, nor where the cgroup was killed, which is then not used again.
 *
 * What its attempts have used was told with the end of each, and comes once more with its own end: it is kept until then.
 */
#include <stdlib.h>
#include <string.h>

#include "cgroup.h"
#include "order.h"
#include "server.h"
#include "upgrade.h"
#include "usage.h"

#define SPARE_MAX 64 /* as many as an agent starts at once */
#define SPARE_MS 1000

struct free_monitor {
  struct free_monitor *next;
  pid_t pid;
  struct sv_conn *conn; /* NULL once it was let go */
  int slot;
  int64_t since_ms;
  struct sv_usage told;
};

static struct free_monitor *first; /* the latest: who was not needed for long is behind */
static unsigned spare_count;

static int64_t now_ms(void) { return (int64_t)(sv_boottime_ns() / 1000000u); }

static bool may_have_another(const struct sv_attempt *a) {
  const bool clean = a->state == SV_ATTEMPT_ENDED && a->plain && a->reusable && a->slot >= 0;
  return clean && a->conn != NULL && a->conn->forked && spare_count < SPARE_MAX && !sv_upgrade_waiting();
}

void sv_monitor_free(struct sv_attempt *a) {
  if (!a->own_monitor || a->monitor <= 0) return;
  struct free_monitor *m = malloc(sizeof *m);
  if (m == NULL) return; /* it ends, as without us; its use is then counted twice */
  *m = (struct free_monitor){.next = first, .pid = a->monitor, .slot = -1, .told = a->told};
  first = m;
  if (may_have_another(a)) {
    m->conn = a->conn;
    m->slot = a->slot;
    m->since_ms = now_ms();
    sv_slot_count(a->slot, a->cgroup_cpu_us);
    a->conn->attempt = NULL;
    a->conn = NULL;
    a->slot = -1;
    spare_count++;
  }
  sv_attempt_set_monitor(a, 0, 0, false);
}

/* It left its cgroup empty. */
static void give_slot_back(struct free_monitor *m) {
  sv_slot_give_back(m->slot, true, 0);
  m->slot = -1;
  m->conn = NULL;
  spare_count--;
}

void sv_monitor_hung_up(const struct sv_conn *conn) {
  struct free_monitor *m = first;
  while (m != NULL && m->conn != conn) m = m->next;
  if (m != NULL) give_slot_back(m);
}

static void let_go(struct free_monitor *m) {
  if (m->conn != NULL) sv_conn_close(m->conn); /* which says that it hung up */
}

static void remove_at(struct free_monitor **at) {
  struct free_monitor *m = *at;
  *at = m->next;
  free(m);
}

bool sv_monitor_reaped(pid_t pid) {
  struct free_monitor **at = &first;
  while (*at != NULL && (*at)->pid != pid) at = &(*at)->next;
  if (*at == NULL) return false;
  let_go(*at);
  sv_usage_take_back(&(*at)->told);
  remove_at(at);
  return true;
}

bool sv_monitor_is_free(pid_t pid) {
  const struct free_monitor *m = first;
  while (m != NULL && m->pid != pid) m = m->next;
  return m != NULL;
}

bool sv_monitor_give(struct sv_attempt *a, const struct sv_writer *order, int record) {
  if (!a->plain || order->full) return false;
  struct free_monitor **at = &first;
  while (*at != NULL) {
    struct free_monitor *m = *at;
    if (m->conn != NULL && sv_order_send(m->conn->source.fd, order, record)) break;
    let_go(m);
    at = &m->next;
  }
  struct free_monitor *m = *at;
  if (m == NULL) return false;
  a->conn = m->conn;
  a->conn->attempt = a;
  a->slot = m->slot;
  a->told = m->told;
  sv_attempt_set_monitor(a, m->pid, 0, true);
  spare_count--;
  remove_at(at);
  return true;
}

unsigned sv_monitors_spare(void) { return spare_count; }
bool sv_monitors_free(void) { return first != NULL; }

void sv_monitors_let_go(void) {
  for (struct free_monitor *m = first; m != NULL; m = m->next) let_go(m);
}

void sv_monitors_expire(int64_t now) {
  for (struct free_monitor *m = first; m != NULL; m = m->next) {
    if (now - m->since_ms >= SPARE_MS) let_go(m);
  }
}
