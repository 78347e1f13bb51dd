/*
 * cgroup_read.c: what is in cgroups, what they count, and their end. See cgroup.h.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup.h"
#include "cgroup_file.h"

#define DEPTH_MAX 16 /* cgroups that a task made below its own */

int sv_cgroup_write(const char *directory, const char *file, const char *text) {
  char path[SV_CGROUP_PATH_MAX + 64];
  if (snprintf(path, sizeof path, "%s/%s", directory, file) >= (int)sizeof path) return ENAMETOOLONG;
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  const ssize_t n = write(fd, text, strlen(text));
  const int error = n < 0 ? errno : 0;
  (void)close(fd);
  return error;
}

static int open_file(const char *directory, const char *file) {
  char path[SV_CGROUP_PATH_MAX + 64];
  if (snprintf(path, sizeof path, "%s/%s", directory, file) >= (int)sizeof path) return -1;
  return open(path, O_RDONLY | O_CLOEXEC);
}

static bool read_and_close(int fd, char text[SV_CGROUP_READ_MAX]) {
  if (fd < 0) return false;
  ssize_t n = read(fd, text, SV_CGROUP_READ_MAX - 1);
  (void)close(fd);
  text[n > 0 ? n : 0] = '\0';
  return n >= 0;
}

bool sv_cgroup_read(const char *directory, const char *file, char text[SV_CGROUP_READ_MAX]) {
  return read_and_close(open_file(directory, file), text);
}

/* −1 where it is not open. */
static int held(const struct sv_cgroup *g, int h, const char *file) {
  if (h != SV_UNIFIED) return -1;
  return strcmp(file, SV_CGROUP_USAGE) == 0 ? g->usage : strcmp(file, SV_CGROUP_EVENTS) == 0 ? g->events : -1;
}

/* Through its descriptor, or its directory's, where that is open: its path has many parts. */
static bool read_of(const struct sv_cgroup *g, int h, const char *file, char text[SV_CGROUP_READ_MAX]) {
  const int open_already = held(g, h, file);
  const ssize_t n = open_already >= 0 ? pread(open_already, text, SV_CGROUP_READ_MAX - 1, 0) : -1;
  if (n >= 0) text[n] = '\0';
  if (n >= 0) return true;
  return read_and_close(g->fd[h] >= 0 ? openat(g->fd[h], file, O_RDONLY | O_CLOEXEC) : open_file(g->path[h], file), text);
}

bool sv_cgroup_has_word(const char *list, const char *word) {
  const size_t len = strlen(word);
  for (const char *at = list; (at = strstr(at, word)) != NULL; at += len) {
    if ((at == list || at[-1] == ' ') && (at[len] == '\0' || at[len] == ' ' || at[len] == '\n')) return true;
  }
  return false;
}

/* ---- counts ---- */

/* The number behind a key at the beginning of a line; of a file without keys, its only number. */
static bool number_of(const char *text, const char *key, uint64_t *number) {
  const size_t len = key != NULL ? strlen(key) : 0;
  const char *line = text;
  while (line != NULL && len > 0 && !(strncmp(line, key, len) == 0 && line[len] == ' ')) {
    line = strchr(line, '\n');
    if (line != NULL) line++;
  }
  if (line == NULL || line[0] == '\0') return false;
  char *end;
  errno = 0;
  const uint64_t value = strtoull(line + len, &end, 10);
  if (end == line + len || errno != 0) return false;
  *number = value;
  return true;
}

enum count { MEMORY_PEAK, MEMORY_NOW, CPU, OOM_KILLS };

/* Memory only of what held a limit of it: another was used before, and its peak is not this attempt's. */
static const struct {
  enum count count;
  enum sv_hierarchy hierarchy;
  bool memory;
  const char *file, *key;
  uint64_t divisor; /* to the unit that is told */
} sources[] = {
    {MEMORY_PEAK, SV_UNIFIED, true, "memory.peak", NULL, 1}, /* since Linux 5.19 */
    {MEMORY_NOW, SV_UNIFIED, true, "memory.current", NULL, 1},
    {OOM_KILLS, SV_UNIFIED, true, "memory.events", "oom_kill", 1},
    {CPU, SV_UNIFIED, false, SV_CGROUP_USAGE, "usage_usec", 1},
    {MEMORY_PEAK, SV_V1_MEMORY, true, "memory.max_usage_in_bytes", NULL, 1},
    {MEMORY_NOW, SV_V1_MEMORY, true, "memory.usage_in_bytes", NULL, 1},
    {OOM_KILLS, SV_V1_MEMORY, true, "memory.oom_control", "oom_kill", 1},
    {CPU, SV_V1_CPU, false, "cpuacct.usage", NULL, 1000}, /* where the two are mounted as one */
};

/* From the first that there is. False without any: number is left as it is. */
static bool count_of(const struct sv_cgroup *g, enum count count, uint64_t *number) {
  char text[SV_CGROUP_READ_MAX];
  for (size_t i = 0; i < sizeof sources / sizeof sources[0]; i++) {
    if (sources[i].count != count || g->path[sources[i].hierarchy][0] == '\0') continue;
    if (sources[i].memory && (g->limits >> SV_LIMIT_MEMORY & 1) == 0) continue;
    if (!read_of(g, sources[i].hierarchy, sources[i].file, text)) continue;
    if (!number_of(text, sources[i].key, number)) continue;
    *number /= sources[i].divisor;
    return true;
  }
  return false;
}

struct sv_group sv_cgroup_counts(const struct sv_cgroup *g) {
  struct sv_group counts = {0};
  uint64_t kills = 0;
  if (count_of(g, CPU, &counts.cpu_us)) counts.cpu_us -= counts.cpu_us < g->slot.cpu_us ? counts.cpu_us : g->slot.cpu_us;
  (void)count_of(g, MEMORY_PEAK, &counts.memory_peak_bytes);
  (void)count_of(g, OOM_KILLS, &kills);
  counts.oom_kills = kills < UINT32_MAX ? (uint32_t)kills : UINT32_MAX;
  return counts;
}

uint64_t sv_cgroup_memory(const struct sv_cgroup *g) {
  uint64_t bytes = 0;
  (void)count_of(g, MEMORY_NOW, &bytes);
  return bytes;
}

/* ---- what is in them ---- */

/* Calls visit for a cgroup and all below it, the deepest first. The first result but 0 ends it. */
static int each_below(const char *directory, int depth, int (*visit)(const char *, void *), void *context) {
  struct stat s;
  if (stat(directory, &s) != 0) return errno == ENOENT ? 0 : errno;
  DIR *all = s.st_nlink > 2 && depth < DEPTH_MAX ? opendir(directory) : NULL; /* two links and one a subdirectory */
  const struct dirent *entry;
  int result = 0;
  while (all != NULL && result == 0 && (entry = readdir(all)) != NULL) {
    char path[SV_CGROUP_PATH_MAX + NAME_MAX];
    if (entry->d_type != DT_DIR || strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    if (snprintf(path, sizeof path, "%s/%s", directory, entry->d_name) < (int)sizeof path) result = each_below(path, depth + 1, visit, context);
  }
  if (all != NULL) (void)closedir(all);
  return result != 0 ? result : visit(directory, context);
}

static int remove_one(const char *directory, void *context) {
  (void)context;
  return rmdir(directory) == 0 || errno == ENOENT ? 0 : errno;
}

static int remove_below(const char *directory, void *root) { return directory == root ? 0 : remove_one(directory, NULL); }

int sv_cgroup_remove_tree(const char *directory) { return each_below(directory, 0, remove_one, NULL); }

/* Emptied, and without the cgroups that the task made below it: those cost a link each. */
static bool leave_one(const struct sv_cgroup *g, int h) {
  char text[SV_CGROUP_READ_MAX];
  struct stat s;
  uint64_t populated = 1;
  if (!read_of(g, h, SV_CGROUP_EVENTS, text)) return access(g->path[h], F_OK) != 0;
  if (!number_of(text, "populated", &populated) || populated != 0) return false;
  if (g->fd[h] >= 0 && fstat(g->fd[h], &s) == 0 && s.st_nlink <= 2) return true;
  return each_below(g->path[h], 0, remove_below, (void *)(uintptr_t)g->path[h]) == 0;
}

bool sv_cgroup_leave(const struct sv_cgroup *g) {
  if (g->limits != 0) return sv_cgroup_remove(g);
  return g->path[SV_UNIFIED][0] == '\0' || leave_one(g, SV_UNIFIED);
}

/* Of a server's directory in another place than ours, where that was the last in it. */
static void remove_parent(const char *path) {
  char parent[SV_CGROUP_PATH_MAX];
  const char *slash = strrchr(path, '/');
  if (slash == NULL || slash == path) return;
  (void)snprintf(parent, sizeof parent, "%.*s", (int)(slash - path), path);
  (void)rmdir(parent);
}

bool sv_cgroup_remove(const struct sv_cgroup *g) {
  bool all = true;
  for (int h = 0; h < SV_HIERARCHIES; h++) {
    if (g->path[h][0] == '\0') continue;
    all = sv_cgroup_remove_tree(g->path[h]) == 0 && all;
    if (g->slot.number < 0) remove_parent(g->path[h]);
  }
  return all;
}

/* What follows a name of a directory in /proc/<pid>/cgroup, whatever the mount is called; NULL when it is not in it. */
static const char *behind(const char *text, const char *name) {
  const char *at = strstr(text, name);
  return at != NULL ? at + strlen(name) : NULL;
}

static bool read_cgroups(pid_t pid, char text[SV_CGROUP_READ_MAX]) {
  char proc[32];
  (void)snprintf(proc, sizeof proc, "/proc/%d", (int)pid);
  return sv_cgroup_read(proc, "cgroup", text);
}

int sv_cgroup_of_process(pid_t pid) {
  char text[SV_CGROUP_READ_MAX], name[SV_CGROUPS_NAME_MAX + 2], *end;
  (void)snprintf(name, sizeof name, "/%s/", sv_cgroups_name);
  const char *number = sv_cgroups_name[0] != '\0' && read_cgroups(pid, text) ? behind(text, name) : NULL;
  if (number == NULL) return -1;
  const long n = strtol(number, &end, 10);
  return end != number && (end[0] == '/' || end[0] == '\n') && n >= 0 && n <= INT_MAX ? (int)n : -1;
}

/* By the last two names of its path: what is before them depends on the mount. */
static bool is_in(pid_t pid, const struct sv_cgroup *g) {
  char text[SV_CGROUP_READ_MAX];
  if (!read_cgroups(pid, text)) return false;
  for (int h = 0; h < SV_HIERARCHIES; h++) {
    const char *slash = strrchr(g->path[h], '/');
    while (slash != NULL && slash > g->path[h] && slash[-1] != '/') slash--;
    const char *rest = slash != NULL && slash > g->path[h] ? behind(text, slash - 1) : NULL;
    if (rest != NULL && (rest[0] == '/' || rest[0] == '\n')) return true;
  }
  return false;
}

struct list {
  const struct sv_cgroup *group;
  struct sv_proc *procs;
  size_t count, max;
};

static bool is_listed(const struct list *list, pid_t pid) {
  for (size_t i = 0; i < list->count; i++) {
    if (list->procs[i].pid == pid) return true;
  }
  return false;
}

/*
 * Its identity is read between the list and its cgroup: if that number was reused meanwhile, either the cgroup is another, or
 * the start time is, which is compared before it is signalled.
 */
static void add(struct list *list, pid_t pid) {
  struct sv_proc *proc = &list->procs[list->count];
  if (list->count == list->max || is_listed(list, pid)) return;
  if (sv_proc_read(pid, proc) && proc->alive && is_in(pid, list->group)) list->count++;
}

static int list_one(const char *directory, void *context) {
  struct list *list = context;
  int fd = open_file(directory, "cgroup.procs");
  if (fd < 0) return 0;
  char text[512];
  pid_t pid = 0;
  ssize_t n;
  while ((n = read(fd, text, sizeof text)) > 0) {
    for (ssize_t i = 0; i < n; i++) { /* a number may be cut by the end of a read, so it is kept between them */
      if (text[i] != '\n') {
        pid = pid * 10 + (text[i] - '0');
      } else {
        if (pid > 0) add(list, pid); /* 0: of another PID namespace */
        pid = 0;
      }
    }
  }
  (void)close(fd);
  return list->count == list->max;
}

size_t sv_cgroup_procs(const struct sv_cgroup *g, struct sv_proc *procs, size_t count, size_t max) {
  struct list list = {.group = g, .procs = procs, .count = count, .max = max};
  for (int h = 0; h < SV_HIERARCHIES; h++) {
    if (g->path[h][0] != '\0') (void)each_below(g->path[h], 0, list_one, &list);
  }
  return list.count;
}

bool sv_cgroup_kill(const struct sv_cgroup *g) {
  return g->path[SV_UNIFIED][0] != '\0' && sv_cgroup_write(g->path[SV_UNIFIED], "cgroup.kill", "1") == 0;
}
