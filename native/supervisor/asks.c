/*
 * asks.c: what is asked of a living attempt and answered by its monitor: signals and samples.
 *
 * Signals are not sent from here while a monitor lives: only it knows whether its leader was reaped. A request waits as
 * pending until the monitor answers, came back, or is known to be dead: then we answer ourselves.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "server.h"

#define MONITOR_FRAME_MAX 32u

static void answer_signaled(const struct sv_ask *ask, const struct sv_signaled *s) {
  struct sv_writer w = sv_answer_begin(SV_SIGNALED, ask->client_tag);
  sv_put_signaled(&w, s);
  sv_answer_end(sv_conn_find(ask->conn), &w);
}

static void answer_sampled(const struct sv_ask *ask, const struct sv_sampled *s) {
  struct sv_writer w = sv_answer_begin(SV_SAMPLED, ask->client_tag);
  sv_put_sampled(&w, s);
  sv_answer_end(sv_conn_find(ask->conn), &w);
}

static void answer_for_dead_monitor(struct sv_attempt *a, const struct sv_ask *ask) {
  if (ask->type == SV_SAMPLE) {
    const struct sv_sampled sampled = sv_orphans_sample(a);
    answer_sampled(ask, &sampled);
    return;
  }
  static struct sv_signaled signaled;
  sv_orphans_signal(a, ask->signal, ask->scope, &signaled);
  answer_signaled(ask, &signaled);
}

static void send_to_monitor(struct sv_conn *monitor, const struct sv_ask *ask) {
  uint8_t bytes[MONITOR_FRAME_MAX];
  struct sv_writer w = sv_writer_of(bytes, sizeof bytes);
  size_t start = sv_frame_begin(&w, ask->type, ask->tag);
  if (ask->type == SV_SIGNAL) {
    sv_put_i32(&w, ask->signal);
    sv_put_u8(&w, ask->scope);
  }
  sv_frame_end(&w, start);
  sv_conn_send(monitor, &w);
}

/*
 * Its cgroup is then not used again: Linux, up to 6.18 at least, takes a child that is born into a cgroup other than its parent's
 * for one that forked while that was killed, once it ever was, and kills it too.
 */
static bool is_kill_of_all(const struct sv_ask *ask) {
  return ask->type == SV_SIGNAL && ask->signal == SIGKILL && ask->scope == SV_SCOPE_TREE;
}

/* True when it was answered, or its client is gone. */
static bool try_ask(struct sv_attempt *a, struct sv_ask *ask) {
  struct sv_conn *client = sv_conn_find(ask->conn);
  if (client == NULL) return true;
  if (sv_attempt_over(a)) return sv_refuse(client, ask->client_tag, SV_ERR_OVER, 0, "the attempt is over");
  if (a->orphaned && !a->scanned) return false;
  if (a->orphaned) {
    answer_for_dead_monitor(a, ask);
    return true;
  }
  if (a->conn == NULL || ask->sent) return false;
  if (is_kill_of_all(ask)) a->reusable = false;
  send_to_monitor(a->conn, ask);
  ask->sent = true;
  return false;
}

void sv_asks_send(struct sv_attempt *a) {
  unsigned kept = 0;
  for (unsigned i = 0; i < a->ask_count; i++) {
    struct sv_ask ask = a->asks[i];
    if (!try_ask(a, &ask)) a->asks[kept++] = ask;
  }
  a->ask_count = kept;
}

void sv_asks_resume(struct sv_attempt *a) {
  for (unsigned i = 0; i < a->ask_count; i++) a->asks[i].sent = false;
  sv_asks_send(a);
}

/* What the request does not say is taken from ask. */
static bool put(struct sv_conn *conn, uint32_t client_tag, const char *id, struct sv_ask ask) {
  static uint32_t next_tag = 1;
  struct sv_attempt *a = sv_attempt_find(id);
  if (a == NULL) return sv_refuse(conn, client_tag, SV_ERR_NO_ATTEMPT, 0, "that id is not here");
  if (sv_attempt_over(a)) return sv_refuse(conn, client_tag, SV_ERR_OVER, 0, "the attempt is over");
  if (a->ask_count == SV_ASKS_MAX) return sv_refuse(conn, client_tag, SV_ERR_BUSY, 0, "64 requests about it are not answered yet");
  if (a->asks == NULL) a->asks = calloc(SV_ASKS_MAX, sizeof *a->asks);
  if (a->asks == NULL) return sv_refuse(conn, client_tag, SV_ERR_SYSTEM, ENOMEM, "no memory for a request");
  ask.conn = conn->serial;
  ask.client_tag = client_tag;
  ask.tag = next_tag++;
  a->asks[a->ask_count++] = ask;
  sv_asks_send(a);
  return true;
}

bool sv_ask_signal(struct sv_conn *conn, struct sv_frame *f) {
  const char *id = sv_get_str(&f->body, SV_FRAME_MAX);
  struct sv_ask ask = {.type = SV_SIGNAL};
  ask.signal = sv_get_i32(&f->body);
  ask.scope = sv_get_u8(&f->body);
  if (!sv_reader_done(&f->body)) return false;
  if (ask.signal < 0 || ask.signal > SIGRTMAX) return sv_refuse(conn, f->tag, SV_ERR_INVALID, 0, "there is no such signal");
  if (ask.scope < SV_SCOPE_LEADER || ask.scope > SV_SCOPE_TREE) return sv_refuse(conn, f->tag, SV_ERR_INVALID, 0, "there is no such scope");
  return put(conn, f->tag, id, ask);
}

bool sv_ask_sample(struct sv_conn *conn, struct sv_frame *f) {
  const char *id = sv_get_str(&f->body, SV_FRAME_MAX);
  if (!sv_reader_done(&f->body)) return false;
  return put(conn, f->tag, id, (struct sv_ask){.type = SV_SAMPLE});
}

bool sv_ask_answered(struct sv_attempt *a, struct sv_frame *frame) {
  static struct sv_signaled signaled;
  struct sv_sampled sampled;
  const bool signal = frame->type == SV_SIGNALED;
  if (!(signal ? sv_get_signaled(&frame->body, &signaled) : sv_get_sampled(&frame->body, &sampled))) return false;
  for (unsigned i = 0; i < a->ask_count; i++) {
    if (a->asks[i].tag != frame->tag) continue;
    if (signal) answer_signaled(&a->asks[i], &signaled);
    else answer_sampled(&a->asks[i], &sampled);
    memmove(&a->asks[i], &a->asks[i + 1], (a->ask_count - i - 1) * sizeof a->asks[0]);
    a->ask_count--;
    return true;
  }
  return true; /* its client is gone */
}
