/*
 * requests.c: what an agent may ask, one function a request, and what a monitor says of its attempt. Those that a monitor
 * answers are in asks.c.
 */
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "monitor.h"
#include "order.h"
#include "server.h"
#include "upgrade.h"
#include "usage.h"

#define ANSWER_MAX 4096u

static uint8_t answer_bytes[ANSWER_MAX];

/* Every answer is one frame, composed in the same place. */
struct sv_writer sv_answer_begin(uint8_t type, uint32_t tag) {
  struct sv_writer w = sv_writer_of(answer_bytes, sizeof answer_bytes);
  (void)sv_frame_begin(&w, type, tag);
  return w;
}

void sv_answer_end(struct sv_conn *conn, struct sv_writer *w) {
  sv_frame_end(w, 0);
  if (conn != NULL) sv_conn_send(conn, w);
}

bool sv_ok(struct sv_conn *conn, uint32_t tag) {
  struct sv_writer w = sv_answer_begin(SV_OK, tag);
  sv_answer_end(conn, &w);
  return true;
}

bool sv_refuse(struct sv_conn *conn, uint32_t tag, enum sv_error error, int number, const char *text) {
  struct sv_writer w = sv_answer_begin(SV_ERROR, tag);
  sv_put_u32(&w, error);
  sv_put_i32(&w, number);
  sv_put_str(&w, text);
  sv_answer_end(conn, &w);
  return true;
}

static bool hello(struct sv_conn *conn, struct sv_frame *f) {
  uint32_t version = sv_get_u32(&f->body);
  if (!sv_reader_done(&f->body)) return false;
  if (version != SV_PROTOCOL_VERSION) return sv_refuse(conn, f->tag, SV_ERR_VERSION, 0, "only version 2 is spoken here");
  if (conn->kind == SV_CONN_UNKNOWN && sv_conns_count(SV_CONN_AGENT) >= SV_CLIENTS_MAX) {
    return sv_refuse(conn, f->tag, SV_ERR_BUSY, 0, "32 agents are connected");
  }
  sv_conn_become(conn, SV_CONN_AGENT);
  struct sv_writer w = sv_answer_begin(SV_HELLO_OK, f->tag);
  sv_put_u32(&w, SV_PROTOCOL_VERSION);
  sv_put_i32(&w, getpid());
  sv_put_str(&w, sv_host.boot);
  sv_put_u64(&w, sv_host.server_start);
  sv_put_str(&w, SV_VERSION);
  sv_answer_end(conn, &w);
  return true;
}

static _Alignas(SV_PAGE) struct sv_start request; /* its arrays of pointers are too large for the stack */
static _Alignas(SV_PAGE) uint8_t order_bytes[SV_ORDER_MAX];

/* Of a monitor, once its task runs. */
static void give_back(void) {
  sv_give_back(&request, sizeof request);
  sv_give_back(order_bytes, sizeof order_bytes);
  sv_input_give_back();
  sv_attempts_give_back();
}

/* The child runs the monitor and does not return. */
static const char *fork_monitor(struct sv_attempt *a, struct sv_start *start, int record) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0) return "no socket pair for the monitor";
  struct sv_conn *conn = sv_conn_open(pair[0], SV_CONN_MONITOR);
  if (conn == NULL) {
    int error = errno;
    (void)close(pair[0]);
    (void)close(pair[1]);
    errno = error;
    return "the monitor's socket cannot be watched";
  }
  conn->forked = true;
  conn->attempt = a;
  a->conn = conn;
  const struct sv_slot slot = sv_slot_take();
  a->slot = slot.number;
  uint64_t before = sv_boottime_ns();
  pid_t pid = fork();
  if (pid == 0) sv_monitor_run(start, give_back, &sv_host, slot, pair[1], record, before);
  int error = errno;
  (void)close(pair[1]);
  errno = error;
  if (pid < 0) return "the monitor cannot be forked";
  sv_attempt_set_monitor(a, pid, 0, true); /* its start time is only asked of one that resumes: then the record has it */
  return NULL;
}

/* Before it is decoded, which changes it. */
static struct sv_writer order_of(const struct sv_frame *f) {
  struct sv_writer w = sv_writer_of(order_bytes, sizeof order_bytes);
  const size_t start = sv_frame_begin(&w, SV_START, 0);
  sv_put_bytes(&w, f->body.at, (size_t)(f->body.end - f->body.at));
  sv_frame_end(&w, start);
  return w;
}

static bool start(struct sv_conn *conn, struct sv_frame *f) {
  const struct sv_writer order = order_of(f);
  const char *invalid = sv_decode_start(&f->body, &request);
  if (f->body.bad) return false;
  if (invalid != NULL) return sv_refuse(conn, f->tag, SV_ERR_INVALID, 0, invalid);
  if (sv_attempt_find(request.id) != NULL) return sv_refuse(conn, f->tag, SV_ERR_EXISTS, 0, "that id was started already");
  struct sv_attempt *a = sv_attempt_add(request.id, false);
  if (a == NULL) return sv_refuse(conn, f->tag, SV_ERR_BUSY, 0, "16384 attempts are running or not acknowledged");
  int record = sv_record_create(request.id);
  if (record < 0) {
    int error = errno;
    sv_attempt_remove(a);
    if (error == EEXIST) return sv_refuse(conn, f->tag, SV_ERR_EXISTS, error, "the directory of that id is here already");
    return sv_refuse(conn, f->tag, SV_ERR_SYSTEM, error, "the attempt's record cannot be made");
  }
  a->plain = sv_start_is_plain(&request);
  a->reusable = !sv_start_has_limits(&request);
  const char *failed = sv_monitor_give(a, &order, record) ? NULL : fork_monitor(a, &request, record);
  int error = errno;
  (void)close(record);
  if (failed == NULL) return sv_ok(conn, f->tag);
  (void)sv_record_remove(a->id); /* nothing was forked: the id is free again */
  sv_attempt_remove(a);
  return sv_refuse(conn, f->tag, SV_ERR_SYSTEM, error, failed);
}

void sv_list_go_on(struct sv_conn *conn) {
  struct sv_attempt *a;
  while (!conn->closed && conn->out_len - conn->out_sent < SV_LIST_AHEAD_MAX) {
    a = sv_attempt_after(conn->listed);
    if (a == NULL) {
      struct sv_writer w = sv_answer_begin(SV_LIST_END, conn->list_tag);
      sv_put_u32(&w, conn->list_count);
      sv_answer_end(conn, &w);
      conn->listing = false;
      return;
    }
    conn->listed = a->sequence;
    if (a->released) continue;
    struct sv_writer w = sv_writer_of(answer_bytes, sizeof answer_bytes);
    sv_attempt_put_status(&w, a, conn->list_tag);
    sv_conn_send(conn, &w);
    conn->list_count++;
  }
}

static bool list(struct sv_conn *conn, struct sv_frame *f) {
  if (!sv_reader_done(&f->body)) return false;
  conn->listing = true;
  conn->listed = 0;
  conn->list_count = 0;
  conn->list_tag = f->tag;
  sv_list_go_on(conn);
  return true;
}

static bool acknowledge(struct sv_conn *conn, struct sv_frame *f) {
  const char *id = sv_get_str(&f->body, SV_FRAME_MAX);
  if (!sv_reader_done(&f->body)) return false;
  struct sv_attempt *a = sv_attempt_find(id);
  if (a == NULL) return sv_refuse(conn, f->tag, SV_ERR_NO_ATTEMPT, 0, "that id is not here");
  if (!sv_attempt_over(a)) return sv_refuse(conn, f->tag, SV_ERR_BUSY, 0, "the attempt is not over");
  if (!sv_record_remove(a->id)) return sv_refuse(conn, f->tag, SV_ERR_SYSTEM, errno, "the attempt's record cannot be removed");
  sv_attempt_remove(a);
  return sv_ok(conn, f->tag);
}

/* Written before it is answered: it holds over restarts. */
static bool release(struct sv_conn *conn, struct sv_frame *f) {
  const char *id = sv_get_str(&f->body, SV_FRAME_MAX);
  if (!sv_reader_done(&f->body)) return false;
  struct sv_attempt *a = sv_attempt_find(id);
  if (a == NULL) return sv_refuse(conn, f->tag, SV_ERR_NO_ATTEMPT, 0, "that id is not here");
  if (a->state < SV_ATTEMPT_EXITED) return sv_refuse(conn, f->tag, SV_ERR_BUSY, 0, "its leader has not exited");
  if (!a->released && !sv_record_add(a->id, SV_RELEASE, NULL)) {
    return sv_refuse(conn, f->tag, SV_ERR_SYSTEM, errno, "the attempt's record cannot be written");
  }
  sv_attempt_release(a);
  return sv_ok(conn, f->tag);
}

static bool usage(struct sv_conn *conn, struct sv_frame *f) {
  if (!sv_reader_done(&f->body)) return false;
  const struct sv_usage total = sv_usage_total();
  struct sv_writer w = sv_answer_begin(SV_USAGE_OK, f->tag);
  sv_put_usage(&w, &total);
  sv_answer_end(conn, &w);
  return true;
}

static bool shut_down(struct sv_conn *conn, struct sv_frame *f) {
  if (!sv_reader_done(&f->body)) return false;
  if (sv_attempts_count() > 0) return sv_refuse(conn, f->tag, SV_ERR_BUSY, 0, "attempts are not over, or were not acknowledged");
  sv_server_stop();
  return sv_ok(conn, f->tag);
}

/* A monitor is known by pid, start time and the id that it was given; all three are in its record, or the record is damaged. */
static bool resume(struct sv_conn *conn, struct sv_frame *f) {
  const char *id = sv_get_str(&f->body, SV_FRAME_MAX);
  uint64_t started = sv_get_u64(&f->body);
  if (!sv_reader_done(&f->body)) return false;
  struct sv_attempt *a = sv_attempt_find(id);
  if (a == NULL || a->conn != NULL) return false;
  if (a->monitor != conn->peer && !sv_recover_resumed(a, conn->peer, started)) return false;
  if (!a->own_monitor && a->monitor_start != started) return false;
  sv_conn_become(conn, SV_CONN_MONITOR);
  conn->attempt = a;
  a->conn = conn;
  sv_asks_resume(a);
  return true;
}

static const struct {
  bool (*handle)(struct sv_conn *, struct sv_frame *);
  bool first; /* may be said by who has not said hello */
} requests[] = {
    [SV_HELLO] = {hello, true}, [SV_START] = {start, false},   [SV_SIGNAL] = {sv_ask_signal, false},
    [SV_LIST] = {list, false},  [SV_ACK] = {acknowledge, false}, [SV_USAGE] = {usage, false},
    [SV_SHUTDOWN] = {shut_down, false}, [SV_RESUME] = {resume, true}, [SV_RELEASE] = {release, false},
    [SV_SAMPLE] = {sv_ask_sample, false}, [SV_PUNCH] = {sv_punch, false},  [SV_UPGRADE] = {sv_upgrade, true},
};

bool sv_request(struct sv_conn *conn, struct sv_frame *frame) {
  if (frame->type >= sizeof requests / sizeof requests[0] || requests[frame->type].handle == NULL) return false;
  if (conn->kind == SV_CONN_UNKNOWN && !requests[frame->type].first) return false;
  if (conn->kind == SV_CONN_AGENT && frame->type == SV_RESUME) return false;
  return requests[frame->type].handle(conn, frame);
}

bool sv_monitor_said(struct sv_conn *conn, struct sv_frame *frame) {
  struct sv_attempt *a = conn->attempt;
  if (a == NULL) return false;
  if (frame->type == SV_SIGNALED || frame->type == SV_SAMPLED) return sv_ask_answered(a, frame);
  if (frame->type != SV_STARTED && frame->type != SV_NOT_STARTED && frame->type != SV_EXITED && frame->type != SV_EMPTY) return false;
  if (!sv_attempt_apply(a, frame->type, frame->body.at, (size_t)(frame->body.end - frame->body.at))) return false;
  return !sv_attempt_over(a) || conn->attempt == NULL; /* it has nothing more to say: closing now saves a round for its end of file */
}
