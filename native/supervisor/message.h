/*
 * message.h: the messages that the supervisor itself decodes or composes, over wire.h.
 *
 * A notice's body without its id is also the body of the record on disk and of what a monitor tells its server, so each is
 * written in one place only. Nothing here does I/O.
 */
#ifndef DROVER_SUPERVISOR_MESSAGE_H
#define DROVER_SUPERVISOR_MESSAGE_H

#include <sys/types.h>

#include "protocol.h"
#include "wire.h"

struct sv_rlimit {
  uint32_t resource;
  uint64_t soft, hard;
};

/* A decoded SV_START. Its strings lie in the frame that it came in. */
struct sv_start {
  char *id;
  uint32_t flags;
  uint32_t uid, gid;
  uint32_t group_count;
  gid_t groups[SV_GROUPS_MAX];
  uint32_t umask;
  int32_t nice;
  int32_t oom_score_adj;
  uint32_t rlimit_count;
  struct sv_rlimit rlimits[SV_RLIMITS_MAX];
  uint32_t cpu_millis; /* limits of the attempt's cgroup; 0 for none */
  uint64_t memory_bytes;
  uint32_t processes;
  uint16_t rows, columns; /* of a terminal */
  char *cwd, *in, *out, *err, *path;
  size_t argc, envc;
  char *argv[SV_ARGV_MAX + 1];
  char *env[SV_ENV_MAX + 2]; /* the supervisor adds one: tag.h */
};

struct sv_left {
  pid_t pid;
  char state; /* of procs; pids do not say it */
  char command[SV_COMMAND_MAX + 1];
};

/* What a cgroup counted; 0 where there is none that counts. */
struct sv_group {
  uint64_t memory_peak_bytes, cpu_us;
  uint32_t oom_kills;
};

struct sv_started {
  pid_t pid;
  uint64_t start_ticks;
  int64_t wall_ms;
  pid_t monitor;
};

struct sv_exited {
  int32_t status;
  struct sv_usage usage;
  int64_t wall_ms;
  uint64_t out_bytes, err_bytes;
  uint32_t left_count;
  struct sv_left left[SV_LEFTOVERS_MAX];
  struct sv_group group;
};

struct sv_empty {
  int64_t wall_ms;
  uint64_t out_bytes, err_bytes;
  struct sv_group group;
};

struct sv_signaled {
  pid_t pid;
  uint32_t reached;
  uint32_t count;
  struct sv_left procs[SV_LEFTOVERS_MAX];
};

struct sv_sampled {
  uint32_t processes, threads;
  uint64_t user_us, system_us, rss_bytes, group_bytes, out_bytes, err_bytes;
};

/* What decoding a START found: NULL when all is in its range, else which value is not. bad says that the frame is malformed. */
const char *sv_decode_start(struct sv_reader *r, struct sv_start *start);

bool sv_start_has_limits(const struct sv_start *start); /* of a cgroup */

/* Without limits, pipes and a terminal, nothing of it has to stay in its monitor, which may then have another. */
bool sv_start_is_plain(const struct sv_start *start);

void sv_put_started(struct sv_writer *w, const struct sv_started *s);
void sv_put_not_started(struct sv_writer *w, const char *step, int error);
void sv_put_exited(struct sv_writer *w, const struct sv_exited *e);
void sv_put_empty(struct sv_writer *w, const struct sv_empty *e);
void sv_put_signaled(struct sv_writer *w, const struct sv_signaled *s);
void sv_put_sampled(struct sv_writer *w, const struct sv_sampled *s);
void sv_put_lost(struct sv_writer *w, const char *reason, int64_t wall_ms);

bool sv_get_started(struct sv_reader *r, struct sv_started *s);
bool sv_get_exited(struct sv_reader *r, struct sv_exited *e);
bool sv_get_empty(struct sv_reader *r, struct sv_empty *e);
bool sv_get_signaled(struct sv_reader *r, struct sv_signaled *s);
bool sv_get_sampled(struct sv_reader *r, struct sv_sampled *s);

#endif
