/*
 * order.c: see order.h.
 */
#include "order.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union control { /* of one descriptor */
  struct cmsghdr header;
  char bytes[CMSG_SPACE(sizeof(int))];
};

bool sv_order_send(int socket, const struct sv_writer *frame, int record) {
  union control control;
  struct iovec piece = {.iov_base = frame->base, .iov_len = frame->len};
  struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  memset(&control, 0, sizeof control);
  struct cmsghdr *header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof record);
  memcpy(CMSG_DATA(header), &record, sizeof record);
  return sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)frame->len;
}

/* As recv, with the descriptor that came along, of which there is one at a time. */
static ssize_t receive(int socket, uint8_t *bytes, size_t cap, int *record) {
  union control control;
  struct iovec piece = {.iov_base = bytes, .iov_len = cap};
  struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
  const ssize_t n = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  const struct cmsghdr *header = n > 0 ? CMSG_FIRSTHDR(&message) : NULL;
  if (header != NULL && header->cmsg_type == SCM_RIGHTS) memcpy(record, CMSG_DATA(header), sizeof *record);
  return n;
}

bool sv_order_await(struct sv_link *link, uint8_t *bytes, struct sv_frame *frame, int *record) {
  size_t len = link->heard - link->parsed, at = 0, used = 0;
  memcpy(bytes, link->heard_bytes + link->parsed, len);
  link->heard = link->parsed = 0;
  *record = -1;
  while (link->fd >= 0) {
    const enum sv_frame_result result = sv_frame_next(bytes + at, len - at, frame, &used);
    if (result == SV_FRAME_READY) {
      at += used;
      if (frame->type == SV_START) return *record >= 0;
      continue;
    }
    if (result == SV_FRAME_MALFORMED || len == SV_ORDER_MAX) return false;
    struct pollfd readable = {.fd = link->fd, .events = POLLIN};
    (void)poll(&readable, 1, -1);
    const ssize_t n = receive(link->fd, bytes + len, SV_ORDER_MAX - len, record);
    if (n > 0) len += (size_t)n;
    else if (n == 0 || (errno != EAGAIN && errno != EINTR)) return false;
  }
  return false;
}
