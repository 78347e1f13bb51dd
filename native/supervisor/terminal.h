/*
 * terminal.h: a task's terminal, from the side of its line: a pseudo-terminal whose output goes to the task's stdout file.
 *
 * It knows no client and does not wait: the monitor's loop says when there is something to copy.
 */
#ifndef DROVER_SUPERVISOR_TERMINAL_H
#define DROVER_SUPERVISOR_TERMINAL_H

#include "message.h"

struct sv_terminal {
  int master; /* does not block; −1 once it was hung up */
  int slave;  /* kept open, so that a task which closes its own finds it again, and what it wrote can still be read */
  int out;    /* the file */
  uint64_t size; /* of the file */
  uint64_t missing; /* bytes that the disk has not taken, and that nothing tells of yet */
};

/* out is the task's stdout file. False with errno: then nothing is left open. */
bool sv_terminal_open(struct sv_terminal *t, const struct sv_start *start, int out);

void sv_terminal_resize(const struct sv_terminal *t, uint16_t rows, uint16_t columns);

/* Cuts the line: whoever has the terminal gets end of file and EIO, and its session's leader SIGHUP. */
void sv_terminal_hang_up(struct sv_terminal *t);

/*
 * Appends what has appeared to the file, some more than most bytes at the most. False when the line is dead for now: a task
 * has hung it up from its side, as login(1) does, and may open it again.
 */
bool sv_terminal_copy(struct sv_terminal *t, size_t most);

#endif
