/*
 * outlet.c: see outlet.h.
 *
 * A FULL DISK must not hold the task up, and whoever reads its output must learn of it: what cannot be written is counted, and
 * a line between the bytes says how many are missing as soon as there is room for it. Until then the log does.
 */
#include "outlet.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host.h"

#define COPY_BYTES (32u << 10)

bool sv_outlet_open(struct sv_outlet *o, int from, int to) {
  struct stat file;
  if (fstat(to, &file) != 0) return false;
  *o = (struct sv_outlet){.from = from, .to = to, .size = (uint64_t)file.st_size};
  return true;
}

/* How much of it the disk has taken. */
static size_t write_out(struct sv_outlet *o, const void *bytes, size_t len) {
  size_t written = 0;
  ssize_t n;
  while (written < len && (n = write(o->to, (const uint8_t *)bytes + written, len - written)) > 0) written += (size_t)n;
  o->size += written;
  return written;
}

static void append(struct sv_outlet *o, const void *bytes, size_t len) {
  if (o->missing == 0) {
    o->missing = len - write_out(o, bytes, len);
    if (o->missing > 0) sv_log("output is not kept: %s", strerror(errno));
  } else {
    o->missing += len;
  }
}

static void tell_missing(struct sv_outlet *o) {
  char line[96];
  int len = snprintf(line, sizeof line, "\r\n[drover: %llu bytes of output could not be kept]\r\n", (unsigned long long)o->missing);
  if (write_out(o, line, (size_t)len) < (size_t)len) return;
  sv_log("output is kept again; %llu bytes are missing", (unsigned long long)o->missing);
  o->missing = 0;
}

bool sv_outlet_copy(struct sv_outlet *o, size_t most) {
  static uint8_t bytes[COPY_BYTES];
  ssize_t n = 1;
  if (o->missing > 0) tell_missing(o);
  for (size_t copied = 0; o->from >= 0 && copied < most && n > 0;) {
    size_t have = 0;
    while (have < sizeof bytes && (n = read(o->from, bytes + have, sizeof bytes - have)) > 0) have += (size_t)n;
    const bool dead = n == 0 || (n < 0 && errno != EAGAIN);
    append(o, bytes, have);
    if (dead) return false;
    copied += have;
  }
  return true;
}
