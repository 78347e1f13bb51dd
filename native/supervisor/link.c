/*
 * link.c: see link.h.
 */
#include "link.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "host.h"

static int64_t now_ms(void) { return (int64_t)(sv_boottime_ns() / 1000000u); }

/* Spread by pid, so that a thousand monitors do not knock in the same millisecond. */
static int spread(int ms) { return ms + (int)(getpid() % (ms / 2 + 1)); }

void sv_link_init(struct sv_link *link, uint64_t start_ticks, int fd) {
  link->fd = fd;
  link->start_ticks = start_ticks;
  link->retry_ms = SV_LINK_RETRY_MIN_MS;
  link->kept = sv_writer_of(link->kept_bytes, sizeof link->kept_bytes);
}

void sv_link_begin(struct sv_link *link, const char *id) {
  link->kept.len = link->sent = 0;
  memcpy(link->id, id, strlen(id) + 1);
}

void sv_link_lost(struct sv_link *link) {
  if (link->fd >= 0) {
    (void)close(link->fd);
    if (now_ms() - link->since_ms > SV_LINK_RETRY_MAX_MS) link->retry_ms = SV_LINK_RETRY_MIN_MS; /* it was a server */
  }
  link->fd = -1;
  link->sent = link->heard = link->parsed = 0;
  link->retry_at_ms = now_ms() + spread(link->retry_ms);
  link->retry_ms = link->retry_ms * 2 > SV_LINK_RETRY_MAX_MS ? SV_LINK_RETRY_MAX_MS : link->retry_ms * 2;
}

static bool send_all(struct sv_link *link, const void *bytes, size_t len) {
  if (link->fd < 0) return false;
  if (send(link->fd, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)len) return true;
  sv_link_lost(link); /* gone, or 200 KB behind */
  return false;
}

void sv_link_keep(struct sv_link *link, uint8_t type, const void *body, size_t len) {
  size_t start = sv_frame_begin(&link->kept, type, 0);
  sv_put_bytes(&link->kept, body, len);
  sv_frame_end(&link->kept, start);
}

void sv_link_send_kept(struct sv_link *link) {
  if (link->sent == link->kept.len) return;
  if (send_all(link, link->kept.base + link->sent, link->kept.len - link->sent)) link->sent = link->kept.len;
}

void sv_link_answer(struct sv_link *link, uint8_t type, uint32_t tag, const struct sv_writer *body) {
  uint8_t bytes[SV_LINK_ANSWER_MAX];
  struct sv_writer w = sv_writer_of(bytes, sizeof bytes);
  size_t start = sv_frame_begin(&w, type, tag);
  sv_put_bytes(&w, body->base, body->len);
  sv_frame_end(&w, start);
  (void)send_all(link, bytes, w.len);
}

bool sv_link_next(struct sv_link *link, struct sv_frame *frame) {
  while (link->fd >= 0) {
    size_t used = 0;
    enum sv_frame_result result = sv_frame_next(link->heard_bytes + link->parsed, link->heard - link->parsed, frame, &used);
    if (result == SV_FRAME_READY) {
      link->parsed += used;
      return true;
    }
    link->heard -= link->parsed;
    memmove(link->heard_bytes, link->heard_bytes + link->parsed, link->heard);
    link->parsed = 0;
    ssize_t n = recv(link->fd, link->heard_bytes + link->heard, sizeof link->heard_bytes - link->heard, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    if (n <= 0 || result == SV_FRAME_MALFORMED) {
      sv_link_lost(link);
      return false;
    }
    link->heard += (size_t)n;
  }
  return false;
}

int sv_link_wait_ms(const struct sv_link *link) {
  if (link->fd >= 0) return -1;
  int64_t left = link->retry_at_ms - now_ms();
  return left > 0 ? (int)left : 0;
}

void sv_link_resume(struct sv_link *link) {
  if (link->fd >= 0 || sv_link_wait_ms(link) > 0) return;
  const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = SV_SOCKET}; /* relative: we are in the state directory */
  link->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (link->fd < 0 || connect(link->fd, (const struct sockaddr *)&address, sizeof address) != 0) {
    sv_link_lost(link);
    return;
  }
  uint8_t bytes[SV_FRAME_HEADER + 4 + SV_ID_MAX + 8];
  struct sv_writer w = sv_writer_of(bytes, sizeof bytes);
  size_t start = sv_frame_begin(&w, SV_RESUME, 0);
  sv_put_str(&w, link->id);
  sv_put_u64(&w, link->start_ticks);
  sv_frame_end(&w, start);
  link->since_ms = now_ms();
  if (send_all(link, bytes, w.len)) sv_link_send_kept(link);
}
