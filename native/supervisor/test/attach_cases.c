/*
 * attach_cases.c: input and output through pipes, and the socket that they are attached to by.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attacher.h"

static void pipe_input(void) {
  static uint8_t bytes[SV_ATTACH_DATA_MAX];
  struct client *c = fresh();
  uint32_t sum = 0, rounds = 40;
  for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 7 + i / 251);
  (void)run_attached(c, "a", "exec cat", SV_START_INPUT);
  struct client *a = attach_to("a");
  for (uint32_t i = 0; i < rounds; i++) {
    say_data(a, (uint64_t)i * sizeof bytes, bytes, sizeof bytes);
    await_taken(a, (uint64_t)(i + 1) * sizeof bytes, false);
    if (i == 20) { /* another one goes on where this one was cut */
      say_data(a, (uint64_t)(i + 1) * sizeof bytes, bytes, 5);
      await_taken(a, (uint64_t)(i + 1) * sizeof bytes + 5, false);
      client_close(a);
      a = attach_to("a");
      await_taken(a, (uint64_t)(i + 1) * sizeof bytes + 5, false);
    }
  }
  say_offset(a, SV_ATTACH_END, (uint64_t)rounds * sizeof bytes);
  await_taken(a, (uint64_t)rounds * sizeof bytes, true);
  CHECK(WEXITSTATUS(client_exited(c, "a").status) == 0);
  CHECK(size_of(out) == (uint64_t)rounds * sizeof bytes);
  int fd = open(out, O_RDONLY | O_CLOEXEC);
  static uint8_t found[SV_ATTACH_DATA_MAX];
  for (uint32_t i = 0; i < rounds; i++) {
    CHECK(read(fd, found, sizeof found) == (ssize_t)sizeof found);
    sum += memcmp(found, bytes, sizeof bytes) != 0;
  }
  CHECK(sum == 0 && close(fd) == 0);
  client_close(a);
  client_close(c);
}

static void pipe_flow(void) {
  static uint8_t bytes[SV_ATTACH_DATA_MAX];
  struct client *c = fresh();
  char fifo[80], script[160];
  int go = fifo_open(fifo);
  (void)snprintf(script, sizeof script, "read x <%s; wc -c", fifo);
  (void)run_attached(c, "a", script, SV_START_INPUT);
  struct client *a = attach_to("a");
  await_taken(a, 0, false);
  for (uint64_t i = 0; i < 2; i++) say_data(a, i * sizeof bytes, bytes, sizeof bytes); /* the pipe holds one */
  await_taken(a, sizeof bytes, false);
  struct client *b = attach_to("a"); /* sends what is under way on the other one: it is written once */
  await_taken(b, sizeof bytes, false);
  say_data(b, 0, bytes, sizeof bytes);
  say_data(b, sizeof bytes, bytes, sizeof bytes);
  client_close(a);
  say_offset(b, SV_ATTACH_END, 2 * sizeof bytes);
  CHECK(write(go, "\n", 1) == 1);
  await_taken(b, 2 * sizeof bytes, true);
  client_over(c, SV_EMPTY, "a");
  CHECK(strcmp(content(out), "131072\n") == 0);
  client_close(b);
  client_close(c);
}

static void pipe_closed_by_task(void) {
  struct client *c = fresh();
  (void)run_attached(c, "a", "exec <&-; echo ready; exec sleep 1000", SV_START_INPUT);
  struct client *a = attach_to("a");
  await_taken(a, 0, true);
  type_in(a, 0, "passed over");
  say_offset(a, SV_ATTACH_END, 11);
  client_close(a);
  a = attach_to("a");
  await_taken(a, 0, true);
  signaled(c, "a", SIGKILL, SV_SCOPE_TREE, 1);
  client_over(c, SV_EMPTY, "a");
  await_closed(a);
  client_close(c);
}

static void output_held_up(void) {
  struct client *c = fresh();
  (void)run_attached(c, "a", "(head -c 500000 /dev/zero | tr '\\0' e >&2) & head -c 2000000 /dev/zero | tr '\\0' o; wait; exit 6", SV_START_PIPES);
  const uint64_t ahead = SV_ATTACH_AHEAD_MAX, slack = 160u << 10;
  await_output(has_bytes, &ahead);
  go_round("a");
  CHECK(size_of(out) < ahead + slack && size_of(err) < ahead + slack); /* although nobody reads yet */
  struct client *a = attach_to("a");
  await_taken(a, 0, true);
  say_read(a, 1, 1000000);
  const uint64_t further = 1000000 + ahead;
  await_output(has_bytes, &further);
  client_close(a); /* and it waits for whoever comes back */
  go_round("a");
  CHECK(size_of(out) < further + slack && size_of(err) < ahead + slack);
  a = attach_to("a");
  say_read(a, 2, 500000);
  say_read(a, 1, 2000000);
  struct sv_exited e = client_exited(c, "a");
  CHECK(WEXITSTATUS(e.status) == 6 && e.out_bytes == 2000000 && e.err_bytes == 500000);
  CHECK(size_of(out) == 2000000 && size_of(err) == 500000);
  client_over(c, SV_EMPTY, "a");
  client_close(a);
  client_close(c);
}

static void output_drained(void) {
  struct client *c = fresh();
  char *argv[] = {(char *)"/bin/sh", (char *)"-c", (char *)"printf '%060000d'; printf '%050000d' >&2; exit 4", NULL};
  for (int i = 0; i < 30; i++) {
    char id[16];
    (void)snprintf(id, sizeof id, "t%d", i);
    (void)unlink(out);
    (void)unlink(err);
    accepted(c, &(struct task){.id = id, .argv = argv, .out = out, .err = err, .flags = SV_START_PIPES});
    struct sv_exited e = client_exited(c, id);
    CHECK(WEXITSTATUS(e.status) == 4 && e.out_bytes == 60000 && e.err_bytes == 50000 && size_of(out) == 60000);
    client_over(c, SV_EMPTY, id);
  }
  (void)run_attached(c, "stays", "yes & echo first; exit 5", SV_START_PIPES | SV_START_INPUT);
  struct sv_exited e = client_exited(c, "stays");
  CHECK(WEXITSTATUS(e.status) == 5 && e.out_bytes >= 6 && e.left_count == 1);
  signaled(c, "stays", SIGKILL, SV_SCOPE_TREE, 1);
  client_over(c, SV_EMPTY, "stays");
  client_close(c);
}

static void pipes_cut(void) {
  struct client *c = fresh();
  (void)run_attached(c, "a", "yes; exit 7", SV_START_PIPES);
  (void)run_attached(c, "b", "cat; exit 8", SV_START_INPUT);
  struct client *a = attach_to("a"), *b = attach_to("b");
  (void)client_send(a, SV_ATTACH_HANGUP, NULL, 0);
  (void)client_send(b, SV_ATTACH_HANGUP, NULL, 0);
  CHECK(WEXITSTATUS(client_exited(c, "a").status) == 7);
  CHECK(WEXITSTATUS(client_exited(c, "b").status) == 8);
  client_close(a);
  client_close(b);
  client_close(c);
}

static void bad_attach_frames(void) {
  static const struct {
    uint8_t type, bytes[16];
    size_t len;
  } cases[] = {
      {SV_ATTACH_DATA, {2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 'x'}, 13}, /* behind what was taken */
      {SV_ATTACH_DATA, {0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 'x'}, 13}, /* shorter than it says */
      {SV_ATTACH_DATA, {255, 255, 255, 255, 255, 255, 255, 255, 1, 0, 0, 0, 'x'}, 13},
      {SV_ATTACH_END, {1}, 8}, {SV_ATTACH_END, {0}, 7}, {SV_ATTACH_READ, {1}, 8}, {SV_ATTACH_READ, {0}, 9}, {SV_ATTACH_READ, {3}, 9},
      {SV_ATTACH_RESIZE, {0, 0, 80, 0}, 4}, {SV_ATTACH_RESIZE, {24, 0, 0, 0}, 4}, {SV_ATTACH_HANGUP, {0}, 1},
      {SV_ATTACH_TAKEN, {0}, 9}, {SV_HELLO, {2}, 4}, {200, {0}, 0},
  };
  struct client *c = fresh(), *all[SV_ATTACH_CLIENTS_MAX];
  (void)run_attached(c, "a", "exec cat", SV_START_INPUT);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct client *bad = attach_to("a");
    (void)client_send(bad, cases[i].type, cases[i].bytes, cases[i].len);
    await_closed(bad);
  }
  struct client *bad = attach_to("a");
  CHECK(write(bad->fd, "\xff\xff\x0f\0\x60\0\0\0\0", 9) == 9); /* longer than a client may say, and never whole */
  static uint8_t zeros[SV_ATTACH_DATA_MAX + 100];
  CHECK(write(bad->fd, zeros, sizeof zeros) > 0);
  await_closed(bad);
  for (size_t i = 0; i < SV_ATTACH_CLIENTS_MAX; i++) await_taken(all[i] = attach_to("a"), 0, false);
  await_closed(attach_to("a")); /* one too many */
  client_close(all[0]);
  say_offset(all[1], SV_ATTACH_END, 0); /* nobody else noticed */
  client_over(c, SV_EMPTY, "a");
  for (size_t i = 1; i < SV_ATTACH_CLIENTS_MAX; i++) await_closed(all[i]);
  acknowledged(c, "a");
  char path[160];
  (void)snprintf(path, sizeof path, "%s/attempts/a", state);
  CHECK(access(path, F_OK) != 0);
  client_close(c);
}

static void attach_other_user(void) {
  if (geteuid() != 0) skip("only root can");
  struct client *c = fresh();
  char path[160];
  (void)run_attached(c, "a", "exec cat", SV_START_INPUT);
  const char *const parts[] = {"", "/attempts", "/attempts/a", "/attempts/a/attach"};
  for (size_t i = 0; i < 4; i++) {
    (void)snprintf(path, sizeof path, "%s%s", state, parts[i]);
    CHECK(chmod(path, 0777) == 0);
  }
  CHECK(setresgid(65534, 65534, 65534) == 0 && setresuid(65534, 65534, 65534) == 0);
  await_closed(attach_to("a"));
  CHECK(client_state(c, "a", NULL) == SV_ATTEMPT_RUNNING);
  client_close(c);
}

const struct test_case attach_cases[] = {
    {"input: every byte comes once, over connections", pipe_input},
    {"input: waits for the task", pipe_flow},
    {"input: a task that closes it takes no more", pipe_closed_by_task},
    {"output: waits for its reader, and for one who comes back", output_held_up},
    {"output: the last bytes are there before the end is told", output_drained},
    {"pipes: are cut when asked", pipes_cut},
    {"attach: bad frames close their connection only, and there is a limit", bad_attach_frames},
    {"attach: another user is refused", attach_other_user},
    {NULL, NULL},
};
