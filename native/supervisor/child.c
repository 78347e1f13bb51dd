/*
 * child.c: the steps that a child takes before it is the task, as a table.
 *
 * The child is made as posix_spawn makes it, sharing memory with its suspended parent (CLONE_VM | CLONE_VFORK): no page
 * tables are copied, and the step that failed is simply left in memory, with no pipe. So until execve a step changes nothing
 * in memory but the report, allocates nothing, and returns instead of exiting.
 *
 * Signal dispositions need no reset: the server put all of them to their defaults when it began and has no handler.
 * No policy: who may run what was decided by the agent.
 */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "spawn.h"

#define CHILD_STACK_BYTES (64u * 1024)

struct child {
  const struct sv_start *start;
  const struct sv_host *host;
  struct sv_stdio stdio;
  const struct sv_cgroup *cgroup;
  bool born_into_it; /* by clone3 */
  volatile size_t step; /* the one being taken; written by the child, read by its parent afterwards */
  volatile int error;
};

static int done_or_errno(int result) { return result < 0 ? errno : 0; }

static int join(const struct child *c, enum sv_hierarchy h) { return c->cgroup->fd[h] >= 0 ? sv_cgroup_join(c->cgroup, h) : 0; }
static int join_cpu(const struct child *c) { return join(c, SV_V1_CPU); }
static int join_memory(const struct child *c) { return join(c, SV_V1_MEMORY); }
static int join_pids(const struct child *c) { return join(c, SV_V1_PIDS); }

/* Where it holds no limit it is only a means, and done without. */
static int join_unified(const struct child *c) {
  const int error = c->born_into_it ? 0 : join(c, SV_UNIFIED);
  return c->cgroup->step[SV_UNIFIED] != NULL ? error : 0;
}

static int take_session(const struct child *c) { return (void)c, done_or_errno(setsid()); }
static int take_in(const struct child *c) { return done_or_errno(dup2(c->stdio.in, STDIN_FILENO)); }
static int take_out(const struct child *c) { return done_or_errno(dup2(c->stdio.out, STDOUT_FILENO)); }
static int take_err(const struct child *c) { return done_or_errno(dup2(c->stdio.err, STDERR_FILENO)); }

/* The session has no other, and the terminal none: neither is taken from anybody. */
static int take_terminal(const struct child *c) {
  return c->start->flags & SV_START_TERMINAL ? done_or_errno(ioctl(STDIN_FILENO, TIOCSCTTY, 0)) : 0;
}

static int take_oom(const struct child *c) {
  int want = c->start->flags & SV_START_OOM ? c->start->oom_score_adj : c->host->oom_score_adj;
  if (want == c->host->own_oom_score_adj) return 0;
  char text[16];
  int len = snprintf(text, sizeof text, "%d", want);
  int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  int error = write(fd, text, (size_t)len) == len ? 0 : errno;
  (void)close(fd);
  return error;
}

static int take_nice(const struct child *c) {
  return c->start->flags & SV_START_NICE ? done_or_errno(setpriority(PRIO_PROCESS, 0, c->start->nice)) : 0;
}

static int take_rlimits(const struct child *c) {
  if (setrlimit(RLIMIT_NOFILE, &c->host->nofile) != 0) return errno;
  for (uint32_t i = 0; i < c->start->rlimit_count; i++) {
    const struct sv_rlimit *want = &c->start->rlimits[i];
    const struct rlimit limit = {.rlim_cur = want->soft, .rlim_max = want->hard};
    if (setrlimit((__rlimit_resource_t)want->resource, &limit) != 0) return errno;
  }
  return 0;
}

static int take_groups(const struct child *c) {
  return c->start->flags & SV_START_SETUSER ? done_or_errno(setgroups(c->start->group_count, c->start->groups)) : 0;
}

static int take_gid(const struct child *c) {
  const gid_t gid = c->start->gid;
  return c->start->flags & SV_START_SETUSER ? done_or_errno(setresgid(gid, gid, gid)) : 0;
}

static int take_uid(const struct child *c) {
  const uid_t uid = c->start->uid;
  return c->start->flags & SV_START_SETUSER ? done_or_errno(setresuid(uid, uid, uid)) : 0;
}

static int take_no_new_privs(const struct child *c) {
  return c->start->flags & SV_START_NO_NEW_PRIVS ? done_or_errno(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) : 0;
}

static int take_cwd(const struct child *c) {
  (void)umask((mode_t)c->start->umask);
  return done_or_errno(chdir(c->start->cwd));
}

static int close_the_rest(const struct child *c) { return (void)c, done_or_errno(close_range(STDERR_FILENO + 1, ~0u, 0)); }

static int become(const struct child *c) {
  sigset_t none;
  (void)sigemptyset(&none);
  if (sigprocmask(SIG_SETMASK, &none, NULL) != 0) return errno;
  (void)execve(c->start->path, c->start->argv, c->start->env);
  return errno;
}

/* In order: what needs the agent's rights comes before the user changes, and chdir after it, since access is the user's. */
static const struct {
  const char *name;
  int (*take)(const struct child *);
} steps[] = {
    {"cgroup", join_unified},       {"cgroup-cpu", join_cpu},
    {"cgroup-memory", join_memory}, {"cgroup-processes", join_pids},
    {"setsid", take_session},       {"stdin", take_in},
    {"stdout", take_out},           {"stderr", take_err},
    {"terminal", take_terminal},
    {"oom", take_oom},              {"nice", take_nice},
    {"rlimit", take_rlimits},       {"setgroups", take_groups},
    {"setgid", take_gid},           {"setuid", take_uid},
    {"no-new-privs", take_no_new_privs}, {"chdir", take_cwd},
    {"close-range", close_the_rest}, {"execve", become},
};
#define STEP_UNIFIED 0
#define STEP_EXECVE (sizeof steps / sizeof steps[0] - 1)

static int child_main(void *argument) {
  struct child *c = argument;
  for (size_t i = 0; i <= STEP_EXECVE; i++) {
    c->step = i;
    c->error = steps[i].take(c);
    if (c->error != 0) return 127; /* nobody looks at it */
    c->error = 0;
  }
  return 127;
}

static const char *name_of(const struct child *c) {
  const char *limit = c->cgroup->step[SV_UNIFIED];
  return c->step == STEP_UNIFIED && limit != NULL ? limit : steps[c->step].name;
}

/* Into its cgroup from its first moment where the kernel can; else it writes itself into it before anything else. */
static pid_t spawn(struct child *c, void *stack, size_t stack_bytes) {
  const int into = c->cgroup->fd[SV_UNIFIED];
  if (into >= 0) {
    c->born_into_it = true;
    pid_t pid = sv_spawn(child_main, c, stack, stack_bytes, into);
    if (pid >= 0) return pid;
    c->born_into_it = false;
  }
  return sv_spawn(child_main, c, stack, stack_bytes, -1);
}

static _Alignas(SV_PAGE) char stack[CHILD_STACK_BYTES]; /* only the pages in use cost memory, and that until they are given back */

void sv_child_give_back(void) { sv_give_back(stack, sizeof stack); }

pid_t sv_child_start(const struct sv_start *start, const struct sv_host *host, struct sv_stdio stdio, const struct sv_cgroup *cgroup,
                     struct sv_refusal *refusal) {
  struct child c = {.start = start, .host = host, .stdio = stdio, .cgroup = cgroup};
  pid_t pid = spawn(&c, stack, sizeof stack);
  if (pid < 0) {
    *refusal = (struct sv_refusal){"fork", errno};
    return -1;
  }
  if (c.error == 0 && c.step == STEP_EXECVE) return pid;
  /* An error, or somebody killed it on the way: either way no execve took place. */
  *refusal = (struct sv_refusal){name_of(&c), c.error != 0 ? c.error : EINTR};
  while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) continue;
  return -1;
}
