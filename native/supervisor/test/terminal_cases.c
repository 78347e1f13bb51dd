/*
 * terminal_cases.c: tasks with a terminal.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attacher.h"

static void terminal_session(void) {
  struct client *c = fresh();
  (void)run_attached(c, "a", "test -t 0 && test -t 1 && test -t 2 && stty size && echo own >/dev/tty; tty >&2; stty -a | grep -o ' iutf8'; exit 3", SV_START_TERMINAL);
  struct sv_exited e = client_exited(c, "a");
  CHECK(WEXITSTATUS(e.status) == 3 && e.err_bytes == 0 && e.out_bytes == size_of(out));
  CHECK(strncmp(content(out), "24 80\r\nown\r\n/dev/pts/", 21) == 0 && says(" iutf8\r\n"));
  client_over(c, SV_EMPTY, "a");
  acknowledged(c, "a");
  client_close(c);
}

static void terminal_input(void) {
  struct client *c = fresh();
  (void)run_attached(c, "a", "stty -echo; trap 'stty size' WINCH; trap 'echo interrupted' INT; echo ready; "
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
  (void)run_attached(c, "a", "stty -echo; read x; echo got $x; read x; echo got $x", SV_START_TERMINAL);
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
  (void)run_attached(c, "a", "trap 'exit 7' HUP; echo ready; while :; do read x || exit 8; done", SV_START_TERMINAL);
  await_output(says, "ready");
  struct client *a = attach_to("a");
  await_taken(a, 0, false);
  (void)client_send(a, SV_ATTACH_HANGUP, NULL, 0);
  await_taken(a, 0, true);
  const int code = WEXITSTATUS(client_exited(c, "a").status);
  CHECK(code == 7 || code == 8);
  client_close(a);
  (void)run_attached(c, "b", "trap '' HUP; echo ready; read x; echo still; exec sleep 1000", SV_START_TERMINAL);
  await_output(says, "ready");
  a = attach_to("b");
  (void)client_send(a, SV_ATTACH_HANGUP, NULL, 0);
  await_taken(a, 0, true);
  type_in(a, 0, "passed over\n");
  client_close(a);
  signaled(c, "b", SIGKILL, SV_SCOPE_TREE, 1);
  client_over(c, SV_EMPTY, "b");
  struct sv_started s = run_attached(c, "c", "exec sleep 1000", SV_START_TERMINAL);
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
  (void)run_attached(c, "stays", "stty raw; trap '' HUP; yes & printf '%08000d'; exit 5", SV_START_TERMINAL);
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
  (void)run_attached(c, "a", script, SV_START_TERMINAL);
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
  (void)run_attached(c, "a", "stty raw -echo; echo ready; head -c 3000000 /dev/zero | tr '\\0' x; echo done", SV_START_TERMINAL);
  await_output(says, "ready");
  client_over(c, SV_EMPTY, "a"); /* who is not read by a person runs on */
  CHECK(size_of(out) == 3000000 + 11);
  char fifo[80], script[200];
  int go = fifo_open(fifo);
  (void)snprintf(script, sizeof script, "stty raw -echo; echo ready; read x <%s; head -c 3000000 /dev/zero | tr '\\0' x; echo done", fifo);
  (void)run_attached(c, "b", script, SV_START_TERMINAL);
  await_output(says, "ready");
  for (size_t i = 0; i < 2; i++) {
    readers[i] = attach_to("b");
    say_read(readers[i], 1, 0);
    await_taken(readers[i], 0, false);
  }
  CHECK(write(go, "\n", 1) == 1);
  uint64_t ahead = SV_ATTACH_AHEAD_MAX;
  await_output(has_bytes, &ahead);
  go_round("b");
  CHECK(size_of(out) < ahead + (160u << 10));
  say_read(readers[0], 1, 1000000); /* the furthest counts */
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
  (void)run_attached(c, "a", script, SV_START_TERMINAL);
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

const struct test_case terminal_cases[] = {
    {"terminal: a session of its own, and its output is the stdout file", terminal_session},
    {"terminal: input, Ctrl-C and size reach the task, and resume by offset", terminal_input},
    {"terminal: goes on without a server", terminal_survives_server},
    {"terminal: is hung up when asked", terminal_hung_up},
    {"terminal: may be hung up and opened again by its task", terminal_hung_up_by_task},
    {"terminal: the last bytes are there before the end is told", terminal_drained},
    {"terminal: a task is held up by a person who reads slowly, and by nobody else", terminal_held_up},
    {"terminal: a full disk holds nothing up, and a line says what is missing", terminal_on_full_disk},
    {NULL, NULL},
};
