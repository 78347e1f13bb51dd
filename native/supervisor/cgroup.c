/*
 * cgroup.c: finds where cgroups can be, makes an attempt's and sets its limits. See cgroup.h.
 */
#include "cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "child.h"
#include "cgroup_file.h"
#include "record.h"

#define LEAF "/_server" /* no id begins with an underscore */
#define PERIOD_US 100000u
#define LONG_PERIOD_US 1000000u
#define QUOTA_MIN_US 1000u /* the kernel's */
#define MAKE_TRIES 3       /* a server that has nothing to do may remove its directory just now */

enum limit { CPU, MEMORY = SV_LIMIT_MEMORY, PROCESSES, LIMITS };

static const struct {
  const char *step, *controller;
  enum sv_hierarchy v1;
} limits[LIMITS] = {
    [CPU] = {"cgroup-cpu", "cpu", SV_V1_CPU},
    [MEMORY] = {"cgroup-memory", "memory", SV_V1_MEMORY},
    [PROCESSES] = {"cgroup-processes", "pids", SV_V1_PIDS},
};

enum value { QUOTA_AND_PERIOD, PERIOD, QUOTA, BYTES, NO_BYTES, COUNT };

/* Written in this order. Without swap accounting the optional ones are not there, and swap is not limited. */
static const struct {
  enum limit limit;
  bool v2, optional;
  enum value value;
  const char *file;
} settings[] = {
    {CPU, true, false, QUOTA_AND_PERIOD, "cpu.max"},
    {CPU, false, false, PERIOD, "cpu.cfs_period_us"},
    {CPU, false, false, QUOTA, "cpu.cfs_quota_us"},
    {MEMORY, true, false, BYTES, "memory.max"},
    {MEMORY, true, true, NO_BYTES, "memory.swap.max"},
    {MEMORY, false, false, BYTES, "memory.limit_in_bytes"},
    {MEMORY, false, true, BYTES, "memory.memsw.limit_in_bytes"},
    {PROCESSES, true, false, COUNT, "pids.max"},
    {PROCESSES, false, false, COUNT, "pids.max"},
};

char sv_cgroups_name[SV_CGROUPS_NAME_MAX];
static struct sv_hierarchies own, base; /* ours, and the server's directories below them; "" where they cannot be */
static int withheld[LIMITS] = {EOPNOTSUPP, EOPNOTSUPP, EOPNOTSUPP}; /* why v2 cannot hold them here; 0: it can */

static bool is_asked(const struct sv_start *s, enum limit l) {
  const bool asked[LIMITS] = {[CPU] = s->cpu_millis > 0, [MEMORY] = s->memory_bytes > 0, [PROCESSES] = s->processes > 0};
  return asked[l];
}

static void compose(char text[SV_CGROUP_TEXT_MAX], const struct sv_start *s, enum value value) {
  /* A quota below the least that there is needs a longer period. */
  const bool tiny = (uint64_t)s->cpu_millis * PERIOD_US / 1000 < QUOTA_MIN_US;
  const unsigned period = tiny ? LONG_PERIOD_US : PERIOD_US;
  const unsigned long long quota = (unsigned long long)s->cpu_millis * period / 1000;
  switch (value) {
    case QUOTA_AND_PERIOD: (void)snprintf(text, SV_CGROUP_TEXT_MAX, "%llu %u", quota, period); break;
    case PERIOD: (void)snprintf(text, SV_CGROUP_TEXT_MAX, "%u", period); break;
    case QUOTA: (void)snprintf(text, SV_CGROUP_TEXT_MAX, "%llu", quota); break;
    case BYTES: (void)snprintf(text, SV_CGROUP_TEXT_MAX, "%llu", (unsigned long long)s->memory_bytes); break;
    case NO_BYTES: (void)snprintf(text, SV_CGROUP_TEXT_MAX, "0"); break;
    case COUNT: (void)snprintf(text, SV_CGROUP_TEXT_MAX, "%u", s->processes); break;
  }
}

/* ---- the server's directories ---- */

static int make_base(int h) { return mkdir(base.own[h], 0755) == 0 || errno == EEXIST ? 0 : errno; }

static int enable(const char *directory, const char *controller) {
  char text[SV_CGROUP_TEXT_MAX];
  (void)snprintf(text, sizeof text, "+%s", controller);
  return sv_cgroup_write(directory, "cgroup.subtree_control", text);
}

static int move_self(const char *directory) { return sv_cgroup_write(directory, "cgroup.procs", "0"); }

static void enable_all(const bool wanted[LIMITS]) {
  for (int l = 0; l < LIMITS; l++) {
    if (wanted[l]) withheld[l] = enable(own.own[SV_UNIFIED], limits[l].controller);
  }
}

static bool is_without_processes(const char *directory) {
  char text[SV_CGROUP_READ_MAX];
  return sv_cgroup_read(directory, "cgroup.procs", text) && text[0] == '\0';
}

/*
 * Out of the cgroup that is to hand controllers down, into a leaf of our own. Where others are in it too, nothing is enabled, not
 * even what could be: cpu and pids can, but then no cgroup below may hold a process. We go back, and v2 holds no limits here.
 */
static void hand_down_from_leaf(const bool wanted[LIMITS]) {
  char leaf[SV_CGROUP_PATH_MAX + sizeof LEAF];
  const char *directory = own.own[SV_UNIFIED];
  (void)snprintf(leaf, sizeof leaf, "%s%s", base.own[SV_UNIFIED], LEAF);
  for (int l = 0; l < LIMITS; l++) withheld[l] = wanted[l] ? EBUSY : withheld[l];
  const bool moved = make_base(SV_UNIFIED) == 0 && (mkdir(leaf, 0755) == 0 || errno == EEXIST) && move_self(leaf) == 0;
  if (moved && is_without_processes(directory)) {
    enable_all(wanted);
    return;
  }
  if (moved) (void)move_self(directory);
  (void)rmdir(leaf);
  (void)rmdir(base.own[SV_UNIFIED]);
}

static void hand_down(void) {
  char known[SV_CGROUP_READ_MAX], enabled[SV_CGROUP_READ_MAX], type[SV_CGROUP_READ_MAX];
  const char *directory = own.own[SV_UNIFIED];
  bool wanted[LIMITS] = {false}, any = false;
  if (!sv_cgroup_read(directory, "cgroup.controllers", known) || !sv_cgroup_read(directory, "cgroup.subtree_control", enabled)) return;
  for (int l = 0; l < LIMITS; l++) {
    const bool is_known = sv_cgroup_has_word(known, limits[l].controller);
    wanted[l] = is_known && !sv_cgroup_has_word(enabled, limits[l].controller);
    if (is_known && !wanted[l]) withheld[l] = 0;
    any = any || wanted[l];
  }
  if (!any) return;
  /* The root, which has no type, may hold processes and hand down. */
  if (sv_cgroup_read(directory, "cgroup.type", type)) hand_down_from_leaf(wanted);
  else enable_all(wanted);
}

/* A server that became another binary is in its leaf already. */
static void leave_leaf_out(char *path) {
  char tail[SV_CGROUPS_NAME_MAX + sizeof LEAF];
  const int len = snprintf(tail, sizeof tail, "/%s%s", sv_cgroups_name, LEAF);
  const size_t whole = strlen(path);
  if (whole > (size_t)len && strcmp(path + whole - (size_t)len, tail) == 0) path[whole - (size_t)len] = '\0';
}

static void find_base(int h) {
  char *const mine = own.own[h];
  if (mine[0] == '\0') return;
  leave_leaf_out(mine);
  const bool fits = strlen(mine) + 1 + strlen(sv_cgroups_name) + 16 < SV_CGROUP_PATH_MAX;
  if (!fits || access(mine, W_OK) != 0) return; /* of v1 too: without a place to write it is as if it were not mounted */
  (void)snprintf(base.own[h], SV_CGROUP_PATH_MAX, "%s/%s", mine, sv_cgroups_name);
}

void sv_cgroups_find(void) {
  struct stat s;
  if (stat(".", &s) != 0) return;
  (void)snprintf(sv_cgroups_name, sizeof sv_cgroups_name, "drover-%llx-%llx", (unsigned long long)s.st_dev, (unsigned long long)s.st_ino);
  FILE *mountinfo = fopen("/proc/self/mountinfo", "re"), *self = fopen("/proc/self/cgroup", "re");
  if (mountinfo != NULL && self != NULL) sv_hierarchies_read(mountinfo, self, &own);
  if (mountinfo != NULL) (void)fclose(mountinfo);
  if (self != NULL) (void)fclose(self);
  memset(&base, 0, sizeof base);
  for (int h = 0; h < SV_HIERARCHIES; h++) find_base(h);
}

void sv_cgroups_open(void) {
  if (base.own[SV_UNIFIED][0] != '\0') hand_down();
}

void sv_cgroups_each(void (*visit)(const char *directory)) {
  for (int h = 0; h < SV_HIERARCHIES; h++) {
    if (base.own[h][0] != '\0') visit(base.own[h]);
  }
}

static void compose_path(char path[SV_CGROUP_PATH_MAX], int h, int number) {
  path[0] = '\0';
  if (base.own[h][0] != '\0') (void)snprintf(path, SV_CGROUP_PATH_MAX, "%.*s/%d", SV_CGROUP_PATH_MAX - 16, base.own[h], number);
}

bool sv_cgroups_remove(int number) {
  bool all = true;
  for (int h = 0; h < SV_HIERARCHIES; h++) {
    char path[SV_CGROUP_PATH_MAX];
    compose_path(path, h, number);
    if (path[0] != '\0') all = sv_cgroup_remove_tree(path) == 0 && all;
  }
  return all;
}

/* ---- of an attempt ---- */

/* v2 where it has the controller, else v1 where that is mounted, else v2, to say why not. */
static enum sv_hierarchy hierarchy_of(enum limit l) {
  const bool v1 = base.own[limits[l].v1][0] != '\0';
  return withheld[l] == 0 || !v1 ? SV_UNIFIED : limits[l].v1;
}

void sv_cgroup_plan(struct sv_cgroup *g, const struct sv_start *start, struct sv_slot slot) {
  memset(g, 0, sizeof *g);
  g->slot = slot;
  g->usage = g->events = -1;
  for (int l = LIMITS - 1; l >= 0; l--) {
    if (!is_asked(start, l)) continue;
    g->step[hierarchy_of(l)] = limits[l].step;
    g->limits |= (uint8_t)(1u << l);
  }
  for (int h = 0; h < SV_HIERARCHIES; h++) {
    g->fd[h] = -1;
    if (slot.number >= 0 && (h == SV_UNIFIED || g->step[h] != NULL)) compose_path(g->path[h], h, slot.number);
  }
}

void sv_cgroup_plan_again(struct sv_cgroup *g, uint64_t cpu_us) {
  g->slot.made = true;
  g->slot.cpu_us += cpu_us;
  if (g->fd[SV_UNIFIED] < 0 || g->events >= 0) return;
  g->usage = openat(g->fd[SV_UNIFIED], SV_CGROUP_USAGE, O_RDONLY | O_CLOEXEC);
  g->events = openat(g->fd[SV_UNIFIED], SV_CGROUP_EVENTS, O_RDONLY | O_CLOEXEC);
}

void sv_cgroup_put_claim(const struct sv_cgroup *g, struct sv_claim *claim) {
  claim->limits = g->limits;
  claim->cpu_us = g->slot.cpu_us;
  for (int h = 0; h < SV_HIERARCHIES; h++) claim->cgroups[h] = g->path[h];
}

/* Of a path of this server's: its number. */
static int number_of(const char *path, int h) {
  const size_t len = strlen(base.own[h]);
  if (len == 0 || strncmp(path, base.own[h], len) != 0 || path[len] != '/') return -1;
  return atoi(path + len + 1);
}

void sv_cgroup_of_claim(struct sv_cgroup *g, const struct sv_claim *claim) {
  memset(g, 0, sizeof *g);
  g->usage = g->events = -1;
  g->slot = (struct sv_slot){.number = -1, .cpu_us = claim->cpu_us};
  g->limits = claim->limits;
  for (int h = 0; h < SV_HIERARCHIES; h++) {
    g->fd[h] = -1;
    if (claim->cgroups[h][0] == '\0' || strlen(claim->cgroups[h]) >= SV_CGROUP_PATH_MAX) continue;
    memcpy(g->path[h], claim->cgroups[h], strlen(claim->cgroups[h]) + 1);
    if (g->slot.number < 0) g->slot.number = number_of(g->path[h], h);
  }
}

/* Made anew for limits, even if it is there: what an earlier attempt left counts and limits nothing here. */
static int make_directory(const struct sv_cgroup *g, int h) {
  int error = 0;
  for (int tries = 0; tries < MAKE_TRIES; tries++) {
    if (mkdir(g->path[h], 0755) == 0) return 0;
    error = errno;
    if (error == ENOENT) error = make_base(h);
    else if (error == EEXIST) error = sv_cgroup_remove_tree(g->path[h]);
    if (error != 0) return error;
  }
  return EAGAIN;
}

static int open_directory(struct sv_cgroup *g, int h) {
  g->fd[h] = open(g->path[h], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return g->fd[h] < 0 ? errno : 0;
}

static int set_limit(const struct sv_cgroup *g, const struct sv_start *start, enum limit l) {
  const enum sv_hierarchy h = hierarchy_of(l);
  if (g->path[h][0] == '\0') return own.own[h][0] != '\0' || own.own[limits[l].v1][0] != '\0' ? EACCES : EOPNOTSUPP;
  const int unable = h != SV_UNIFIED ? 0 : withheld[l] != 0 ? withheld[l] : enable(base.own[h], limits[l].controller);
  if (unable != 0) return unable;
  for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
    if (settings[i].limit != l || settings[i].v2 != (h == SV_UNIFIED)) continue;
    char text[SV_CGROUP_TEXT_MAX];
    compose(text, start, settings[i].value);
    int error = sv_cgroup_write(g->path[h], settings[i].file, text);
    if (error != 0 && !(settings[i].optional && error == ENOENT)) return error;
  }
  return 0;
}

/* Without a limit a cgroup is only a means: one that cannot be made is done without. */
static int prepare(struct sv_cgroup *g, int h) {
  if (g->fd[h] >= 0) return 0;
  if (g->slot.made && g->limits == 0 && open_directory(g, h) == 0) return 0;
  g->slot.cpu_us = 0;
  int error = make_directory(g, h);
  if (error == 0) error = open_directory(g, h);
  if (error == 0 || g->step[h] != NULL) return error;
  g->path[h][0] = '\0';
  return 0;
}

bool sv_cgroup_make(struct sv_cgroup *g, const struct sv_start *start, struct sv_refusal *refusal) {
  *refusal = (struct sv_refusal){NULL, 0};
  for (int h = 0; h < SV_HIERARCHIES && refusal->error == 0; h++) {
    if (g->path[h][0] != '\0') *refusal = (struct sv_refusal){g->step[h], prepare(g, h)};
  }
  for (int l = 0; l < LIMITS && refusal->error == 0; l++) {
    if (is_asked(start, l)) *refusal = (struct sv_refusal){limits[l].step, set_limit(g, start, l)};
  }
  if (refusal->error == 0) return true;
  sv_cgroup_close(g);
  (void)sv_cgroup_remove(g);
  return false;
}

void sv_cgroup_close(struct sv_cgroup *g) {
  for (int h = 0; h < SV_HIERARCHIES; h++) {
    if (g->fd[h] >= 0) (void)close(g->fd[h]);
    g->fd[h] = -1;
  }
}

int sv_cgroup_join(const struct sv_cgroup *g, enum sv_hierarchy h) {
  int fd = openat(g->fd[h], "cgroup.procs", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return errno;
  const int error = write(fd, "0", 1) == 1 ? 0 : errno;
  (void)close(fd);
  return error;
}
