/*
 * terminal.c: see terminal.h.
 */
#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static bool fail(struct sv_terminal *t) {
  int error = errno;
  sv_terminal_hang_up(t);
  errno = error;
  return false;
}

bool sv_terminal_open(struct sv_terminal *t, const struct sv_start *start) {
  const struct winsize size = {.ws_row = start->rows, .ws_col = start->columns};
  struct termios modes;
  int locked = 0;
  *t = (struct sv_terminal){.master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK), .slave = -1};
  if (t->master < 0 || ioctl(t->master, TIOCSPTLCK, &locked) != 0) return fail(t);
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
