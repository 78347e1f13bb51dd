/*
 * client.c: see client.h.
 */
#include "client.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void check(bool holds, const char *what, const char *file, int line) {
  if (holds) return;
  (void)fprintf(stderr, "     %s:%d: does not hold: %s\n", file, line, what);
  _exit(1);
}

struct client *client_open_at(const char *directory, const char *name) {
  struct client *c = calloc(1, sizeof *c);
  CHECK(c != NULL);
  c->notices_end = &c->notices;
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  (void)strncpy(address.sun_path, name, sizeof address.sun_path - 1); /* relative, as for a state directory with a long name */
  int here = open(".", O_PATH | O_CLOEXEC);
  CHECK(here >= 0 && chdir(directory) == 0);
  c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  CHECK(connect(c->fd, (const struct sockaddr *)&address, sizeof address) == 0);
  CHECK(fchdir(here) == 0 && close(here) == 0);
  return c;
}

struct client *client_open_bare(const char *state) { return client_open_at(state, "supervisor.sock"); }

struct client *client_open(const char *state) {
  struct client *c = client_open_bare(state);
  uint8_t version[] = {SV_PROTOCOL_VERSION, 0, 0, 0};
  struct frame *f = client_answer(c, client_send(c, SV_HELLO, version, sizeof version));
  struct sv_reader r = sv_reader_of(f->body, f->len);
  CHECK(f->type == SV_HELLO_OK && sv_get_u32(&r) == SV_PROTOCOL_VERSION);
  c->server = sv_get_i32(&r);
  free(f);
  return c;
}

void client_close(struct client *c) {
  (void)close(c->fd);
  while (c->notices != NULL) {
    struct frame *f = c->notices;
    c->notices = f->next;
    free(f);
  }
  free(c);
}

uint32_t client_send(struct client *c, uint8_t type, const void *body, size_t len) {
  uint8_t *bytes = malloc(len + SV_FRAME_HEADER);
  CHECK(bytes != NULL);
  struct sv_writer w = sv_writer_of(bytes, len + SV_FRAME_HEADER);
  size_t start = sv_frame_begin(&w, type, ++c->tag);
  sv_put_bytes(&w, body, len);
  sv_frame_end(&w, start);
  for (size_t sent = 0; sent < w.len;) {
    ssize_t n = send(c->fd, bytes + sent, w.len - sent, MSG_NOSIGNAL);
    CHECK(n > 0);
    sent += (size_t)n;
  }
  free(bytes);
  return c->tag;
}

uint32_t client_start(struct client *c, const struct task *t) {
  static uint8_t bytes[SV_FRAME_MAX];
  struct sv_writer w = sv_writer_of(bytes, sizeof bytes);
  uint32_t argc = 0;
  while (t->argv[argc] != NULL) argc++;
  sv_put_str(&w, t->id);
  sv_put_u32(&w, t->flags);
  sv_put_u32(&w, t->uid);
  sv_put_u32(&w, t->gid);
  sv_put_u32(&w, 0);
  sv_put_u32(&w, 022);
  sv_put_i32(&w, t->flags & SV_START_NICE ? 7 : 0);
  sv_put_i32(&w, t->flags & SV_START_OOM ? 321 : 0);
  sv_put_u32(&w, t->rlimit_soft != 0);
  if (t->rlimit_soft != 0) {
    sv_put_u32(&w, t->rlimit_resource);
    sv_put_u64(&w, t->rlimit_soft);
    sv_put_u64(&w, t->rlimit_soft);
  }
  sv_put_u32(&w, t->cpu_millis);
  sv_put_u64(&w, t->memory_bytes);
  sv_put_u32(&w, t->processes);
  sv_put_u16(&w, t->rows);
  sv_put_u16(&w, t->columns);
  sv_put_str(&w, t->cwd != NULL ? t->cwd : "/");
  sv_put_str(&w, "");
  sv_put_str(&w, t->out != NULL ? t->out : "/dev/null");
  sv_put_str(&w, t->err != NULL ? t->err : "/dev/null");
  sv_put_str(&w, t->argv[0]);
  sv_put_u32(&w, argc);
  for (uint32_t i = 0; i < argc; i++) sv_put_str(&w, t->argv[i]);
  char tag[sizeof SV_TAG + 1 + SV_ID_MAX];
  (void)snprintf(tag, sizeof tag, SV_TAG "=%.*s", SV_ID_MAX, t->id);
  sv_put_u32(&w, 1 + t->tagged);
  sv_put_str(&w, "PATH=/usr/bin:/bin");
  if (t->tagged) sv_put_str(&w, tag);
  CHECK(!w.full);
  return client_send(c, SV_START, bytes, w.len);
}

uint32_t client_signal(struct client *c, const char *id, int signal, uint8_t scope) {
  uint8_t bytes[128];
  struct sv_writer w = sv_writer_of(bytes, sizeof bytes);
  sv_put_str(&w, id);
  sv_put_i32(&w, signal);
  sv_put_u8(&w, scope);
  return client_send(c, SV_SIGNAL, bytes, w.len);
}

uint32_t client_id(struct client *c, uint8_t type, const char *id) {
  uint8_t bytes[128];
  struct sv_writer w = sv_writer_of(bytes, sizeof bytes);
  sv_put_str(&w, id);
  return client_send(c, type, bytes, w.len);
}

struct frame *client_read(struct client *c) {
  for (;;) {
    struct sv_frame frame;
    size_t used;
    enum sv_frame_result result = sv_frame_next(c->bytes, c->len, &frame, &used);
    CHECK(result != SV_FRAME_MALFORMED);
    if (result == SV_FRAME_READY) {
      struct frame *f = calloc(1, sizeof *f);
      CHECK(f != NULL);
      f->type = frame.type;
      f->tag = frame.tag;
      f->len = (size_t)(frame.body.end - frame.body.at);
      CHECK(f->len <= sizeof f->body);
      memcpy(f->body, frame.body.at, f->len);
      memmove(c->bytes, c->bytes + used, c->len - used);
      c->len -= used;
      return f;
    }
    struct pollfd p = {.fd = c->fd, .events = POLLIN};
    int ready = poll(&p, 1, WAIT_MS);
    if (ready < 0 && errno == EINTR) continue;
    CHECK(ready == 1);
    ssize_t n = recv(c->fd, c->bytes + c->len, sizeof c->bytes - c->len, 0);
    if (n == 0 || (n < 0 && errno == ECONNRESET)) return NULL;
    CHECK(n > 0);
    c->len += (size_t)n;
  }
}

static void keep(struct client *c, struct frame *f) {
  *c->notices_end = f;
  c->notices_end = &f->next;
}

struct frame *client_answer(struct client *c, uint32_t tag) {
  for (;;) {
    struct frame *f = client_read(c);
    CHECK(f != NULL);
    if (f->tag == tag) return f;
    CHECK(f->tag == 0);
    keep(c, f);
  }
}

void client_answer_is(struct client *c, uint32_t tag, uint8_t type) {
  struct frame *f = client_answer(c, tag);
  CHECK(f->type == type);
  free(f);
}

int client_refused(struct client *c, uint32_t tag, uint32_t error) {
  struct frame *f = client_answer(c, tag);
  struct sv_reader r = sv_reader_of(f->body, f->len);
  CHECK(f->type == SV_ERROR && sv_get_u32(&r) == error);
  int number = sv_get_i32(&r);
  CHECK(strlen(sv_get_str(&r, SV_FRAME_MAX)) > 0 && sv_reader_done(&r));
  free(f);
  return number;
}

/* Whether it is about that id; then the id is cut off. */
static bool is_about(struct frame *f, uint8_t type, const char *id) {
  size_t len = strlen(id);
  if (f->type != type || f->len < 4 + len || f->body[0] != len || memcmp(f->body + 4, id, len) != 0) return false;
  f->len -= 4 + len;
  memmove(f->body, f->body + 4 + len, f->len);
  return true;
}

struct frame *client_notice(struct client *c, uint8_t type, const char *id) {
  for (struct frame **at = &c->notices; *at != NULL; at = &(*at)->next) {
    struct frame *f = *at;
    if (!is_about(f, type, id)) continue;
    *at = f->next;
    if (*at == NULL) c->notices_end = at;
    return f;
  }
  for (;;) {
    struct frame *f = client_read(c);
    CHECK(f != NULL && f->tag == 0);
    if (is_about(f, type, id)) return f;
    keep(c, f);
  }
}

struct sv_started client_started(struct client *c, const char *id) {
  struct frame *f = client_notice(c, SV_STARTED, id);
  struct sv_reader r = sv_reader_of(f->body, f->len);
  struct sv_started s;
  CHECK(sv_get_started(&r, &s));
  free(f);
  return s;
}

struct sv_exited client_exited(struct client *c, const char *id) {
  struct frame *f = client_notice(c, SV_EXITED, id);
  struct sv_reader r = sv_reader_of(f->body, f->len);
  struct sv_exited e;
  CHECK(sv_get_exited(&r, &e));
  free(f);
  return e;
}

void client_over(struct client *c, uint8_t type, const char *id) { free(client_notice(c, type, id)); }

void client_not_started(struct client *c, const char *id, const char *step, int error) {
  struct frame *f = client_notice(c, SV_NOT_STARTED, id);
  struct sv_reader r = sv_reader_of(f->body, f->len);
  CHECK(strcmp(sv_get_str(&r, 64), step) == 0);
  CHECK(sv_get_i32(&r) == error && sv_reader_done(&r));
  free(f);
}

char *client_lost(struct client *c, const char *id) {
  struct frame *f = client_notice(c, SV_LOST, id);
  struct sv_reader r = sv_reader_of(f->body, f->len);
  char *reason = strdup(sv_get_str(&r, 256));
  CHECK(reason != NULL && sv_get_i64(&r) > 0 && sv_reader_done(&r));
  free(f);
  return reason;
}

struct sv_usage client_usage(struct client *c) {
  struct frame *f = client_answer(c, client_send(c, SV_USAGE, NULL, 0));
  struct sv_reader r = sv_reader_of(f->body, f->len);
  CHECK(f->type == SV_USAGE_OK);
  struct sv_usage u = sv_get_usage(&r);
  CHECK(sv_reader_done(&r));
  free(f);
  return u;
}

struct sv_sampled client_sample(struct client *c, const char *id) {
  struct frame *f = client_answer(c, client_id(c, SV_SAMPLE, id));
  struct sv_reader r = sv_reader_of(f->body, f->len);
  struct sv_sampled s;
  CHECK(f->type == SV_SAMPLED && sv_get_sampled(&r, &s));
  free(f);
  return s;
}

uint32_t client_punch(struct client *c, const char *id, uint8_t stream, uint64_t end) {
  uint8_t bytes[128];
  struct sv_writer w = sv_writer_of(bytes, sizeof bytes);
  sv_put_str(&w, id);
  sv_put_u8(&w, stream);
  sv_put_u64(&w, end);
  return client_send(c, SV_PUNCH, bytes, w.len);
}

uint8_t client_state(struct client *c, const char *id, struct sv_exited *exited) {
  uint8_t state = 0;
  uint32_t tag = client_send(c, SV_LIST, NULL, 0);
  for (;;) {
    struct frame *f = client_answer(c, tag);
    bool end = f->type == SV_LIST_END;
    if (is_about(f, SV_STATUS, id)) {
      struct sv_reader r = sv_reader_of(f->body, f->len);
      struct sv_started s;
      state = sv_get_u8(&r);
      if (exited != NULL && (state == SV_ATTEMPT_EXITED || state == SV_ATTEMPT_ENDED)) {
        struct sv_reader start = r, rest = r;
        start.end = start.at + 24;
        rest.at += 24;
        if (state == SV_ATTEMPT_ENDED) rest.end -= 44; /* EMPTY */
        CHECK(sv_get_started(&start, &s) && sv_get_exited(&rest, exited));
      }
    }
    free(f);
    if (end) return state;
  }
}

char *client_reason(struct client *c, const char *id) {
  char *reason = NULL;
  uint32_t tag = client_send(c, SV_LIST, NULL, 0);
  for (bool end = false; !end;) {
    struct frame *f = client_answer(c, tag);
    end = f->type == SV_LIST_END;
    if (is_about(f, SV_STATUS, id)) {
      struct sv_reader r = sv_reader_of(f->body, f->len);
      if (sv_get_u8(&r) == SV_ATTEMPT_LOST && sv_get_u8(&r) == 0) reason = strdup(sv_get_str(&r, 256));
    }
    free(f);
  }
  return reason;
}
