/*
 * terminal.h: a task's terminal, a pseudo-terminal, from the side of its line. It copies nothing and knows no client.
 */
#ifndef DROVER_SUPERVISOR_TERMINAL_H
#define DROVER_SUPERVISOR_TERMINAL_H

#include "message.h"

struct sv_terminal {
  int master; /* does not block; −1 once it was hung up */
  int slave;  /* kept open, so that a task which closes its own finds it again, and what it wrote can still be read */
};

/* False with errno: then nothing is left open. */
bool sv_terminal_open(struct sv_terminal *t, const struct sv_start *start);

void sv_terminal_resize(const struct sv_terminal *t, uint16_t rows, uint16_t columns);

/* Cuts the line: whoever has the terminal gets end of file and EIO, and its session's leader SIGHUP. */
void sv_terminal_hang_up(struct sv_terminal *t);

#endif
