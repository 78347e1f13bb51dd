/*
 * client.h: a small client of protocol.h for the tests. It waits for events, with a limit, and never sleeps; what does not
 * come in time, or is not what was expected, ends the process with a line that says so.
 */
#ifndef DROVER_SUPERVISOR_TEST_CLIENT_H
#define DROVER_SUPERVISOR_TEST_CLIENT_H

#include "../message.h"

#define WAIT_MS 10000

#define CHECK(what) check((what), #what, __FILE__, __LINE__)
void check(bool holds, const char *what, const char *file, int line);

struct frame {
  struct frame *next;
  uint8_t type;
  uint32_t tag;
  size_t len;
  uint8_t body[4096];
};

struct client {
  int fd;
  int32_t server;
  uint32_t tag;
  size_t len;
  uint8_t bytes[1 << 16];
  struct frame *notices, **notices_end; /* that came while something else was awaited */
};

struct task {
  const char *id;
  char *const *argv; /* NULL ended; argv[0] is the path */
  const char *cwd, *out, *err;
  uint32_t flags, uid, gid;
  uint32_t rlimit_resource; /* with rlimit_soft != 0 */
  uint64_t rlimit_soft;
  bool tagged; /* with SV_TAG in its environment */
  uint32_t cpu_millis, processes;
  uint64_t memory_bytes;
  uint16_t rows, columns;
};

struct client *client_open(const char *state);     /* and says hello */
struct client *client_open_bare(const char *state); /* does not */
struct client *client_open_at(const char *directory, const char *name); /* of any socket that speaks frames */
void client_close(struct client *c);
uint32_t client_send(struct client *c, uint8_t type, const void *body, size_t len);
uint32_t client_start(struct client *c, const struct task *task);
uint32_t client_signal(struct client *c, const char *id, int signal, uint8_t scope);
uint32_t client_id(struct client *c, uint8_t type, const char *id); /* a request whose body is an id */

/* The next frame. NULL when the server closed the connection. Free it. */
struct frame *client_read(struct client *c);

/* The answer with that tag; notices before it are kept. */
struct frame *client_answer(struct client *c, uint32_t tag);
void client_answer_is(struct client *c, uint32_t tag, uint8_t type);
int client_refused(struct client *c, uint32_t tag, uint32_t error); /* the errno */

/* The notice of that type about that id; others stay kept. Its body then begins behind the id. */
struct frame *client_notice(struct client *c, uint8_t type, const char *id);
struct sv_started client_started(struct client *c, const char *id);
struct sv_exited client_exited(struct client *c, const char *id);
void client_over(struct client *c, uint8_t type, const char *id); /* and forgets the body */
void client_not_started(struct client *c, const char *id, const char *step, int error);
char *client_lost(struct client *c, const char *id); /* the reason; free it */
struct sv_usage client_usage(struct client *c);
struct sv_sampled client_sample(struct client *c, const char *id);
uint32_t client_punch(struct client *c, const char *id, uint8_t stream, uint64_t end);

/* State of an attempt by SV_LIST; 0 when it is not in it. */
uint8_t client_state(struct client *c, const char *id, struct sv_exited *exited);

/* Why one is lost that was never told to have started, by SV_LIST; NULL when it is not. Free it. */
char *client_reason(struct client *c, const char *id);

#endif
