/*
 * terminal.c: see terminal.h.
 *
 * A FULL DISK must not hold the task up, and its reader must learn of it. What cannot be appended is a hole in the file, which
 * costs no room and is told from written bytes by SEEK_DATA, like old output whose room was given back. Since a hole consists
 * of whole blocks, bytes are dropped up to the end of a block before the file is written again.
 */
#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
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

/* Where the file cannot have a hole, nothing tells of the bytes but the log. */
static void leave_out(struct sv_terminal *t, size_t len) {
  if (ftruncate(t->out, (off_t)(t->size + len)) == 0) t->size += len;
  t->missing += len;
}

static size_t rest_of_block(const struct sv_terminal *t) {
  struct stat file;
  if (t->missing == 0 || fstat(t->out, &file) != 0 || !S_ISREG(file.st_mode)) return 0;
  const uint64_t block = (uint64_t)file.st_blksize;
  return (size_t)((block - t->size % block) % block);
}

static void append(struct sv_terminal *t, const uint8_t *bytes, size_t len) {
  size_t skipped = rest_of_block(t);
  if (skipped > len) skipped = len;
  if (skipped > 0) leave_out(t, skipped);
  while (skipped < len) {
    ssize_t n = write(t->out, bytes + skipped, len - skipped);
    if (n < 0) {
      if (t->missing == 0) sv_log("output of a terminal is not kept: %s", strerror(errno));
      leave_out(t, len - skipped);
      return;
    }
    if (t->missing > 0) sv_log("output of a terminal is kept again; %llu bytes are missing", (unsigned long long)t->missing);
    t->missing = 0;
    t->size += (size_t)n;
    skipped += (size_t)n;
  }
}

bool sv_terminal_copy(struct sv_terminal *t, size_t most) {
  static uint8_t bytes[COPY_BYTES];
  ssize_t n = 1;
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
