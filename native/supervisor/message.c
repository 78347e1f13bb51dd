/*
 * message.c: see message.h.
 */
#include "message.h"

#include <limits.h>
#include <string.h>

/* Counted arrays of numbers are refused by their count before a single element is read. */
static bool get_groups(struct sv_reader *r, struct sv_start *start) {
  start->group_count = sv_get_u32(r);
  if (start->group_count > SV_GROUPS_MAX) return false;
  for (uint32_t i = 0; i < start->group_count; i++) start->groups[i] = sv_get_u32(r);
  return true;
}

static bool get_rlimits(struct sv_reader *r, struct sv_start *start) {
  start->rlimit_count = sv_get_u32(r);
  if (start->rlimit_count > SV_RLIMITS_MAX) return false;
  for (uint32_t i = 0; i < start->rlimit_count; i++) {
    start->rlimits[i].resource = sv_get_u32(r);
    start->rlimits[i].soft = sv_get_u64(r);
    start->rlimits[i].hard = sv_get_u64(r);
  }
  return true;
}

static bool rlimits_valid(const struct sv_start *start) {
  for (uint32_t i = 0; i < start->rlimit_count; i++) {
    const struct sv_rlimit *l = &start->rlimits[i];
    if (l->resource >= RLIM_NLIMITS || l->soft > l->hard) return false;
  }
  return true;
}

/* A terminal and pipes exclude each other, and a file as stdin excludes a terminal and a pipe there. */
static bool stdio_valid(const struct sv_start *s) {
  const uint32_t pipes = s->flags & (SV_START_INPUT | SV_START_PIPES), terminal = s->flags & SV_START_TERMINAL;
  if (pipes != 0 && terminal != 0) return false;
  return (s->flags & (SV_START_INPUT | SV_START_TERMINAL)) == 0 || s->in[0] == '\0';
}

static bool path_valid(const char *path) { return path[0] == '/' && strlen(path) < PATH_MAX; }

static const char *explain_start(const struct sv_start *s) {
  const uint32_t flags = SV_START_SETUSER | SV_START_NO_NEW_PRIVS | SV_START_NICE | SV_START_OOM | SV_START_INPUT |
                         SV_START_TERMINAL | SV_START_PIPES;
  const struct {
    bool valid;
    const char *what;
  } checks[] = {
      {sv_id_valid(s->id), "id does not match ^[a-z0-9][a-z0-9._-]{0,79}$"},
      {(s->flags & ~flags) == 0, "flags has an unknown bit"},
      {(s->flags & SV_START_SETUSER) == 0 || (s->uid != (uint32_t)-1 && s->gid != (uint32_t)-1), "uid or gid is -1"},
      {s->umask <= 0777, "umask is above 0777"},
      {s->nice >= -20 && s->nice <= 19, "nice is not within -20 and 19"},
      {s->oom_score_adj >= -1000 && s->oom_score_adj <= 1000, "oom_score_adj is not within -1000 and 1000"},
      {rlimits_valid(s), "rlimits has an unknown resource or soft above hard"},
      {path_valid(s->cwd), "cwd is not an absolute path"},
      {s->in[0] == '\0' || path_valid(s->in), "stdin is neither empty nor an absolute path"},
      {stdio_valid(s), "stdin, stdout and stderr are more than one of a file, a pipe and a terminal"},
      {path_valid(s->out), "stdout is not an absolute path"},
      {path_valid(s->err), "stderr is not an absolute path"},
      {path_valid(s->path), "path is not an absolute path"},
      {s->argc > 0, "argv is empty"},
  };
  for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++) {
    if (!checks[i].valid) return checks[i].what;
  }
  return NULL;
}

const char *sv_decode_start(struct sv_reader *r, struct sv_start *s) {
  s->id = sv_get_str(r, SV_FRAME_MAX);
  s->flags = sv_get_u32(r);
  s->uid = sv_get_u32(r);
  s->gid = sv_get_u32(r);
  if (!get_groups(r, s)) return "groups has more than 256 elements";
  s->umask = sv_get_u32(r);
  s->nice = sv_get_i32(r);
  s->oom_score_adj = sv_get_i32(r);
  if (!get_rlimits(r, s)) return "rlimits has more than 16 elements";
  s->cpu_millis = sv_get_u32(r);
  s->memory_bytes = sv_get_u64(r);
  s->processes = sv_get_u32(r);
  s->rows = sv_get_u16(r);
  s->columns = sv_get_u16(r);
  char **const paths[] = {&s->cwd, &s->in, &s->out, &s->err, &s->path};
  for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) *paths[i] = sv_get_str(r, SV_FRAME_MAX);
  s->argc = sv_get_strs(r, s->argv, SV_ARGV_MAX);
  s->envc = sv_get_strs(r, s->env, SV_ENV_MAX);
  if (!sv_reader_done(r)) {
    r->bad = true;
    return "the body is malformed";
  }
  return explain_start(s);
}

bool sv_start_has_limits(const struct sv_start *s) { return s->cpu_millis > 0 || s->memory_bytes > 0 || s->processes > 0; }

bool sv_start_is_plain(const struct sv_start *s) {
  return (s->flags & (SV_START_INPUT | SV_START_TERMINAL | SV_START_PIPES)) == 0 && !sv_start_has_limits(s);
}

void sv_put_started(struct sv_writer *w, const struct sv_started *s) {
  sv_put_i32(w, s->pid);
  sv_put_u64(w, s->start_ticks);
  sv_put_i64(w, s->wall_ms);
  sv_put_i32(w, s->monitor);
}

void sv_put_not_started(struct sv_writer *w, const char *step, int error) {
  sv_put_str(w, step);
  sv_put_i32(w, error);
}

static void get_command(struct sv_reader *r, struct sv_left *left) {
  const char *command = sv_get_str(r, SV_COMMAND_MAX);
  memcpy(left->command, command, strlen(command) + 1);
}

static void put_group(struct sv_writer *w, const struct sv_group *g) {
  sv_put_u64(w, g->memory_peak_bytes);
  sv_put_u64(w, g->cpu_us);
  sv_put_u32(w, g->oom_kills);
}

static struct sv_group get_group(struct sv_reader *r) {
  struct sv_group g;
  g.memory_peak_bytes = sv_get_u64(r);
  g.cpu_us = sv_get_u64(r);
  g.oom_kills = sv_get_u32(r);
  return g;
}

void sv_put_exited(struct sv_writer *w, const struct sv_exited *e) {
  sv_put_i32(w, e->status);
  sv_put_usage(w, &e->usage);
  sv_put_i64(w, e->wall_ms);
  sv_put_u64(w, e->out_bytes);
  sv_put_u64(w, e->err_bytes);
  sv_put_u32(w, e->left_count);
  for (uint32_t i = 0; i < e->left_count; i++) {
    sv_put_i32(w, e->left[i].pid);
    sv_put_str(w, e->left[i].command);
  }
  put_group(w, &e->group);
}

void sv_put_empty(struct sv_writer *w, const struct sv_empty *e) {
  sv_put_i64(w, e->wall_ms);
  sv_put_u64(w, e->out_bytes);
  sv_put_u64(w, e->err_bytes);
  put_group(w, &e->group);
}

void sv_put_lost(struct sv_writer *w, const char *reason, int64_t wall_ms) {
  sv_put_str(w, reason);
  sv_put_i64(w, wall_ms);
}

bool sv_get_started(struct sv_reader *r, struct sv_started *s) {
  s->pid = sv_get_i32(r);
  s->start_ticks = sv_get_u64(r);
  s->wall_ms = sv_get_i64(r);
  s->monitor = sv_get_i32(r);
  return sv_reader_done(r) && s->pid > 0;
}

bool sv_get_exited(struct sv_reader *r, struct sv_exited *e) {
  e->status = sv_get_i32(r);
  e->usage = sv_get_usage(r);
  e->wall_ms = sv_get_i64(r);
  e->out_bytes = sv_get_u64(r);
  e->err_bytes = sv_get_u64(r);
  e->left_count = sv_get_u32(r);
  if (e->left_count > SV_LEFTOVERS_MAX) r->bad = true;
  for (uint32_t i = 0; i < e->left_count && !r->bad; i++) {
    e->left[i].pid = sv_get_i32(r);
    get_command(r, &e->left[i]);
  }
  e->group = get_group(r);
  return sv_reader_done(r);
}

bool sv_get_empty(struct sv_reader *r, struct sv_empty *e) {
  e->wall_ms = sv_get_i64(r);
  e->out_bytes = sv_get_u64(r);
  e->err_bytes = sv_get_u64(r);
  e->group = get_group(r);
  return sv_reader_done(r);
}

void sv_put_signaled(struct sv_writer *w, const struct sv_signaled *s) {
  sv_put_i32(w, s->pid);
  sv_put_u32(w, s->reached);
  sv_put_u32(w, s->count);
  for (uint32_t i = 0; i < s->count; i++) {
    sv_put_i32(w, s->procs[i].pid);
    sv_put_u8(w, (uint8_t)s->procs[i].state);
    sv_put_str(w, s->procs[i].command);
  }
}

bool sv_get_signaled(struct sv_reader *r, struct sv_signaled *s) {
  s->pid = sv_get_i32(r);
  s->reached = sv_get_u32(r);
  s->count = sv_get_u32(r);
  if (s->count > SV_LEFTOVERS_MAX) r->bad = true;
  for (uint32_t i = 0; i < s->count && !r->bad; i++) {
    s->procs[i].pid = sv_get_i32(r);
    s->procs[i].state = (char)sv_get_u8(r);
    get_command(r, &s->procs[i]);
  }
  return sv_reader_done(r);
}

void sv_put_sampled(struct sv_writer *w, const struct sv_sampled *s) {
  const uint64_t wide[] = {s->user_us, s->system_us, s->rss_bytes, s->group_bytes, s->out_bytes, s->err_bytes};
  sv_put_u32(w, s->processes);
  sv_put_u32(w, s->threads);
  for (size_t i = 0; i < sizeof wide / sizeof wide[0]; i++) sv_put_u64(w, wide[i]);
}

bool sv_get_sampled(struct sv_reader *r, struct sv_sampled *s) {
  uint64_t *const wide[] = {&s->user_us, &s->system_us, &s->rss_bytes, &s->group_bytes, &s->out_bytes, &s->err_bytes};
  s->processes = sv_get_u32(r);
  s->threads = sv_get_u32(r);
  for (size_t i = 0; i < sizeof wide / sizeof wide[0]; i++) *wide[i] = sv_get_u64(r);
  return sv_reader_done(r);
}
