/*
 * hierarchy.c: see hierarchy.h.
 */
#include "hierarchy.h"

#include <stdbool.h>
#include <string.h>

#define LINE_BYTES 8192 /* a longer line is not one of ours */

static const char *const controllers[SV_HIERARCHIES] = {
    [SV_UNIFIED] = "", [SV_V1_CPU] = "cpu", [SV_V1_MEMORY] = "memory", [SV_V1_PIDS] = "pids"};

/* Whether a list like rw,cpu,cpuacct has the word. */
static bool has_word(const char *list, const char *word) {
  const size_t len = strlen(word);
  for (const char *at = list; at != NULL; at = strchr(at, ',')) {
    at += *at == ',';
    if (strncmp(at, word, len) == 0 && (at[len] == ',' || at[len] == '\0')) return true;
  }
  return false;
}

/* False at the end of the file. A line that is too long comes out empty. */
static bool next_line(FILE *file, char line[LINE_BYTES]) {
  if (fgets(line, LINE_BYTES, file) == NULL) return false;
  const size_t len = strcspn(line, "\n");
  const bool whole = line[len] == '\n';
  line[whole ? len : 0] = '\0';
  for (int c = 0; !whole && c != EOF && c != '\n';) c = fgetc(file);
  return true;
}

/* ID:CONTROLLERS:PATH, of which v2 has the ID 0 and no controllers. */
static void take_own(struct sv_hierarchies *found, char *line) {
  char *list = strchr(line, ':'), *path = list != NULL ? strchr(list + 1, ':') : NULL;
  if (path == NULL || strlen(path) > SV_CGROUP_PATH_MAX) return;
  *list++ = '\0';
  *path++ = '\0';
  for (int h = 0; h < SV_HIERARCHIES; h++) {
    const bool is = h == SV_UNIFIED ? strcmp(line, "0") == 0 && list[0] == '\0' : has_word(list, controllers[h]);
    if (is) memcpy(found->own[h], path, strlen(path) + 1);
  }
}

/* Spaces and the like are written as \040. */
static void unescape(char *text) {
  char *to = text;
  for (const char *from = text; *from != '\0'; to++) {
    if (from[0] == '\\' && from[1] >= '0' && from[1] <= '3' && from[2] >= '0' && from[2] <= '7' && from[3] >= '0' && from[3] <= '7') {
      *to = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0'));
      from += 4;
    } else {
      *to = *from++;
    }
  }
  *to = '\0';
}

struct mount {
  char *root, *point, *type, *options;
};

/* id parent major:minor ROOT POINT options [optional fields] - TYPE source SUPER-OPTIONS */
static bool parse_mount(char *line, struct mount *m) {
  char *tail = strstr(line, " - "), *state, *words[5];
  if (tail == NULL) return false;
  *tail = '\0';
  for (size_t i = 0; i < 5; i++) {
    words[i] = strtok_r(i == 0 ? line : NULL, " ", &state);
    if (words[i] == NULL) return false;
  }
  m->root = words[3];
  m->point = words[4];
  m->type = strtok_r(tail + 3, " ", &state);
  m->options = strtok_r(NULL, " ", &state) != NULL ? strtok_r(NULL, " ", &state) : NULL;
  if (m->type == NULL || m->options == NULL) return false;
  unescape(m->root);
  unescape(m->point);
  return true;
}

/* Of a cgroup's path what lies below the mount's root; NULL when it does not. */
static const char *below(const char *path, const char *root) {
  if (strncmp(path, "/..", 3) == 0) return NULL; /* outside of our cgroup namespace */
  if (strcmp(root, "/") == 0) return strcmp(path, "/") == 0 ? "" : path;
  const size_t len = strlen(root);
  return strncmp(path, root, len) == 0 && (path[len] == '/' || path[len] == '\0') ? path + len : NULL;
}

static bool is_of(const struct mount *m, int h) {
  if (h == SV_UNIFIED) return strcmp(m->type, "cgroup2") == 0;
  return strcmp(m->type, "cgroup") == 0 && has_word(m->options, controllers[h]);
}

static void take_mount(struct sv_hierarchies *found, const struct sv_hierarchies *paths, const struct mount *m) {
  for (int h = 0; h < SV_HIERARCHIES; h++) {
    if (found->own[h][0] != '\0' || paths->own[h][0] == '\0' || !is_of(m, h)) continue;
    const char *rest = below(paths->own[h], m->root);
    if (rest == NULL || strlen(m->point) + strlen(rest) >= SV_CGROUP_PATH_MAX) continue;
    (void)snprintf(found->own[h], SV_CGROUP_PATH_MAX, "%s%s", m->point, rest);
  }
}

void sv_hierarchies_read(FILE *mountinfo, FILE *self, struct sv_hierarchies *found) {
  static struct sv_hierarchies paths;
  char line[LINE_BYTES];
  struct mount m;
  memset(&paths, 0, sizeof paths);
  memset(found, 0, sizeof *found);
  while (next_line(self, line)) take_own(&paths, line);
  while (next_line(mountinfo, line)) {
    if (parse_mount(line, &m)) take_mount(found, &paths, &m);
  }
}
