/*
 * conn_cases.c: connections, frames and the life of the server.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "harness.h"

static void bad_frames(void) {
  static const struct {
    const char *name;
    uint8_t bytes[32];
    size_t len;
  } cases[] = {
      {"oversized", {0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0, 0}, 9},
      {"no room for a type", {4, 0, 0, 0, 1, 0, 0, 0}, 8},
      {"unknown type", {5, 0, 0, 0, 200, 1, 0, 0, 0}, 9},
      {"start before hello", {5, 0, 0, 0, SV_START, 1, 0, 0, 0}, 9},
      {"short hello", {6, 0, 0, 0, SV_HELLO, 1, 0, 0, 0, 1}, 10},
      {"resume of nobody", {18, 0, 0, 0, SV_RESUME, 0, 0, 0, 0, 1, 0, 0, 0, 'a', 0, 0, 0, 0, 0, 0, 0, 0}, 22},
  };
  struct client *c = fresh();
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct client *bad = client_open_bare(state);
    CHECK(send(bad->fd, cases[i].bytes, cases[i].len, MSG_NOSIGNAL) == (ssize_t)cases[i].len);
    CHECK(client_read(bad) == NULL);
    client_close(bad);
  }
  struct client *bad = client_open(state);
  (void)client_send(bad, SV_START, "garbage", 7);
  CHECK(client_read(bad) == NULL);
  client_close(bad);
  bad = client_open_bare(state);
  client_refused(bad, client_send(bad, SV_HELLO, "\x09\0\0\0", 4), SV_ERR_VERSION);
  client_close(bad);
  (void)client_usage(c); /* nobody else noticed */
  client_close(c);
}

static void frames_cut(void) {
  struct client *c = fresh();
  uint8_t frame[SV_FRAME_HEADER];
  struct sv_writer w = sv_writer_of(frame, sizeof frame);
  sv_frame_end(&w, sv_frame_begin(&w, SV_USAGE, 77));
  for (size_t cut = 1; cut < sizeof frame; cut++) {
    CHECK(send(c->fd, frame, cut, 0) == (ssize_t)cut);
    CHECK(client_usage(client_open(state)).user_us < 1u << 30); /* the server has looked at the first piece by then */
    CHECK(send(c->fd, frame + cut, sizeof frame - cut, 0) == (ssize_t)(sizeof frame - cut));
    client_answer_is(c, 77, SV_USAGE_OK);
  }
  uint8_t many[SV_FRAME_HEADER * 500];
  for (size_t i = 0; i < 500; i++) memcpy(many + i * sizeof frame, frame, sizeof frame);
  CHECK(send(c->fd, many, sizeof many, 0) == (ssize_t)sizeof many);
  for (size_t i = 0; i < 500; i++) client_answer_is(c, 77, SV_USAGE_OK);
  client_close(c);
}

static void largest_frame(void) {
  struct client *c = fresh();
  char *argument = malloc(100001);
  CHECK(argument != NULL);
  memset(argument, 'x', 100000);
  argument[100000] = '\0';
  char *argv[] = {(char *)"/bin/true", argument, argument, argument, argument, argument, argument, argument, argument, argument, NULL};
  accepted(c, &(struct task){.id = "a", .argv = argv});
  CHECK(client_exited(c, "a").status == 0);
  free(argument);
  client_close(c);
}

static void slow_client(void) {
  struct client *c = fresh(), *slow = client_open(state);
  uint8_t frame[SV_FRAME_HEADER];
  struct sv_writer w = sv_writer_of(frame, sizeof frame);
  sv_frame_end(&w, sv_frame_begin(&w, SV_USAGE, 1));
  bool cut = false;
  for (int i = 0; i < 1000000 && !cut; i++) cut = send(slow->fd, frame, sizeof frame, MSG_NOSIGNAL) < 0;
  CHECK(cut);
  (void)client_usage(c);
  client_close(slow);
  client_close(c);
}

static void second_server(void) {
  struct client *c = fresh();
  CHECK(run_server(state) == 3);
  (void)client_usage(c);
  client_close(c);
  CHECK(run_server("/nowhere/state") == 1);
}

static void shutdown_when_idle(void) {
  struct client *c = fresh();
  accepted(c, &(struct task){.id = "a", .argv = sleep_argv});
  client_refused(c, client_send(c, SV_SHUTDOWN, NULL, 0), SV_ERR_BUSY);
  signaled(c, "a", SIGKILL, SV_SCOPE_TREE, 1);
  client_over(c, SV_EMPTY, "a");
  client_refused(c, client_send(c, SV_SHUTDOWN, NULL, 0), SV_ERR_BUSY);
  acknowledged(c, "a");
  client_answer_is(c, client_send(c, SV_SHUTDOWN, NULL, 0), SV_OK);
  await_end(c->server);
  CHECK(client_read(c) == NULL);
  client_close(c);
  client_close(fresh());
}

static void other_user(void) {
  if (geteuid() != 0) skip("only root can");
  struct client *c = fresh();
  /* A descriptor of the directory, taken as root: only the server's own check is left to refuse. */
  CHECK(chmod(state, 0711) == 0);
  char path[96];
  (void)snprintf(path, sizeof path, "%s/supervisor.sock", state);
  CHECK(chmod(path, 0666) == 0);
  CHECK(setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0);
  struct client *other = client_open_bare(state);
  uint8_t frame[SV_FRAME_HEADER + 4] = {9, 0, 0, 0, SV_HELLO, 1, 0, 0, 0, 1};
  (void)send(other->fd, frame, sizeof frame, MSG_NOSIGNAL);
  CHECK(client_read(other) == NULL);
  (void)client_usage(c);
  client_close(other);
  client_close(c);
}

static void long_state_path(void) {
  char path[400], *at = path + snprintf(path, sizeof path, "%s.long", state);
  CHECK(mkdir(path, 0700) == 0);
  for (int i = 0; i < 3; i++) {
    at += snprintf(at, (size_t)(path + sizeof path - at), "/%0100d", i);
    CHECK(mkdir(path, 0700) == 0);
  }
  CHECK(run_server(path) == 0);
  struct client *c = client_open(path);
  accepted(c, &(struct task){.id = "a", .argv = sleep_argv});
  client_over(c, SV_STARTED, "a");
  CHECK(kill(c->server, SIGKILL) == 0);
  await_end(c->server);
  client_close(c);
  CHECK(run_server(path) == 0);
  c = client_open(path);
  signaled(c, "a", SIGKILL, SV_SCOPE_TREE, 1); /* the monitor found the way back too */
  client_over(c, SV_EMPTY, "a");
  acknowledged(c, "a");
  client_close(c);
}

const struct test_case conn_cases[] = {
    {"frames that are bad close their connection only", bad_frames},
    {"frames cut at every byte, and many at once", frames_cut},
    {"frames close to the largest", largest_frame},
    {"clients that do not read are cut off", slow_client},
    {"main() of a second server exits 3", second_server},
    {"shutdown() only when nothing is left", shutdown_when_idle},
    {"connect() of another user is refused", other_user},
    {"main() with a state path longer than a socket's name", long_state_path},
    {NULL, NULL},
};
