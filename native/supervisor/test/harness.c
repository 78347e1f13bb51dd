/*
 * harness.c: see harness.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness.h"

const char *binary;
char state[64];
char out[80], err[80];

int run_server(const char *directory) {
  pid_t pid = fork();
  if (pid == 0) {
    int null = open("/dev/null", O_WRONLY);
    (void)dup2(null, STDERR_FILENO);
    (void)execl(binary, binary, "--state", directory, (char *)NULL);
    _exit(126);
  }
  int status;
  while (waitpid(pid, &status, 0) != pid) CHECK(errno == EINTR);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

struct client *fresh(void) {
  CHECK(run_server(state) == 0);
  return client_open(state);
}

void await_end(pid_t pid) {
  int fd = pidfd_open(pid, 0);
  if (fd < 0 && errno == ESRCH) return;
  struct pollfd p = {.fd = fd, .events = POLLIN};
  CHECK(fd >= 0 && poll(&p, 1, WAIT_MS) == 1);
  (void)close(fd);
}

struct client *kill_and_restart(struct client *c) {
  pid_t server = c->server;
  client_close(c);
  CHECK(kill(server, SIGKILL) == 0);
  await_end(server);
  return fresh();
}

void accepted(struct client *c, const struct task *t) { client_answer_is(c, client_start(c, t), SV_OK); }

struct sv_started run_shell(struct client *c, const char *id, const char *script) {
  char *argv[] = {(char *)"/bin/sh", (char *)"-c", (char *)(uintptr_t)script, NULL};
  accepted(c, &(struct task){.id = id, .argv = argv, .out = out, .err = err});
  return client_started(c, id);
}

void signaled(struct client *c, const char *id, int signal, uint8_t scope, uint32_t at_least) {
  struct frame *f = client_answer(c, client_signal(c, id, signal, scope));
  struct sv_reader r = sv_reader_of(f->body, f->len);
  CHECK(f->type == SV_SIGNALED);
  (void)sv_get_i32(&r);
  CHECK(sv_get_u32(&r) >= at_least);
  free(f);
}

void acknowledged(struct client *c, const char *id) { client_answer_is(c, client_id(c, SV_ACK, id), SV_OK); }

char *content(const char *path) {
  static char text[8192];
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  CHECK(fd >= 0);
  ssize_t n = read(fd, text, sizeof text - 1);
  CHECK(n >= 0);
  text[n] = '\0';
  (void)close(fd);
  return text;
}

int fifo_open(char path[80]) {
  (void)snprintf(path, 80, "%s.fifo", state);
  CHECK(mkfifo(path, 0600) == 0);
  int fd = open(path, O_RDWR | O_CLOEXEC);
  CHECK(fd >= 0);
  return fd;
}

void fifo_await(int fd) {
  struct pollfd p = {.fd = fd, .events = POLLIN};
  char byte[16];
  CHECK(poll(&p, 1, WAIT_MS) == 1 && read(fd, byte, sizeof byte) > 0);
}

char *const true_argv[] = {(char *)"/bin/true", NULL};
char *const sleep_argv[] = {(char *)"/bin/sleep", (char *)"1000", NULL};
