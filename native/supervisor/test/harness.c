/*
 * harness.c: see harness.h.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../tree.h"
#include "harness.h"

const char *binary;
char *skip_reason;
char state[64];
char out[80], err[80];

_Noreturn void skip(const char *reason) {
  (void)snprintf(skip_reason, SKIP_REASON_MAX, "%s", reason);
  _exit(SKIPPED);
}

/* Opened while it still can be: the way to it may be closed to others. */
static int binary_fd = -1;

void become_nobody(void) {
  const uid_t nobody = 65534;
  binary_fd = open(binary, O_PATH);
  CHECK(binary_fd >= 0 && mkdir(state, 0700) == 0 && chown(state, nobody, nobody) == 0);
  CHECK(setgroups(0, NULL) == 0 && setresgid(nobody, nobody, nobody) == 0 && setresuid(nobody, nobody, nobody) == 0);
  CHECK(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0); /* or /proc/self is still root's */
}

static void execute(const char *directory) {
  char *const argv[] = {(char *)(uintptr_t)binary, (char *)"--state", (char *)(uintptr_t)directory, NULL};
  if (binary_fd >= 0) (void)fexecve(binary_fd, argv, environ);
  else (void)execv(binary, argv);
}

int run_server(const char *directory) {
  pid_t pid = fork();
  if (pid == 0) {
    int null = open("/dev/null", O_WRONLY);
    (void)dup2(null, STDERR_FILENO);
    execute(directory);
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

void await_reaped(struct client *c, pid_t pid) {
  await_end(pid);
  while (kill(pid, 0) == 0) (void)client_usage(c); /* by the next round, at most */
  (void)client_usage(c);
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

void await_state(struct client *c, const char *id, uint8_t expected) {
  while (client_state(c, id, NULL) != expected) CHECK(sched_yield() == 0);
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

static bool is_there(const char *directory) { return mkdir(directory, 0700) == 0 || errno == EEXIST; }

void write_record(const char *id, const struct sv_claim *claim, const struct sv_started *started, const struct sv_exited *exited) {
  uint8_t bytes[1024];
  struct sv_writer w = sv_writer_of(bytes, sizeof bytes);
  size_t at = sv_record_begin(&w, SV_RECORD_CLAIMED);
  if (claim != NULL) sv_put_claim(&w, claim);
  sv_record_end(&w, at);
  if (claim == NULL) w.len = at;
  at = sv_record_begin(&w, SV_STARTED);
  if (started != NULL) sv_put_started(&w, started);
  sv_record_end(&w, at);
  if (started == NULL) w.len = at;
  at = sv_record_begin(&w, SV_EXITED);
  if (exited != NULL) sv_put_exited(&w, exited);
  sv_record_end(&w, at);
  if (exited == NULL) w.len = at;
  CHECK(is_there(state) && chdir(state) == 0 && is_there("attempts"));
  int fd = sv_record_create(id);
  CHECK(fd >= 0 && sv_record_append(fd, &w) && close(fd) == 0 && chdir("/") == 0);
}

uint64_t burn(struct client *c, const char *id, uint64_t user_us_before, struct sv_usage *total) {
  struct sv_started s = run_shell(c, id, BURN);
  const uint64_t used = client_exited(c, id).usage.user_us;
  client_over(c, SV_EMPTY, id);
  await_reaped(c, s.monitor);
  *total = client_usage(c);
  CHECK(total->user_us >= user_us_before + used);
  return used;
}

size_t count_named(const char *name) {
  size_t count = 0;
  DIR *all = opendir("/proc");
  CHECK(all != NULL);
  const struct dirent *entry;
  while ((entry = readdir(all)) != NULL) {
    struct sv_proc proc;
    pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
    count += pid > 0 && sv_proc_read(pid, &proc) && proc.alive && strcmp(proc.command, name) == 0;
  }
  (void)closedir(all);
  return count;
}

#define FORKS "4000" /* of which some hundreds happen while it is killed */

struct sv_started run_hydra(struct client *c, const char *id, char name[16]) {
  char fifo[80], hydra[256];
  (void)snprintf(name, 16, "hydra-%d", (int)getpid());
  (void)snprintf(hydra, sizeof hydra, "%.*s/hydra", (int)(strrchr(binary, '/') - binary), binary);
  int ready = fifo_open(fifo);
  char *const argv[] = {hydra, name, (char *)FORKS, fifo, NULL};
  if (access(hydra, X_OK) != 0) skip("the way to the test's program is closed to others");
  accepted(c, &(struct task){.id = id, .argv = argv, .out = out, .err = err});
  struct sv_started s = client_started(c, id);
  fifo_await(ready);
  return s;
}

bool is_in_cgroup(pid_t pid) {
  char path[32], name[64];
  struct stat s;
  CHECK(stat(state, &s) == 0);
  (void)snprintf(path, sizeof path, "/proc/%d/cgroup", (int)pid);
  (void)snprintf(name, sizeof name, "/drover-%llx-%llx/", (unsigned long long)s.st_dev, (unsigned long long)s.st_ino);
  const char *line = strstr(content(path), "0::");
  return line != NULL && strstr(line, name) != NULL;
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
