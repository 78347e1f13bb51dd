/*
 * terminal.c: see terminal.h.
 *
 * A FULL DISK must not hold the task up, and whoever reads its output must learn of it: what cannot be written is counted, and
 * a line between the bytes says how many are missing as soon as there is room for it. Until then the log does.
 */
#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "host.h"

#define COPY_BYTES (32u << 10)

static bool fail(struct sv_terminal *t) {
  int error = errno;
  sv_terminal_hang_up(t);
  errno = error;
  return false;
}

bool sv_terminal_open(struct sv_terminal *t, const struct sv_start *start, int out) {
  const struct winsize size = {.ws_row = start->rows, .ws_col = start->columns};
  struct termios modes;
  struct stat file;
  int locked = 0;
  *t = (struct sv_terminal){.master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK), .slave = -1, .out = out};
  if (t->master < 0 || fstat(out, &file) != 0 || ioctl(t->master, TIOCSPTLCK, &locked) != 0) return fail(t);
  t->size = (uint64_t)file.st_size;
  t->slave = ioctl(t->master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC); /* without a path: /dev/pts need not be ours */
  if (t->slave < 0 || ioctl(t->slave, TIOCSWINSZ, &size) != 0 || tcgetattr(t->slave, &modes) != 0) return fail(t);
  modes.c_iflag |= IUTF8; /* erasing takes a whole character */
  if (tcsetattr(t->slave, TCSANOW, &modes) != 0) return fail(t);
  if (start->flags & SV_START_SETUSER && fchown(t->slave, start->uid, (gid_t)-1) != 0) return fail(t); /* opened by its path too */
  return true;
}

void sv_terminal_resize(const struct sv_terminal *t, uint16_t rows, uint16_t columns) {
  const struct winsize size = {.ws_row = rows, .ws_col = columns};
  if (t->master >= 0) (void)ioctl(t->master, TIOCSWINSZ, &size);
}

void sv_terminal_hang_up(struct sv_terminal *t) {
  if (t->slave >= 0) (void)close(t->slave);
  if (t->master >= 0) (void)close(t->master);
  t->master = t->slave = -1;
}

/* How much of it the disk has taken. */
static size_t write_out(struct sv_terminal *t, const void *bytes, size_t len) {
  size_t written = 0;
  ssize_t n;
  while (written < len && (n = write(t->out, (const uint8_t *)bytes + written, len - written)) > 0) written += (size_t)n;
  t->size += written;
  return written;
}

static void append(struct sv_terminal *t, const void *bytes, size_t len) {
  if (t->missing == 0) {
    t->missing = len - write_out(t, bytes, len);
    if (t->missing > 0) sv_log("output of a terminal is not kept: %s", strerror(errno));
  } else {
    t->missing += len;
  }
}

static void tell_missing(struct sv_terminal *t) {
  char line[96];
  int len = snprintf(line, sizeof line, "\r\n[drover: %llu bytes of output could not be kept]\r\n", (unsigned long long)t->missing);
  if (write_out(t, line, (size_t)len) < (size_t)len) return;
  sv_log("output of a terminal is kept again; %llu bytes are missing", (unsigned long long)t->missing);
  t->missing = 0;
}

bool sv_terminal_copy(struct sv_terminal *t, size_t most) {
  static uint8_t bytes[COPY_BYTES];
  ssize_t n = 1;
  if (t->missing > 0) tell_missing(t);
  for (size_t copied = 0; t->master >= 0 && copied < most && n > 0;) {
    size_t have = 0;
    while (have < sizeof bytes && (n = read(t->master, bytes + have, sizeof bytes - have)) > 0) have += (size_t)n;
    const bool dead = n == 0 || (n < 0 && errno != EAGAIN);
    append(t, bytes, have);
    if (dead) return false;
    copied += have;
  }
  return true;
}
