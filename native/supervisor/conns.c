/*
 * conns.c: the connections of agents and monitors: bytes in, frames to their place, bytes out.
 *
 * Output is queued and written once a round of the loop. A connection that is idle holds no buffer; one that does not read
 * is closed when its queue meets its limit. What a frame means is not known here.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "protocol.h"
#include "server.h"

#define INPUT_MAX (SV_FRAME_MAX + 4u)
#define KEPT_MIN 4096u

/* Apart, because clients are few and looked at each round, and monitors are many and silent. */
static struct sv_conn *clients, *monitors;
static uint64_t next_serial = 1;

/* All connections read into the same place; a page of it costs memory only once a frame was that long. */
static _Alignas(SV_PAGE) uint8_t input[INPUT_MAX];

void sv_input_give_back(void) { sv_give_back(input, sizeof input); }

static void on_ready(struct sv_source *source, uint32_t events);

static struct sv_conn **list_of(const struct sv_conn *conn) { return conn->kind == SV_CONN_MONITOR ? &monitors : &clients; }

static void enlist(struct sv_conn *conn) {
  struct sv_conn **list = list_of(conn);
  conn->previous = NULL;
  conn->next = *list;
  if (*list != NULL) (*list)->previous = conn;
  *list = conn;
}

static void delist(struct sv_conn *conn) {
  *(conn->previous != NULL ? &conn->previous->next : list_of(conn)) = conn->next;
  if (conn->next != NULL) conn->next->previous = conn->previous;
}

void sv_conn_become(struct sv_conn *conn, enum sv_conn_kind kind) {
  delist(conn);
  conn->kind = kind;
  enlist(conn);
}

struct sv_conn *sv_conn_open(int fd, enum sv_conn_kind kind) {
  struct sv_conn *conn = calloc(1, sizeof *conn);
  if (conn == NULL) return NULL;
  conn->source = (struct sv_source){fd, on_ready};
  if (!sv_watch(&conn->source, EPOLLIN)) {
    free(conn);
    return NULL;
  }
  conn->events = EPOLLIN;
  conn->kind = kind;
  conn->serial = next_serial++;
  enlist(conn);
  return conn;
}

void sv_conn_close(struct sv_conn *conn) {
  if (conn->closed) return;
  conn->closed = true;
  if (conn->attempt != NULL) conn->attempt->conn = NULL;
  else if (conn->forked) sv_monitor_hung_up(conn);
  delist(conn);
  sv_unwatch(&conn->source);
  free(conn->in);
  free(conn->out);
  sv_free_later(conn);
}

struct sv_conn *sv_conn_find(uint64_t serial) {
  struct sv_conn *conn = clients;
  while (conn != NULL && conn->serial != serial) conn = conn->next;
  return conn;
}

unsigned sv_conns_count(enum sv_conn_kind kind) {
  unsigned n = 0;
  for (const struct sv_conn *conn = kind == SV_CONN_MONITOR ? monitors : clients; conn != NULL; conn = conn->next) n += conn->kind == kind;
  return n;
}

void sv_conns_expire(int64_t now_ms) {
  for (struct sv_conn *conn = clients, *next; conn != NULL; conn = next) {
    next = conn->next;
    if (conn->kind == SV_CONN_UNKNOWN && now_ms >= conn->known_by_ms) sv_conn_close(conn);
  }
}

/* A list that waits for its reader is not woken by what else was asked: that would be a loop that never sleeps. */
static void await(struct sv_conn *conn, bool blocked) {
  uint32_t events = (conn->listing ? 0u : EPOLLIN) | (blocked ? EPOLLOUT : 0u);
  if (events != conn->events && sv_rewatch(&conn->source, events)) conn->events = events;
  conn->blocked = blocked;
}

static void flush(struct sv_conn *conn) {
  while (conn->out_sent < conn->out_len) {
    ssize_t n = send(conn->source.fd, conn->out + conn->out_sent, conn->out_len - conn->out_sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno != EAGAIN) {
      sv_conn_close(conn);
      return;
    }
    if (n < 0) break;
    conn->out_sent += (size_t)n;
  }
  bool blocked = conn->out_sent < conn->out_len;
  if (!blocked && conn->out_cap > 0) {
    conn->out_len = conn->out_sent = 0;
    if (conn->out_cap > 65536 || conn->kind == SV_CONN_MONITOR) {
      free(conn->out);
      conn->out = NULL;
      conn->out_cap = 0;
    }
  }
  await(conn, blocked);
}

void sv_conn_send(struct sv_conn *conn, const struct sv_writer *frames) {
  if (conn->closed) return;
  if (frames->full) {
    sv_log("a frame was longer than its buffer");
    return;
  }
  size_t need = conn->out_len + frames->len;
  if (need - conn->out_sent > SV_CLIENT_OUTPUT_MAX) {
    sv_log("a client was %u bytes behind and is disconnected", SV_CLIENT_OUTPUT_MAX);
    sv_conn_close(conn);
    return;
  }
  if (need > conn->out_cap) {
    if (conn->out_sent > 0) memmove(conn->out, conn->out + conn->out_sent, conn->out_len - conn->out_sent);
    conn->out_len -= conn->out_sent;
    need -= conn->out_sent;
    conn->out_sent = 0;
    size_t cap = conn->out_cap > 0 ? conn->out_cap : 1024;
    while (cap < need) cap *= 2;
    uint8_t *out = cap > conn->out_cap ? realloc(conn->out, cap) : conn->out;
    if (out == NULL) {
      sv_conn_close(conn);
      return;
    }
    conn->out = out;
    conn->out_cap = cap;
  }
  memcpy(conn->out + conn->out_len, frames->base, frames->len);
  conn->out_len += frames->len;
  if (conn->kind == SV_CONN_MONITOR) flush(conn); /* they are not looked at each round */
}

void sv_conns_broadcast(const struct sv_writer *frame) {
  for (struct sv_conn *conn = clients, *next; conn != NULL; conn = next) {
    next = conn->next;
    if (conn->kind == SV_CONN_AGENT) sv_conn_send(conn, frame);
  }
}

static bool dispatch(struct sv_conn *conn, struct sv_frame *frame) {
  return conn->kind == SV_CONN_MONITOR ? sv_monitor_said(conn, frame) : sv_request(conn, frame);
}

/* All whole frames of input; the rest is kept by the connection. */
static void parse(struct sv_conn *conn, size_t len) {
  size_t at = 0, used = 0;
  struct sv_frame frame;
  enum sv_frame_result result = SV_FRAME_PARTIAL;
  while (!conn->closed && !conn->listing && (result = sv_frame_next(input + at, len - at, &frame, &used)) == SV_FRAME_READY) {
    at += used;
    if (!dispatch(conn, &frame)) sv_conn_close(conn);
  }
  if (result == SV_FRAME_MALFORMED) sv_conn_close(conn);
  if (conn->closed) return;
  size_t rest = len - at;
  free(conn->in);
  conn->in = rest > 0 ? malloc(rest > KEPT_MIN ? rest : KEPT_MIN) : NULL;
  conn->in_len = rest;
  if (rest > 0 && conn->in == NULL) {
    sv_conn_close(conn);
    return;
  }
  if (rest > 0) memcpy(conn->in, input + at, rest);
}

/* Once; false when there is nothing more to read now. */
static bool take(struct sv_conn *conn) {
  static size_t high;
  if (conn->closed || conn->listing) return false;
  size_t had = conn->in_len;
  if (had > 0) memcpy(input, conn->in, had);
  ssize_t n = recv(conn->source.fd, input + had, sizeof input - had, MSG_DONTWAIT);
  if (n < 0 && errno == EINTR) return true;
  if (n < 0 && errno == EAGAIN) return false;
  if (n <= 0) {
    sv_conn_close(conn);
    return false;
  }
  parse(conn, had + (size_t)n);
  if (had + (size_t)n > high) high = had + (size_t)n;
  if (high > 262144) { /* a long frame is rare: its memory is given back */
    (void)madvise(input, sizeof input & ~4095u, MADV_DONTNEED);
    high = 0;
  }
  return true;
}

/* What came behind the request for a list was kept until the list is complete. */
static void go_on(struct sv_conn *conn) {
  sv_list_go_on(conn);
  if (conn->listing || conn->closed || conn->in_len == 0) return;
  size_t had = conn->in_len;
  memcpy(input, conn->in, had);
  parse(conn, had);
}

void sv_conns_flush(void) {
  for (struct sv_conn *conn = clients, *next; conn != NULL; conn = next) {
    next = conn->next;
    do {
      if (conn->listing && conn->out_len - conn->out_sent < SV_LIST_AHEAD_MAX) go_on(conn);
      if (!conn->closed && conn->out_sent < conn->out_len && !conn->blocked) flush(conn);
    } while (!conn->closed && conn->listing && !conn->blocked); /* until the reader, not we, is behind */
  }
}

void sv_conn_drain(struct sv_conn *conn) {
  while (take(conn)) continue;
}

static void on_ready(struct sv_source *source, uint32_t events) {
  struct sv_conn *conn = (struct sv_conn *)source;
  if (conn->closed) return;
  if (events & EPOLLOUT) flush(conn);
  if (conn->listing) {
    if (events & (EPOLLHUP | EPOLLERR)) sv_conn_close(conn);
    return;
  }
  (void)take(conn);
}
