/*
 * attach.c: see attach.h.
 *
 *   client ─ DATA, END, RESIZE, … ─► bytes of the client ─► pipe or terminal ─► task
 *   client ◄─ TAKEN ────────────────────────┘                                    │
 *   file ◄────────────────────────────── outlets ◄───────── pipes or terminal ◄──┘
 *
 * Input is written from the frame that it came in: there is no other place where it waits. A frame that the task takes only
 * in part stays at the head of its client's bytes, and nothing more is read from that client until it is gone.
 */
#include "attach.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "outlet.h"
#include "terminal.h"

#define CLIENT_BYTES (SV_FRAME_HEADER + 12u + SV_ATTACH_DATA_MAX) /* one frame of the longest */
#define STREAMS 2               /* stdout, stderr */
#define ROUND_BYTES (64u << 10) /* of output, before others have their turn */
#define DRAIN_BYTES (2u << 20)  /* more than the kernel can hold of output: 12 KB of a terminal's, of a pipe 64 KB or what root has allowed */
#define LOOK_MS 200             /* pause between two looks at a dead line, or for a descriptor */

struct client {
  int fd; /* −1 for none */
  bool reads[STREAMS];
  uint64_t read[STREAMS]; /* where, if it reads */
  bool told, told_over; /* something was told, and what */
  uint64_t told_taken;
  size_t len;
  uint8_t bytes[CLIENT_BYTES]; /* costs memory once it is touched */
};

static struct client clients[SV_ATTACH_CLIENTS_MAX];

static struct {
  int listener; /* −1 where there is nothing to attach to: then nothing else here counts */
  int in;       /* the pipe's end or the terminal's master; −1 when no more is taken */
  bool blocked; /* the task takes nothing for now */
  bool dead;    /* the terminal's line is, for now */
  bool deaf;    /* no descriptor for one more client, for now */
  uint64_t taken;
  uint64_t ever_read[STREAMS];
  struct sv_terminal terminal;
  struct sv_outlet outlets[STREAMS];
} attach = {.listener = -1, .in = -1, .terminal = {-1, -1}, .outlets = {{.from = -1, .to = -1}, {.from = -1, .to = -1}}};

static bool over(void) { return attach.in < 0; }
static bool is_terminal(void) { return attach.terminal.slave >= 0; }

static void stop_input(void) {
  if (attach.in >= 0 && attach.in != attach.terminal.master) (void)close(attach.in);
  attach.in = -1;
  attach.blocked = false;
}

static void close_outlet(struct sv_outlet *o) {
  if (o->from >= 0) (void)close(o->from);
  o->from = -1;
}

static void hang_up(void) {
  sv_attach_drain();
  stop_input();
  for (size_t i = 0; i < STREAMS; i++) {
    if (!is_terminal()) close_outlet(&attach.outlets[i]);
    attach.outlets[i].from = -1;
  }
  sv_terminal_hang_up(&attach.terminal);
  attach.dead = false;
}

static int listen_at(const char *id) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  (void)snprintf(address.sun_path, sizeof address.sun_path, "attempts/%s/attach", id); /* relative: we are in the state directory */
  int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  if (bind(fd, (const struct sockaddr *)&address, sizeof address) == 0 && chmod(address.sun_path, 0600) == 0 &&
      listen(fd, SV_ATTACH_CLIENTS_MAX) == 0) {
    return fd;
  }
  int error = errno;
  (void)close(fd);
  errno = error;
  return -1;
}

static bool open_input(struct sv_stdio *stdio) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0 || fcntl(ends[1], F_SETFL, O_NONBLOCK) != 0) return false;
  (void)close(stdio->in);
  stdio->in = ends[0];
  attach.in = ends[1];
  return true;
}

/* The files stay with the caller. */
static bool open_outputs(struct sv_stdio *stdio) {
  int *const of_task[STREAMS] = {&stdio->out, &stdio->err};
  for (size_t i = 0; i < STREAMS; i++) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0 || fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) return false;
    if (!sv_outlet_open(&attach.outlets[i], ends[0], *of_task[i])) return false;
    *of_task[i] = ends[1];
  }
  return true;
}

/* The task gets the terminal three times, and the files stay with the caller. */
static bool open_terminal(const struct sv_start *start, struct sv_stdio *stdio) {
  int *const of_task[] = {&stdio->in, &stdio->out, &stdio->err};
  if (!sv_terminal_open(&attach.terminal, start)) return false;
  if (!sv_outlet_open(&attach.outlets[0], attach.terminal.master, stdio->out)) return false;
  (void)close(stdio->in);
  for (size_t i = 0; i < 3; i++) {
    *of_task[i] = fcntl(attach.terminal.slave, F_DUPFD_CLOEXEC, 3);
    if (*of_task[i] < 0) return false;
  }
  attach.in = attach.terminal.master;
  return true;
}

bool sv_attach_open(const struct sv_start *start, struct sv_stdio *stdio, struct sv_refusal *refusal) {
  const uint32_t flags = start->flags & (SV_START_INPUT | SV_START_TERMINAL | SV_START_PIPES);
  if (flags == 0) return true;
  for (size_t i = 0; i < SV_ATTACH_CLIENTS_MAX; i++) clients[i].fd = -1;
  refusal->step = flags & SV_START_TERMINAL ? "terminal" : "pipe";
  bool made = (flags & SV_START_TERMINAL) == 0 || open_terminal(start, stdio);
  made = made && ((flags & SV_START_INPUT) == 0 || open_input(stdio));
  made = made && ((flags & SV_START_PIPES) == 0 || open_outputs(stdio));
  if (made) {
    refusal->step = "attach";
    attach.listener = listen_at(start->id);
  }
  refusal->error = errno;
  return attach.listener >= 0;
}

static void drop(struct client *c) {
  (void)close(c->fd);
  c->fd = -1;
  c->len = 0;
  c->told = false;
  for (size_t i = 0; i < STREAMS; i++) {
    c->read[i] = 0;
    c->reads[i] = false;
  }
}

static bool is_owed(const struct client *c) {
  return c->fd >= 0 && (!c->told || c->told_taken != attach.taken || c->told_over != over());
}

/* One that is slow to read is told when it can be: only the latest counts. One that has left may have said something before. */
static void tell(struct client *c) {
  if (!is_owed(c)) return;
  uint8_t bytes[SV_FRAME_HEADER + 9];
  struct sv_writer w = sv_writer_of(bytes, sizeof bytes);
  size_t start = sv_frame_begin(&w, SV_ATTACH_TAKEN, 0);
  sv_put_u64(&w, attach.taken);
  sv_put_u8(&w, over());
  sv_frame_end(&w, start);
  ssize_t n = send(c->fd, bytes, w.len, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (n < 0 && errno == EAGAIN) return;
  if (n >= 0 && n != (ssize_t)w.len) {
    drop(c);
    return;
  }
  c->told = true;
  c->told_taken = attach.taken;
  c->told_over = over();
}

enum result { DONE, LATER, BAD };

static enum result on_data(struct client *c, struct sv_reader *body) {
  (void)c;
  size_t len;
  const uint64_t offset = sv_get_u64(body);
  const uint8_t *bytes = sv_get_bytes(body, SV_ATTACH_DATA_MAX, &len);
  if (!sv_reader_done(body) || offset + len < offset || (offset > attach.taken && !over())) return BAD;
  while (!over() && attach.taken < offset + len) {
    ssize_t n = write(attach.in, bytes + (attach.taken - offset), (size_t)(offset + len - attach.taken));
    if (n > 0) {
      attach.taken += (size_t)n;
    } else if (errno == EAGAIN || errno == EIO) { /* EIO: of a dead line, which may live again */
      attach.blocked = true;
      return LATER;
    } else {
      stop_input(); /* EPIPE: the task has closed it */
    }
  }
  return DONE;
}

static enum result on_end(struct client *c, struct sv_reader *body) {
  (void)c;
  const uint64_t offset = sv_get_u64(body);
  if (!sv_reader_done(body)) return BAD;
  if (is_terminal() || over()) return DONE;
  if (offset != attach.taken) return BAD;
  stop_input();
  return DONE;
}

static enum result on_resize(struct client *c, struct sv_reader *body) {
  (void)c;
  const uint16_t rows = sv_get_u16(body), columns = sv_get_u16(body);
  if (!sv_reader_done(body) || rows == 0 || columns == 0) return BAD;
  sv_terminal_resize(&attach.terminal, rows, columns);
  return DONE;
}

static enum result on_read(struct client *c, struct sv_reader *body) {
  const size_t stream = (size_t)sv_get_u8(body) - 1;
  const uint64_t offset = sv_get_u64(body);
  if (!sv_reader_done(body) || stream >= STREAMS) return BAD;
  c->reads[stream] = true;
  if (offset > c->read[stream]) c->read[stream] = offset;
  if (offset > attach.ever_read[stream]) attach.ever_read[stream] = offset;
  return DONE;
}

static enum result on_hangup(struct client *c, struct sv_reader *body) {
  (void)c;
  if (!sv_reader_done(body)) return BAD;
  hang_up();
  return DONE;
}

static enum result take_frame(struct client *c, struct sv_frame *frame) {
  static enum result (*const take[])(struct client *, struct sv_reader *) = {
      on_data, on_end, on_resize, on_read, NULL, on_hangup};
  const size_t which = (size_t)frame->type - SV_ATTACH_DATA;
  if (frame->type < SV_ATTACH_DATA || which >= sizeof take / sizeof take[0] || take[which] == NULL) return BAD;
  return take[which](c, &frame->body);
}

/* Every whole frame, unless the task takes no more. */
static void take_frames(struct client *c) {
  size_t at = 0, used = 0;
  struct sv_frame frame;
  enum result result = DONE;
  enum sv_frame_result found = SV_FRAME_PARTIAL;
  while (result == DONE && (found = sv_frame_next(c->bytes + at, c->len - at, &frame, &used)) == SV_FRAME_READY) {
    result = take_frame(c, &frame);
    if (result == DONE) at += used;
  }
  c->len -= at;
  memmove(c->bytes, c->bytes + at, c->len);
  if (result == BAD || found == SV_FRAME_MALFORMED || (found == SV_FRAME_PARTIAL && c->len == sizeof c->bytes)) drop(c);
}

/* The frame at its head waits for the task. */
static bool stuck(struct client *c) {
  struct sv_frame frame;
  size_t used;
  return attach.blocked && sv_frame_next(c->bytes, c->len, &frame, &used) == SV_FRAME_READY;
}

/* One that has gone and whose input cannot be written goes: who comes back sends it again. */
static void hear(struct client *c, short events) {
  while (c->fd >= 0 && !stuck(c)) {
    ssize_t n = recv(c->fd, c->bytes + c->len, sizeof c->bytes - c->len, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) {
      drop(c);
      return;
    }
    c->len += (size_t)n;
    take_frames(c);
  }
  if (c->fd >= 0 && (events & (POLLHUP | POLLERR)) != 0) drop(c);
}

static void welcome(void) {
  struct ucred peer;
  socklen_t len = sizeof peer;
  int fd;
  while ((fd = accept4(attach.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
    struct client *c = clients, *end = c + SV_ATTACH_CLIENTS_MAX;
    while (c < end && c->fd >= 0) c++;
    bool ours = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && peer.uid == geteuid();
    if (ours && c < end) c->fd = fd;
    else (void)close(fd);
  }
  attach.deaf = errno != EAGAIN && errno != ECONNABORTED;
}

static bool held_up(size_t stream) {
  uint64_t furthest = is_terminal() ? 0 : attach.ever_read[stream];
  bool somebody = !is_terminal();
  for (const struct client *c = clients; is_terminal() && c < clients + SV_ATTACH_CLIENTS_MAX; c++) {
    if (c->fd < 0 || !c->reads[stream]) continue;
    somebody = true;
    if (c->read[stream] > furthest) furthest = c->read[stream];
  }
  return somebody && attach.outlets[stream].size > furthest + SV_ATTACH_AHEAD_MAX;
}

size_t sv_attach_poll(struct pollfd *fds) {
  if (attach.listener < 0) return 0;
  fds[0] = (struct pollfd){.fd = attach.deaf ? -1 : attach.listener, .events = POLLIN};
  fds[1] = (struct pollfd){.fd = attach.dead ? -1 : attach.in, .events = attach.blocked ? POLLOUT : 0};
  for (size_t i = 0; i < STREAMS; i++) {
    fds[2 + i] = (struct pollfd){.fd = attach.dead ? -1 : attach.outlets[i].from, .events = held_up(i) ? 0 : POLLIN};
  }
  for (size_t i = 0; i < SV_ATTACH_CLIENTS_MAX; i++) {
    struct client *c = &clients[i];
    fds[2 + STREAMS + i] = (struct pollfd){.fd = c->fd, .events = (short)((stuck(c) ? 0 : POLLIN) | (is_owed(c) ? POLLOUT : 0))};
  }
  return SV_ATTACH_FDS;
}

int sv_attach_wait_ms(void) { return attach.dead || attach.deaf ? LOOK_MS : -1; }

/* A pipe that nobody will read any more says so without being written to; a dead line says it of its output. */
static void look_at_input(short events) {
  if ((events & POLLERR) != 0 && !is_terminal()) stop_input();
  if ((events & (POLLOUT | POLLERR)) != 0) attach.blocked = false;
}

static void look_at_output(struct sv_outlet *o, short events) {
  if (events == 0 || sv_outlet_copy(o, ROUND_BYTES)) return;
  if (is_terminal()) attach.dead = true;
  else close_outlet(o);
}

void sv_attach_serve(const struct pollfd *fds, size_t count) {
  if (count == 0) return;
  attach.deaf = attach.dead = false;
  look_at_input(fds[1].revents);
  for (size_t i = 0; i < STREAMS; i++) look_at_output(&attach.outlets[i], fds[2 + i].revents);
  if (fds[0].revents != 0) welcome();
  for (size_t i = 0; i < SV_ATTACH_CLIENTS_MAX; i++) {
    struct client *c = &clients[i];
    if (c->fd >= 0 && !attach.blocked && c->len > 0) take_frames(c);
    const short events = fds[2 + STREAMS + i].revents;
    if (c->fd >= 0 && (events & ~POLLOUT) != 0) hear(c, events);
  }
  for (size_t i = 0; i < SV_ATTACH_CLIENTS_MAX; i++) tell(&clients[i]);
}

void sv_attach_drain(void) {
  for (size_t i = 0; i < STREAMS; i++) {
    struct sv_outlet *o = &attach.outlets[i];
    if (!sv_outlet_copy(o, DRAIN_BYTES) && !is_terminal()) close_outlet(o);
  }
}
