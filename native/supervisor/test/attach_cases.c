/*
 * attach_cases.c: input and terminals.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"

static struct client *attach_to(const char *id) {
  char directory[160];
  (void)snprintf(directory, sizeof directory, "%s/attempts/%s", state, id);
  return client_open_at(directory, "attach");
}

/* With an output of its own. */
static struct sv_started run(struct client *c, const char *id, const char *script, uint32_t flags) {
  (void)unlink(out);
  char *argv[] = {(char *)"/bin/sh", (char *)"-c", (char *)(uintptr_t)script, NULL};
  accepted(c, &(struct task){.id = id, .argv = argv, .out = out, .err = err, .flags = flags, .rows = 24, .columns = 80});
  return client_started(c, id);
}

static void say_data(struct client *a, uint64_t offset, const void *data, size_t len) {
  static uint8_t bytes[SV_ATTACH_DATA_MAX + 12];
  struct sv_writer w = sv_writer_of(bytes, sizeof bytes);
  sv_put_u64(&w, offset);
  sv_put_u32(&w, (uint32_t)len);
  sv_put_bytes(&w, data, len);
  CHECK(!w.full);
  (void)client_send(a, SV_ATTACH_DATA, bytes, w.len);
}

static void type_in(struct client *a, uint64_t offset, const char *text) { say_data(a, offset, text, strlen(text)); }

static void say_offset(struct client *a, uint8_t type, uint64_t offset) {
  uint8_t bytes[8];
  struct sv_writer w = sv_writer_of(bytes, sizeof bytes);
  sv_put_u64(&w, offset);
  (void)client_send(a, type, bytes, w.len);
}

static void say_size(struct client *a, uint16_t rows, uint16_t columns) {
  uint8_t bytes[4];
  struct sv_writer w = sv_writer_of(bytes, sizeof bytes);
  sv_put_u16(&w, rows);
  sv_put_u16(&w, columns);
  (void)client_send(a, SV_ATTACH_RESIZE, bytes, w.len);
}

struct taken {
  uint64_t offset;
  bool over;
};

static struct taken hear_taken(struct client *a) {
  struct frame *f = client_read(a);
  CHECK(f != NULL && f->type == SV_ATTACH_TAKEN);
  struct sv_reader r = sv_reader_of(f->body, f->len);
  const struct taken t = {sv_get_u64(&r), sv_get_u8(&r) == 1};
  CHECK(sv_reader_done(&r));
  free(f);
  return t;
}

static void await_taken(struct client *a, uint64_t offset, bool over) {
  struct taken t;
  do t = hear_taken(a);
  while (t.offset < offset || t.over != over);
  CHECK(t.offset == offset);
}

static void await_closed(struct client *a) {
  struct frame *f;
  while ((f = client_read(a)) != NULL) free(f);
  client_close(a);
}

static uint64_t size_of(const char *path) {
  struct stat s;
  return stat(path, &s) == 0 ? (uint64_t)s.st_size : 0;
}

static bool says(const void *text) { return strstr(content(out), text) != NULL; }
static bool has_bytes(const void *size) { return size_of(out) >= *(const uint64_t *)size; }

/* Until the output is as it should be. */
static void await_output(bool (*is)(const void *), const void *what) {
  int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  CHECK(fd >= 0 && inotify_add_watch(fd, out, IN_MODIFY) >= 0);
  while (!is(what)) {
    struct pollfd p = {.fd = fd, .events = POLLIN};
    char events[4096];
    CHECK(poll(&p, 1, WAIT_MS) == 1 && read(fd, events, sizeof events) > 0);
  }
  (void)close(fd);
}

static void terminal_session(void) {
  struct client *c = fresh();
  (void)run(c, "a", "test -t 0 && test -t 1 && test -t 2 && stty size && echo own >/dev/tty; tty >&2; stty -a | grep -o ' iutf8'; exit 3", SV_START_TERMINAL);
  struct sv_exited e = client_exited(c, "a");
  CHECK(WEXITSTATUS(e.status) == 3 && e.err_bytes == 0 && e.out_bytes == size_of(out));
  CHECK(strncmp(content(out), "24 80\r\nown\r\n/dev/pts/", 21) == 0 && says(" iutf8\r\n"));
  client_over(c, SV_EMPTY, "a");
  acknowledged(c, "a");
  client_close(c);
}

static void terminal_input(void) {
  struct client *c = fresh();
  (void)run(c, "a", "stty -echo; trap 'stty size' WINCH; trap 'echo interrupted' INT; echo ready; "
                    "while ! read x; do :; done; echo got $x; while ! read x; do :; done; echo got $x",
            SV_START_TERMINAL);
  await_output(says, "ready");
  struct client *a = attach_to("a");
  await_taken(a, 0, false);
  type_in(a, 0, "\x03");
  await_output(says, "interrupted");
  type_in(a, 1, "one\n");
  await_output(says, "got one");
  say_size(a, 50, 132);
  await_output(says, "50 132");
  say_offset(a, SV_ATTACH_END, 5); /* says nothing of a terminal */
  client_close(a);
  a = attach_to("a");
  await_taken(a, 5, false);
  type_in(a, 1, "one\ntwo\n"); /* what was taken is passed over */
  CHECK(WEXITSTATUS(client_exited(c, "a").status) == 0);
  CHECK(says("got two") && strstr(strstr(content(out), "got one") + 1, "got one") == NULL);
  await_closed(a);
  client_close(c);
}

static void terminal_survives_server(void) {
  struct client *c = fresh();
  (void)run(c, "a", "stty -echo; read x; echo got $x; read x; echo got $x", SV_START_TERMINAL);
  struct client *a = attach_to("a");
  type_in(a, 0, "one\n");
  await_output(says, "got one");
  c = kill_and_restart(c);
  type_in(a, 4, "two\n");
  client_over(c, SV_EMPTY, "a");
  CHECK(says("got two"));
  client_close(a);
  client_close(c);
}

static void terminal_hung_up(void) {
  struct client *c = fresh();
  (void)run(c, "a", "trap 'exit 7' HUP; echo ready; while :; do read x || exit 8; done", SV_START_TERMINAL);
  await_output(says, "ready");
  struct client *a = attach_to("a");
  await_taken(a, 0, false);
  (void)client_send(a, SV_ATTACH_HANGUP, NULL, 0);
  await_taken(a, 0, true);
  const int code = WEXITSTATUS(client_exited(c, "a").status);
  CHECK(code == 7 || code == 8);
  client_close(a);
  (void)run(c, "b", "trap '' HUP; echo ready; read x; echo still; exec sleep 1000", SV_START_TERMINAL);
  await_output(says, "ready");
  a = attach_to("b");
  (void)client_send(a, SV_ATTACH_HANGUP, NULL, 0);
  await_taken(a, 0, true);
  type_in(a, 0, "passed over\n");
  client_close(a);
  signaled(c, "b", SIGKILL, SV_SCOPE_TREE, 1);
  client_over(c, SV_EMPTY, "b");
  struct sv_started s = run(c, "c", "exec sleep 1000", SV_START_TERMINAL);
  CHECK(kill(s.monitor, SIGSTOP) == 0);
  a = attach_to("c");
  (void)client_send(a, SV_ATTACH_HANGUP, NULL, 0);
  client_close(a); /* what was said before counts */
  CHECK(kill(s.monitor, SIGCONT) == 0);
  CHECK(WTERMSIG(client_exited(c, "c").status) == SIGHUP);
  client_close(c);
}

/* Every last byte is in the file when the end is told, over and over; and who stays does not hold the end back. */
static void terminal_drained(void) {
  struct client *c = fresh();
  char *argv[] = {(char *)"/bin/sh", (char *)"-c", (char *)"stty raw; printf '%08000d'; exit 4", NULL};
  for (int i = 0; i < 50; i++) {
    char id[16];
    (void)snprintf(id, sizeof id, "t%d", i);
    (void)unlink(out);
    accepted(c, &(struct task){.id = id, .argv = argv, .out = out, .flags = SV_START_TERMINAL, .rows = 24, .columns = 80});
    struct sv_exited e = client_exited(c, id);
    CHECK(WEXITSTATUS(e.status) == 4 && e.out_bytes == 8000 && size_of(out) == 8000);
    client_over(c, SV_EMPTY, id);
  }
  (void)run(c, "stays", "stty raw; trap '' HUP; yes & printf '%08000d'; exit 5", SV_START_TERMINAL);
  struct sv_exited e = client_exited(c, "stays");
  CHECK(WEXITSTATUS(e.status) == 5 && e.out_bytes >= 8000 && e.left_count == 1);
  uint64_t more = e.out_bytes + 100000; /* and is listened to on and on */
  await_output(has_bytes, &more);
  signaled(c, "stays", SIGKILL, SV_SCOPE_TREE, 1);
  client_over(c, SV_EMPTY, "stays");
  client_close(c);
}

/* As login(1) does: the line is hung up from the task's side, and opened again by its path. */
static void terminal_hung_up_by_task(void) {
  if (geteuid() != 0) skip("only root can");
  struct client *c = fresh();
  char fifo[80], script[200], line[80];
  int go = fifo_open(fifo);
  (void)snprintf(script, sizeof script, "trap '' HUP; t=$(tty); echo $t; read x <%s; echo again >$t; read x <$t; echo got $x >$t", fifo);
  (void)run(c, "a", script, SV_START_TERMINAL);
  await_output(says, "\r\n");
  (void)snprintf(line, sizeof line, "%.*s", (int)strcspn(content(out), "\r"), content(out));
  int fd = open(line, O_RDWR | O_NOCTTY | O_CLOEXEC);
  CHECK(fd >= 0 && ioctl(fd, TIOCVHANGUP) == 0 && close(fd) == 0);
  CHECK(write(go, "\n", 1) == 1);
  await_output(says, "again");
  struct client *a = attach_to("a");
  type_in(a, 0, "in\n");
  CHECK(WEXITSTATUS(client_exited(c, "a").status) == 0 && says("got in"));
  client_close(a);
  client_close(c);
}

static void terminal_held_up(void) {
  struct client *c = fresh();
  struct client *readers[2];
  (void)run(c, "a", "stty raw -echo; echo ready; head -c 3000000 /dev/zero | tr '\\0' x; echo done", SV_START_TERMINAL);
  await_output(says, "ready");
  client_over(c, SV_EMPTY, "a"); /* who is not read by a person runs on */
  CHECK(size_of(out) == 3000000 + 11);
  char fifo[80], script[200];
  int go = fifo_open(fifo);
  (void)snprintf(script, sizeof script, "stty raw -echo; echo ready; read x <%s; head -c 3000000 /dev/zero | tr '\\0' x; echo done", fifo);
  (void)run(c, "b", script, SV_START_TERMINAL);
  await_output(says, "ready");
  for (size_t i = 0; i < 2; i++) {
    readers[i] = attach_to("b");
    say_offset(readers[i], SV_ATTACH_READ, 0);
    await_taken(readers[i], 0, false);
  }
  CHECK(write(go, "\n", 1) == 1);
  uint64_t ahead = SV_ATTACH_AHEAD_MAX;
  await_output(has_bytes, &ahead);
  for (int i = 0; i < 20; i++) { /* the monitor has gone round so often */
    struct client *looks = attach_to("b");
    await_taken(looks, 0, false);
    client_close(looks);
  }
  CHECK(size_of(out) < ahead + (160u << 10));
  say_offset(readers[0], SV_ATTACH_READ, 1000000); /* the furthest counts */
  ahead += 1000000;
  await_output(has_bytes, &ahead);
  CHECK(size_of(out) < ahead + (160u << 10));
  client_close(readers[0]);
  client_close(readers[1]); /* and nobody holds it up who is not there */
  client_over(c, SV_EMPTY, "b");
  CHECK(size_of(out) == 3000000 + 11);
  client_close(c);
}

static void terminal_on_full_disk(void) {
  if (geteuid() != 0 || unshare(CLONE_NEWNS) != 0) skip("only root can");
  char disk[80], fifo[80], script[300];
  (void)snprintf(disk, sizeof disk, "%s.long", state);
  CHECK(mkdir(disk, 0700) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0);
  CHECK(mount("none", disk, "tmpfs", 0, "size=128k") == 0);
  CHECK(snprintf(out, sizeof out, "%s/out", disk) > 0);
  struct client *c = fresh();
  int go = fifo_open(fifo);
  (void)snprintf(script, sizeof script, "stty raw -echo; printf '%%0300001d'; rm %s/room; read x <%s; printf end", disk, fifo);
  char room[96];
  (void)snprintf(room, sizeof room, "%s/room", disk);
  int fd = open(room, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  CHECK(fd >= 0 && fallocate(fd, 0, 0, 8192) == 0 && close(fd) == 0);
  (void)run(c, "a", script, SV_START_TERMINAL);
  CHECK(write(go, "\n", 1) == 1); /* it comes to that: nothing holds it up */
  struct sv_exited e = client_exited(c, "a");
  const uint64_t kept = (128u << 10) - 8192;
  char tail[160] = "", *line;
  unsigned long long missing;
  fd = open(out, O_RDONLY | O_CLOEXEC);
  CHECK(fd >= 0 && pread(fd, tail, sizeof tail - 1, (off_t)kept - 2) > 0 && close(fd) == 0);
  CHECK(strncmp(tail, "00\r\n[drover: ", 13) == 0 && sscanf(tail + 13, "%llu", &missing) == 1);
  line = strstr(tail, " bytes of output could not be kept]\r\n");
  CHECK(line != NULL && missing > 100000);
  const uint64_t said = (uint64_t)(strchr(line, '\n') + 1 - (tail + 2));
  CHECK(e.out_bytes == size_of(out) && e.out_bytes - said + missing == 300001 + 3); /* every byte is there or counted */
  client_over(c, SV_EMPTY, "a");
  client_close(c);
  CHECK(umount2(disk, MNT_DETACH) == 0);
}

static void pipe_input(void) {
  static uint8_t bytes[SV_ATTACH_DATA_MAX];
  struct client *c = fresh();
  uint32_t sum = 0, rounds = 40;
  for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 7 + i / 251);
  (void)run(c, "a", "exec cat", SV_START_INPUT);
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
  (void)run(c, "a", script, SV_START_INPUT);
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
  (void)run(c, "a", "exec <&-; echo ready; exec sleep 1000", SV_START_INPUT);
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

static void bad_attach_frames(void) {
  static const struct {
    uint8_t type, bytes[16];
    size_t len;
  } cases[] = {
      {SV_ATTACH_DATA, {2, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 'x'}, 13}, /* behind what was taken */
      {SV_ATTACH_DATA, {0, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 'x'}, 13}, /* shorter than it says */
      {SV_ATTACH_DATA, {255, 255, 255, 255, 255, 255, 255, 255, 1, 0, 0, 0, 'x'}, 13},
      {SV_ATTACH_END, {1}, 8}, {SV_ATTACH_END, {0}, 7}, {SV_ATTACH_READ, {0}, 9},
      {SV_ATTACH_RESIZE, {0, 0, 80, 0}, 4}, {SV_ATTACH_RESIZE, {24, 0, 0, 0}, 4}, {SV_ATTACH_HANGUP, {0}, 1},
      {SV_ATTACH_TAKEN, {0}, 9}, {SV_HELLO, {2}, 4}, {200, {0}, 0},
  };
  struct client *c = fresh(), *all[SV_ATTACH_CLIENTS_MAX];
  (void)run(c, "a", "exec cat", SV_START_INPUT);
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
  (void)run(c, "a", "exec cat", SV_START_INPUT);
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
    {"terminal: a session of its own, and its output is the stdout file", terminal_session},
    {"terminal: input, Ctrl-C and size reach the task, and resume by offset", terminal_input},
    {"terminal: goes on without a server", terminal_survives_server},
    {"terminal: is hung up when asked", terminal_hung_up},
    {"terminal: may be hung up and opened again by its task", terminal_hung_up_by_task},
    {"terminal: the last bytes are there before the end is told", terminal_drained},
    {"terminal: a task is held up by a person who reads slowly, and by nobody else", terminal_held_up},
    {"terminal: a full disk holds nothing up, and a line says what is missing", terminal_on_full_disk},
    {"input: every byte comes once, over connections", pipe_input},
    {"input: waits for the task", pipe_flow},
    {"input: a task that closes it takes no more", pipe_closed_by_task},
    {"attach: bad frames close their connection only, and there is a limit", bad_attach_frames},
    {"attach: another user is refused", attach_other_user},
    {NULL, NULL},
};
