/*
 * main.c: the command line, the state directory and its lock, going to the background.
 *
 *   drover-supervisor --state DIR [--foreground] | --version
 *   drover-supervisor --state DIR --upgraded HANDED-OVER   by the binary before it only: upgrade.h
 *
 * Exit codes: 0 the socket is listening (or, in the foreground, the server ended) · 1 it could not be · 2 usage · 3 another
 * server has that state directory. Each but 0 comes with one line on stderr.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup.h"
#include "upgrade.h"

#define EXIT_USAGE 2
#define EXIT_RUNNING 3
#define LINE_MAX_BYTES 512

struct failure {
  int code;
  char line[LINE_MAX_BYTES];
};

/* The line of a failed step; the cause is said by its number's text, once. */
static struct failure failed(int code, const char *what, const char *which, int error) {
  struct failure f = {.code = code};
  (void)snprintf(f.line, sizeof f.line, "drover-supervisor: %s%s%s%s%s\n", what, which[0] != '\0' ? " " : "", which,
                 error != 0 ? ": " : "", error != 0 ? strerror(error) : "");
  return f;
}

/* Sets all that is inherited by monitors and tasks: dispositions to their defaults, so that none must reset them. */
static void reset_signals(void) {
  const char defaults[64] = {0}; /* the kernel's own struct: SIG_DFL, no flags, no mask */
  for (int signal = 1; signal < NSIG; signal++) (void)syscall(SYS_rt_sigaction, signal, defaults, NULL, 8);
  sigset_t blocked; /* read from a signalfd, and SIGPIPE not at all: a broken stderr must not end us */
  (void)sigemptyset(&blocked);
  static const int handled[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGPIPE};
  for (size_t i = 0; i < sizeof handled / sizeof handled[0]; i++) (void)sigaddset(&blocked, handled[i]);
  (void)sigprocmask(SIG_SETMASK, &blocked, NULL);
}

static struct failure enter_state(const char *path) {
  struct stat s;
  if (mkdir(path, 0700) != 0 && errno != EEXIST) return failed(1, "cannot make", path, errno);
  if (chdir(path) != 0) return failed(1, "cannot enter", path, errno);
  if (stat(".", &s) != 0) return failed(1, "cannot look at", path, errno);
  if (s.st_uid != geteuid()) return failed(1, "another user's state directory:", path, 0);
  if ((s.st_mode & 077) != 0 && chmod(".", 0700) != 0) return failed(1, "cannot close to others", path, errno);
  return (struct failure){0};
}

/*
 * By fcntl, not flock: monitors are forked from us, and a lock that they inherit would outlive us by theirs. The descriptor
 * stays open to the end.
 */
static struct failure lock_state(const char *state) {
  const struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
  int fd = open("supervisor.lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return failed(1, "cannot open", "supervisor.lock", errno);
  sv_upgrade_prepare(fd, state);
  if (fcntl(fd, F_SETLK, &whole) == 0) return (struct failure){0};
  if (errno == EAGAIN || errno == EACCES) return failed(EXIT_RUNNING, "already running", "", 0);
  return failed(1, "cannot lock", "supervisor.lock", errno);
}

/* Everything that the task must not find: stdin and stdout are nothing, stderr is the log. */
static struct failure take_stdio(bool log) {
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  int err = log ? open("supervisor.log", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600) : STDERR_FILENO;
  struct stat s;
  if (null < 0 || err < 0) return failed(1, "cannot open", null < 0 ? "/dev/null" : "supervisor.log", errno);
  if (log && fstat(err, &s) == 0 && s.st_size > (1 << 20)) (void)!ftruncate(err, 0); /* nobody else keeps it short */
  if (dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 || dup2(err, STDERR_FILENO) < 0) {
    return failed(1, "cannot set up stdio", "", errno);
  }
  return (struct failure){0};
}

static struct failure open_server(const char *state, bool log) {
  struct failure f = lock_state(state);
  if (f.code != 0) return f;
  const char *what = sv_server_open(NULL);
  if (what != NULL) return failed(1, what, "", errno);
  return take_stdio(log);
}

static int finish(const struct failure *f) {
  if (f->code != 0) (void)!write(STDERR_FILENO, f->line, strlen(f->line));
  return f->code;
}

/* The result comes through a pipe; without one the server died before it could say. */
static int await_server(int pipe_end) {
  struct failure f;
  ssize_t n;
  while ((n = read(pipe_end, &f, sizeof f)) < 0 && errno == EINTR) continue;
  if (n != sizeof f) f = failed(1, "the server died while starting", "", 0);
  return finish(&f);
}

static int run_in_background(const char *state) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    const struct failure f = failed(1, "no pipe", "", errno);
    return finish(&f);
  }
  pid_t child = fork();
  if (child > 0) {
    (void)close(ends[1]);
    int code = await_server(ends[0]);
    (void)waitpid(child, NULL, 0);
    return code;
  }
  if (child == 0) {
    (void)setsid();
    if (fork() != 0) _exit(0);
    (void)close_range(3, (unsigned)ends[1] - 1, 0);
  }
  struct failure f = child < 0 ? failed(1, "cannot fork", "", errno) : open_server(state, true);
  if (child < 0) return finish(&f);
  (void)!write(ends[1], &f, sizeof f);
  (void)close(ends[1]);
  return f.code != 0 ? f.code : sv_server_run();
}

static int run_in_foreground(const char *state) {
  const struct failure f = open_server(state, false);
  return f.code != 0 ? finish(&f) : sv_server_run();
}

/* In the place of the binary before us: in its directory, with its log, its lock and its children. */
static int run_upgraded(const char *state, const char *handed_over) {
  struct sv_upgraded u;
  struct failure f = {0};
  if (!sv_upgraded_parse(handed_over, &u)) f = failed(EXIT_USAGE, "not what a supervisor hands over:", handed_over, 0);
  else if (fcntl(u.lock, F_SETFD, FD_CLOEXEC) != 0 || fcntl(u.client, F_SETFD, FD_CLOEXEC) != 0) f = failed(1, "nothing was handed over", "", errno);
  if (f.code != 0) return finish(&f);
  sv_upgrade_prepare(u.lock, state);
  sv_cgroups_find();
  sv_cgroups_open();
  const char *what = sv_server_open(&u);
  if (what != NULL) f = failed(1, what, "", errno);
  if (f.code != 0) return finish(&f);
  sv_upgraded_answer(&u);
  return sv_server_run();
}

/* Started without one of the three, a pipe or a socket would take its place, and be overwritten later. */
static bool fill_stdio(void) {
  int fd;
  do fd = open("/dev/null", O_RDWR | O_CLOEXEC);
  while (fd >= 0 && fd <= STDERR_FILENO);
  return fd >= 0;
}

static int usage(const char *what, const char *which) {
  const struct failure f = failed(EXIT_USAGE, what, which, 0);
  return finish(&f);
}

int main(int argc, char **argv) {
  const char *state = NULL, *handed_over = NULL;
  bool foreground = false;
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--version") == 0) return printf("drover-supervisor %s (protocol %d)\n", SV_VERSION, SV_PROTOCOL_VERSION) < 0;
    if (strcmp(argv[i], "--foreground") == 0) foreground = true;
    else if (strcmp(argv[i], "--state") == 0 && i + 1 < argc) state = argv[++i];
    else if (strcmp(argv[i], "--upgraded") == 0 && i + 1 < argc) handed_over = argv[++i];
    else return usage("usage: --state DIR [--foreground] | --version; not", argv[i]);
  }
  if (state == NULL || state[0] == '\0') return usage("usage: --state DIR [--foreground] | --version", "");
  (void)umask(027); /* logs of tasks are made 0640; what is ours says its mode */
  if (handed_over != NULL) {
    reset_signals();
    return run_upgraded(state, handed_over);
  }
  if (!fill_stdio()) return 1;
  (void)close_range(STDERR_FILENO + 1, ~0u, 0);
  reset_signals();
  const struct failure f = enter_state(state);
  if (f.code != 0) return finish(&f);
  sv_cgroups_find();
  sv_cgroups_open(); /* before anything is forked: we wait for the server in the same cgroup */
  return foreground ? run_in_foreground(state) : run_in_background(state);
}
