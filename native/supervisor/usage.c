/*
 * usage.c: see usage.h.
 */
#include "usage.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host.h"

static const char magic[8] = "drvusage";
#define VERSION 1u

struct usage_file {
  char magic[8];
  uint32_t version;
  uint32_t marks_end; /* none at or above it is set: what is not looked at costs no memory */
  struct sv_usage total;
  uint64_t marks[SV_ATTEMPTS_MAX]; /* hash of the id that was counted, 0 for none */
};

static struct usage_file *file;
static struct sv_usage earlier; /* of the servers before this one, and of attempts whose monitor this one has not reaped */
static struct sv_usage inherited; /* that RUSAGE_CHILDREN had when we began: of the binary before, and part of earlier */
static uint8_t taken[SV_ATTEMPTS_MAX / 8];
static int lowest; /* no free mark is below */

void sv_usage_sum(struct sv_usage *sum, const struct sv_usage *u) {
  sum->user_us += u->user_us;
  sum->system_us += u->system_us;
  if (u->maxrss_bytes > sum->maxrss_bytes) sum->maxrss_bytes = u->maxrss_bytes; /* a peak: the largest, not a sum */
  sum->minflt += u->minflt;
  sum->majflt += u->majflt;
  sum->inblock += u->inblock;
  sum->oublock += u->oublock;
  sum->nvcsw += u->nvcsw;
  sum->nivcsw += u->nivcsw;
}

void sv_usage_subtract(struct sv_usage *whole, const struct sv_usage *part) {
  whole->user_us -= part->user_us;
  whole->system_us -= part->system_us;
  whole->minflt -= part->minflt;
  whole->majflt -= part->majflt;
  whole->inblock -= part->inblock;
  whole->oublock -= part->oublock;
  whole->nvcsw -= part->nvcsw;
  whole->nivcsw -= part->nivcsw;
}

bool sv_usage_open(void) {
  int fd = open("usage", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return false;
  /* Allocated and not only sized: a mapped hole on a full disk would be a SIGBUS later. */
  int error = posix_fallocate(fd, 0, sizeof *file);
  file = error == 0 ? mmap(NULL, sizeof *file, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;
  if (file == MAP_FAILED && error == 0) error = errno;
  (void)close(fd);
  errno = error;
  if (error != 0) return false;
  bool ours = memcmp(file->magic, magic, sizeof magic) == 0 && file->version == VERSION && file->marks_end <= SV_ATTEMPTS_MAX;
  if (!ours) {
    const bool damaged = file->version != 0 || file->magic[0] != 0;
    if (damaged) sv_log("usage is not of this version: totals begin at zero");
    if (damaged) memset(file, 0, sizeof *file); /* a new file is zero, and not touched */
    memcpy(file->magic, magic, sizeof magic);
    file->version = VERSION;
  }
  earlier = file->total;
  struct rusage children;
  if (getrusage(RUSAGE_CHILDREN, &children) == 0) inherited = sv_usage_of(&children);
  return true;
}

void sv_usage_refresh(void) {
  struct rusage children;
  if (getrusage(RUSAGE_CHILDREN, &children) != 0) return;
  struct sv_usage total = earlier, own = sv_usage_of(&children);
  sv_usage_subtract(&own, &inherited);
  sv_usage_sum(&total, &own);
  file->total = total;
}

void sv_usage_add(const struct sv_usage *usage) {
  sv_usage_sum(&earlier, usage);
  sv_usage_refresh();
}

/* Below zero in between, which unsigned numbers bear. */
void sv_usage_take_back(struct sv_usage *usage) {
  sv_usage_subtract(&earlier, usage);
  *usage = (struct sv_usage){0};
}

struct sv_usage sv_usage_total(void) { return file->total; }

/* FNV-1a; 0 means that there is no mark. */
static uint64_t hash_of(const char *id) {
  uint64_t hash = 14695981039346656037u;
  for (; *id != '\0'; id++) hash = (hash ^ (uint8_t)*id) * 1099511628211u;
  return hash != 0 ? hash : 1;
}

static bool is_taken(int mark) { return (taken[mark / 8] >> (mark % 8)) & 1; }
static void take(int mark) { taken[mark / 8] |= (uint8_t)(1u << (mark % 8)); }

int sv_usage_take(void) {
  for (int mark = lowest; mark < SV_ATTEMPTS_MAX; mark++) {
    if (is_taken(mark)) continue;
    take(mark);
    lowest = mark + 1;
    return mark;
  }
  return -1;
}

int sv_usage_take_again(const char *id, bool *counted) {
  const uint64_t hash = hash_of(id);
  *counted = false;
  for (int mark = 0; mark < (int)file->marks_end; mark++) {
    if (file->marks[mark] != hash || is_taken(mark)) continue;
    *counted = true;
    take(mark);
    return mark;
  }
  /* Above the end first: a mark that a later attempt still has to find must not be given to this one. */
  for (int i = 0; i < SV_ATTEMPTS_MAX; i++) {
    int mark = (i + (int)file->marks_end) % SV_ATTEMPTS_MAX;
    if (is_taken(mark) || (mark < (int)file->marks_end && file->marks[mark] != 0)) continue;
    take(mark);
    return mark;
  }
  return -1;
}

void sv_usage_count(int mark, const char *id) {
  file->marks[mark] = hash_of(id);
  if (mark >= (int)file->marks_end) file->marks_end = (uint32_t)mark + 1;
}

void sv_usage_give_back(int mark) {
  if (mark < (int)file->marks_end) file->marks[mark] = 0;
  taken[mark / 8] &= (uint8_t) ~(1u << (mark % 8));
  if (mark < lowest) lowest = mark;
}

void sv_usage_recovered(void) {
  int end = 0;
  for (int mark = 0; mark < (int)file->marks_end; mark++) {
    if (!is_taken(mark)) file->marks[mark] = 0;
    if (file->marks[mark] != 0) end = mark + 1;
  }
  file->marks_end = (uint32_t)end;
}
