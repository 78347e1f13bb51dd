/*
 * outlet.h: one stream of a task's output on its way from a terminal or a pipe to its file.
 */
#ifndef DROVER_SUPERVISOR_OUTLET_H
#define DROVER_SUPERVISOR_OUTLET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sv_outlet {
  int from;         /* does not block; −1 when nothing comes from there any more */
  int to;           /* the file; −1 where there is no such stream */
  uint64_t size;    /* of the file */
  uint64_t missing; /* bytes that the disk has not taken, and that nothing tells of yet */
};

/* False with errno when the file cannot be looked at. */
bool sv_outlet_open(struct sv_outlet *o, int from, int to);

/*
 * Appends what has come to the file, some more than most bytes at the most. False when nobody can write to it: for good where
 * it is a pipe, for now where it is a terminal.
 */
bool sv_outlet_copy(struct sv_outlet *o, size_t most);

#endif
