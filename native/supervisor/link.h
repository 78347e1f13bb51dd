/*
 * link.h: a monitor's end of its connection to the server, made again when the server died.
 *
 * Keeps what was told, and tells all of it again to a new server. Never blocks: a server that does not read is as good as
 * a dead one, and the record has what it misses.
 */
#ifndef DROVER_SUPERVISOR_LINK_H
#define DROVER_SUPERVISOR_LINK_H

#include "protocol.h"
#include "wire.h"

#define SV_LINK_KEPT_MAX 4096 /* STARTED, EXITED with all of its leftovers, EMPTY */
#define SV_LINK_HEARD_MAX 1024
#define SV_LINK_ANSWER_MAX 2048 /* SIGNALED with all of its processes */
#define SV_LINK_RETRY_MIN_MS 50
#define SV_LINK_RETRY_MAX_MS 1000

struct sv_link {
  int fd; /* −1 while there is no server */
  char id[SV_ID_MAX + 1];
  uint64_t start_ticks; /* of this monitor, by which the server knows it */
  int retry_ms;
  int64_t retry_at_ms;
  int64_t since_ms; /* of the connection */
  struct sv_writer kept;
  size_t sent; /* of kept, on this connection */
  size_t heard, parsed;
  uint8_t kept_bytes[SV_LINK_KEPT_MAX];
  uint8_t heard_bytes[SV_LINK_HEARD_MAX];
};

void sv_link_init(struct sv_link *link, uint64_t start_ticks, int fd);
void sv_link_begin(struct sv_link *link, const char *id); /* of a further attempt: what is kept of the one before is forgotten */
void sv_link_keep(struct sv_link *link, uint8_t type, const void *body, size_t len);
void sv_link_send_kept(struct sv_link *link);
void sv_link_answer(struct sv_link *link, uint8_t type, uint32_t tag, const struct sv_writer *body);

/* The next frame that was heard; false when there is none. Its body is good until the next call. */
bool sv_link_next(struct sv_link *link, struct sv_frame *frame);

/* What poll may wait: −1 while there is a server. */
int sv_link_wait_ms(const struct sv_link *link);

/* Looks for a server when there is none and it is time to. */
void sv_link_resume(struct sv_link *link);
void sv_link_lost(struct sv_link *link);

#endif
