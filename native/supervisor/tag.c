/*
 * tag.c: see tag.h.
 */
#include "tag.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cgroup_file.h"

#define ENVIRON_MAX 262144u /* bytes of one environment; what is longer is not searched further */
#define PLACE_MAX (sizeof SV_PLACE "=" + SV_CGROUPS_NAME_MAX)

static const char *own_place(void) {
  static char text[PLACE_MAX];
  (void)snprintf(text, sizeof text, SV_PLACE "=%s", sv_cgroups_name);
  return text;
}

void sv_tag_start(struct sv_start *start) {
  size_t i = 0;
  while (i < start->envc && strncmp(start->env[i], SV_PLACE "=", sizeof SV_PLACE "=" - 1) != 0) i++;
  if (i == start->envc) start->env[++start->envc] = NULL; /* there is room for one more than a request may have */
  start->env[i] = (char *)(uintptr_t)own_place();
}

static size_t read_environ(pid_t pid, char text[ENVIRON_MAX]) {
  char path[32];
  size_t len = 0;
  ssize_t n;
  (void)snprintf(path, sizeof path, "/proc/%d/environ", (int)pid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 0;
  while (len < ENVIRON_MAX && (n = read(fd, text + len, ENVIRON_MAX - len)) > 0) len += (size_t)n;
  (void)close(fd);
  return len;
}

/* Variables end with a NUL each. */
bool sv_tag_read(pid_t pid, char id[SV_ID_MAX + 1]) {
  static char text[ENVIRON_MAX];
  const size_t len = read_environ(pid, text), name = sizeof SV_TAG "=" - 1;
  const char *place = own_place();
  bool tagged = false, ours = false;
  for (size_t at = 0, size; at < len; at += size + 1) {
    const char *variable = text + at;
    size = strnlen(variable, len - at);
    if (size == strlen(place) && memcmp(variable, place, size) == 0) ours = true;
    if (size <= name || size - name > SV_ID_MAX || memcmp(variable, SV_TAG "=", name) != 0) continue;
    memcpy(id, variable + name, size - name);
    id[size - name] = '\0';
    tagged = true;
  }
  return tagged && ours;
}
