/*
 * attacher.h: the client's side of ATTACH for the cases of server_test, and what tasks with a terminal or pipes have printed.
 */
#ifndef DROVER_SUPERVISOR_TEST_ATTACHER_H
#define DROVER_SUPERVISOR_TEST_ATTACHER_H

#include "harness.h"

struct taken {
  uint64_t offset;
  bool over;
};

struct sv_started run_attached(struct client *c, const char *id, const char *script, uint32_t flags); /* with an output of its own */
struct client *attach_to(const char *id);

void say_data(struct client *a, uint64_t offset, const void *data, size_t len);
void type_in(struct client *a, uint64_t offset, const char *text);
void say_offset(struct client *a, uint8_t type, uint64_t offset);
void say_read(struct client *a, uint8_t stream, uint64_t offset);
void say_size(struct client *a, uint16_t rows, uint16_t columns);

struct taken hear_taken(struct client *a);
void await_taken(struct client *a, uint64_t offset, bool over);
void await_closed(struct client *a); /* and closes it */
void go_round(const char *id);       /* until the monitor has gone round its loop some times */

uint64_t size_of(const char *path);
bool says(const void *text);
bool has_bytes(const void *size);
void await_output(bool (*is)(const void *), const void *what); /* until the output is as it should be */

#endif
