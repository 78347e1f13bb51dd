/*
 * fuzz_attach.c: mutated ATTACH frames through the socket of a monitor's end, with a pipe, pipes or a terminal behind it. What holds
 * then: it answers only with TAKEN, which never goes back, and takes the next client.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../attach.h"
#include "client.h"
#include "fuzz.h"

#define VISITS 64  /* of clients to one task */
#define FRAMES 6   /* at most, of one client */
#define SERVINGS 4 /* of what one client said */

static struct sv_stdio task;

static void serve(void) {
  struct pollfd fds[SV_ATTACH_FDS];
  uint8_t bytes[4096];
  for (int i = 0; i < SERVINGS; i++) {
    const size_t count = sv_attach_poll(fds);
    CHECK(poll(fds, count, 0) >= 0);
    sv_attach_serve(fds, count);
    while (read(task.in, bytes, sizeof bytes) > 0) continue;
    (void)!write(task.out, "printed\n", 8);
  }
}

static int visitor(void) {
  const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "attempts/a/attach"};
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  CHECK(fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) == 0);
  return fd;
}

static void say(int fd, const struct seed *frames, size_t count) {
  for (uint64_t i = 1 + fuzz_next() % FRAMES; i > 0; i--) {
    struct seed frame = frames[fuzz_next() % count];
    if (fuzz_next() % 2 == 0) frame.len = fuzz_mutate(frame.bytes, frame.len);
    (void)!send(fd, frame.bytes, frame.len, MSG_NOSIGNAL | MSG_DONTWAIT);
  }
}

static uint64_t hear(int fd, uint64_t before) {
  uint8_t bytes[1024];
  size_t at = 0, used;
  struct sv_frame frame;
  const ssize_t n = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
  while (n > 0 && sv_frame_next(bytes + at, (size_t)n - at, &frame, &used) == SV_FRAME_READY) {
    const uint64_t taken = sv_get_u64(&frame.body);
    CHECK(frame.type == SV_ATTACH_TAKEN && sv_get_u8(&frame.body) <= 1 && sv_reader_done(&frame.body) && taken >= before);
    before = taken;
    at += used;
  }
  return before;
}

_Noreturn static void attach_once(uint32_t flags, const struct seed *frames, size_t count) {
  const struct sv_start start = {.id = (char *)"a", .flags = flags, .rows = 24, .columns = 80};
  struct sv_refusal refusal;
  uint64_t taken = 0;
  const int output = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC;
  CHECK(setsid() > 0); /* a terminal that is opened is nobody's here */
  CHECK(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
  task = (struct sv_stdio){open("/dev/null", O_RDONLY | O_CLOEXEC), open("out", output, 0600), open("err", output, 0600)};
  CHECK(sv_attach_open(&start, &task, &refusal));
  CHECK(fcntl(task.in, F_SETFL, O_NONBLOCK) == 0 && fcntl(task.out, F_SETFL, O_NONBLOCK) == 0);
  for (int visit = 0; visit < VISITS; visit++) {
    const int fd = visitor();
    serve();
    say(fd, frames, count);
    serve();
    taken = hear(fd, taken);
    (void)close(fd);
    serve();
  }
  sv_attach_drain();
  _exit(0);
}

int fuzz_attach(size_t seed_count, long rounds) {
  static const uint32_t kinds[] = {SV_START_INPUT, SV_START_PIPES, SV_START_INPUT | SV_START_PIPES, SV_START_TERMINAL};
  static struct seed frames[SEEDS_MAX];
  char directory[] = "/tmp/drover-fuzz-XXXXXX";
  size_t count = 0;
  int status = 0;
  for (size_t i = 0; i < seed_count; i++) {
    const uint8_t type = seeds[i].bytes[4]; /* behind the length */
    if (type >= SV_ATTACH_DATA && type <= SV_ATTACH_HANGUP) frames[count++] = seeds[i];
  }
  CHECK(count > 0 && mkdtemp(directory) != NULL && chdir(directory) == 0);
  CHECK(mkdir("attempts", 0700) == 0 && mkdir("attempts/a", 0700) == 0);
  long i = 0;
  for (; i * VISITS < rounds && status == 0; i++) {
    for (uint64_t skipped = fuzz_next() % 8; skipped > 0; skipped--) (void)fuzz_next(); /* each task goes on with other numbers */
    const pid_t pid = fork();
    if (pid == 0) attach_once(kinds[(size_t)i % (sizeof kinds / sizeof kinds[0])], frames, count);
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
    CHECK(unlink("attempts/a/attach") == 0);
  }
  CHECK(unlink("out") == 0 && unlink("err") == 0 && rmdir("attempts/a") == 0 && rmdir("attempts") == 0 && chdir("/") == 0 && rmdir(directory) == 0);
  if (status == 0) printf("ok   %ld clients of %ld tasks, over %zu frames\n", i * VISITS, i, count);
  return status == 0 ? 0 : 1;
}
