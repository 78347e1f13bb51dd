/*
 * hierarchy_test.c: where cgroups are, on machines as they are found: what is mounted, and what our own cgroup is.
 */
#include "../hierarchy.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define V1(name, options) "34 31 0:34 / /sys/fs/cgroup/" name " rw,relatime shared:9 - cgroup cgroup rw," options "\n"
#define V2(place) "41 31 0:38 / " place " rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
#define OTHER "22 27 0:21 / /proc rw,relatime - proc proc rw\n24 27 0:6 / /dev rw - devtmpfs devtmpfs rw,size=4096k,mode=755\n"

static const struct {
  const char *name, *mountinfo, *self;
  const char *own[SV_HIERARCHIES];
} cases[] = {
    {"sv_hierarchies_read() of v2 alone, in a unit of systemd", OTHER V2("/sys/fs/cgroup"), "0::/system.slice/drover.service\n",
     {"/sys/fs/cgroup/system.slice/drover.service", "", "", ""}},
    {"sv_hierarchies_read() of v2 alone, at its root", V2("/sys/fs/cgroup"), "0::/\n", {"/sys/fs/cgroup", "", "", ""}},
    {"sv_hierarchies_read() of v2 beside v1 controllers",
     OTHER V1("cpu,cpuacct", "cpu,cpuacct") V1("memory", "memory") V1("pids", "pids") V2("/sys/fs/cgroup/unified"),
     "9:name=systemd:/a\n4:memory:/limited\n3:cpuset:/\n2:cpu,cpuacct:/\n1:pids:/\n0::/b\n",
     {"/sys/fs/cgroup/unified/b", "/sys/fs/cgroup/cpu,cpuacct", "/sys/fs/cgroup/memory/limited", "/sys/fs/cgroup/pids"}},
    {"sv_hierarchies_read() of v1 alone", V1("cpuset", "cpuset") V1("cpu", "cpu"), "2:cpuset:/\n1:cpu:/x\n", {"", "/sys/fs/cgroup/cpu/x", "", ""}},
    {"sv_hierarchies_read() of nothing mounted", OTHER, "0::/\n", {"", "", "", ""}},
    {"sv_hierarchies_read() in a container that sees its own part",
     "41 31 0:38 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup rw\n", "0::/docker/abc/inner\n", {"/sys/fs/cgroup/inner", "", "", ""}},
    {"sv_hierarchies_read() passes over a mount that does not hold our cgroup",
     "40 31 0:38 /other /mnt/other rw - cgroup2 cgroup rw\n" V2("/sys/fs/cgroup"), "0::/otherwise\n", {"/sys/fs/cgroup/otherwise", "", "", ""}},
    {"sv_hierarchies_read() outside of our cgroup namespace", V2("/sys/fs/cgroup"), "0::/../else\n", {"", "", "", ""}},
    {"sv_hierarchies_read() of a mount point with a space", "41 31 0:38 / /mnt/c\\040g rw - cgroup2 cgroup rw\n", "0::/\n", {"/mnt/c g", "", "", ""}},
    {"sv_hierarchies_read() of lines that are cut or empty", "41\n\n41 31 0:38 / /x rw\n - cgroup2\n41 31 0:38 / /x rw - cgroup2 c\n", "0\n:\n0::/\n\n",
     {"", "", "", ""}},
};

static bool holds(size_t i) {
  static struct sv_hierarchies found;
  char *mountinfo_text = strdup(cases[i].mountinfo), *self_text = strdup(cases[i].self);
  FILE *mountinfo = fmemopen(mountinfo_text, strlen(mountinfo_text), "r"), *self = fmemopen(self_text, strlen(self_text), "r");
  if (mountinfo == NULL || self == NULL) abort();
  sv_hierarchies_read(mountinfo, self, &found);
  (void)fclose(mountinfo);
  (void)fclose(self);
  free(mountinfo_text);
  free(self_text);
  for (int h = 0; h < SV_HIERARCHIES; h++) {
    if (strcmp(found.own[h], cases[i].own[h]) != 0) return false;
  }
  return true;
}

/* Longer than is looked at: neither is taken, and what follows is still read. */
static bool long_lines(void) {
  static char text[20000];
  static struct sv_hierarchies found;
  char own[] = "0::/a\n";
  memset(text, 'x', 10000);
  (void)strcpy(text + 10000, "\n" V2("/sys/fs/cgroup"));
  FILE *mountinfo = fmemopen(text, strlen(text), "r"), *self = fmemopen(own, strlen(own), "r");
  if (mountinfo == NULL || self == NULL) abort();
  sv_hierarchies_read(mountinfo, self, &found);
  (void)fclose(mountinfo);
  (void)fclose(self);
  return strcmp(found.own[SV_UNIFIED], "/sys/fs/cgroup/a") == 0;
}

int main(void) {
  int failures = 0;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const bool ok = holds(i);
    printf("%s %s\n", ok ? "ok  " : "FAIL", cases[i].name);
    failures += !ok;
  }
  const bool ok = long_lines();
  printf("%s sv_hierarchies_read() behind a line that is too long\n", ok ? "ok  " : "FAIL");
  return failures + !ok > 0;
}
