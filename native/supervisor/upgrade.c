/*
 * upgrade.c: see upgrade.h.
 */
#include "upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "usage.h"

#define PATIENCE_MS 5000 /* for starts on their way to get a record that names their monitor */

static struct {
  int lock;
  const char *state;
  bool wanted;
  uint64_t conn;
  uint32_t tag;
  int64_t until_ms;
  char path[PATH_MAX];
} upgrade = {.lock = -1};

bool sv_upgraded_parse(const char *text, struct sv_upgraded *u) {
  return sscanf(text, "%d,%d,%u,%llu,%d", &u->lock, &u->client, &u->tag, &u->nofile, &u->oom_score_adj) == 5 &&
         u->lock > STDERR_FILENO && u->client > STDERR_FILENO;
}

void sv_upgrade_prepare(int lock, const char *state) {
  upgrade.lock = lock;
  upgrade.state = state;
}

bool sv_upgrade(struct sv_conn *conn, struct sv_frame *f) {
  const char *path = sv_get_str(&f->body, SV_FRAME_MAX);
  if (!sv_reader_done(&f->body)) return false;
  if (path[0] != '/' || strlen(path) >= sizeof upgrade.path) return sv_refuse(conn, f->tag, SV_ERR_INVALID, 0, "path is not an absolute path");
  if (upgrade.wanted) return sv_refuse(conn, f->tag, SV_ERR_BUSY, 0, "the server is being upgraded");
  memcpy(upgrade.path, path, strlen(path) + 1);
  upgrade.wanted = true;
  upgrade.conn = conn->serial;
  upgrade.tag = f->tag;
  upgrade.until_ms = (int64_t)(sv_boottime_ns() / 1000000u) + PATIENCE_MS;
  return true;
}

bool sv_upgrade_waiting(void) { return upgrade.wanted; }

/*
 * A monitor that has not written its record would be unknown to who reads them next, and so would be one without an attempt,
 * which ends as soon as it is let go.
 */
static bool monitor_unrecorded(void) {
  struct sv_attempt *a = sv_attempt_after(0);
  while (a != NULL && !(a->state == SV_ATTEMPT_STARTING && !a->orphaned)) a = a->next;
  return a != NULL || sv_monitors_free();
}

static void keep_over_exec(int fd, bool keep) {
  if (fcntl(fd, F_SETFD, keep ? 0 : FD_CLOEXEC) != 0) sv_log("descriptor %d: %s", fd, strerror(errno));
}

/* Comes back only if it failed; then all is as it was. */
static int become(const struct sv_conn *client) {
  char handed[96];
  (void)snprintf(handed, sizeof handed, "%d,%d,%u,%llu,%d", upgrade.lock, client->source.fd, upgrade.tag,
                 (unsigned long long)sv_host.nofile.rlim_cur, sv_host.oom_score_adj);
  char *const argv[] = {upgrade.path, (char *)"--state", (char *)(uintptr_t)upgrade.state, (char *)"--upgraded", handed, NULL};
  sv_usage_refresh();
  keep_over_exec(upgrade.lock, true);
  keep_over_exec(client->source.fd, true);
  (void)execv(upgrade.path, argv);
  const int error = errno;
  keep_over_exec(upgrade.lock, false);
  keep_over_exec(client->source.fd, false);
  return error;
}

void sv_upgrade_try(int64_t now_ms) {
  if (!upgrade.wanted) return;
  sv_monitors_let_go();
  struct sv_conn *client = sv_conn_find(upgrade.conn);
  const bool late = now_ms >= upgrade.until_ms;
  if (client != NULL && monitor_unrecorded() && !late) return;
  upgrade.wanted = false;
  if (client == NULL) return;
  if (late) (void)sv_refuse(client, upgrade.tag, SV_ERR_BUSY, 0, "starts were on their way for 5 s");
  else (void)sv_refuse(client, upgrade.tag, SV_ERR_SYSTEM, become(client), "the binary cannot be executed");
  sv_conns_flush();
}

/* It may be gone, and connects again either way. */
void sv_upgraded_answer(const struct sv_upgraded *u) {
  uint8_t bytes[SV_FRAME_HEADER];
  struct sv_writer w = sv_writer_of(bytes, sizeof bytes);
  sv_frame_end(&w, sv_frame_begin(&w, SV_OK, u->tag));
  (void)!send(u->client, bytes, w.len, MSG_NOSIGNAL | MSG_DONTWAIT);
  (void)close(u->client);
}
