/*
 * record.c: see record.h. Paths are relative: server and monitors stay in the state directory, however long its name is.
 */
#include "record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "protocol.h"

#define ENTRY_HEADER 8 /* length and checksum */
#define PATH_SIZE (sizeof "attempts/" + SV_ID_MAX + sizeof "/record")

static void path_of(char path[PATH_SIZE], const char *id, const char *file) {
  (void)snprintf(path, PATH_SIZE, "attempts/%s%s", id, file);
}

int sv_record_create(const char *id) {
  char directory[PATH_SIZE], path[PATH_SIZE];
  path_of(directory, id, "");
  path_of(path, id, "/record");
  if (mkdir(directory, 0700) != 0) return -1;
  int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) {
    int error = errno;
    (void)rmdir(directory); /* of no consequence: an empty directory is recovered as not started */
    errno = error;
  }
  return fd;
}

int sv_record_open(const char *id) {
  char path[PATH_SIZE];
  path_of(path, id, "/record");
  return open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
}

size_t sv_record_begin(struct sv_writer *w, uint8_t type) {
  size_t start = w->len;
  sv_put_u64(w, 0); /* length and checksum, written at the end */
  sv_put_u8(w, type);
  return start;
}

void sv_record_end(struct sv_writer *w, size_t start) {
  if (w->full) return;
  uint8_t *covered = w->base + start + ENTRY_HEADER;
  size_t len = w->len - start - ENTRY_HEADER;
  struct sv_writer header = sv_writer_of(w->base + start, ENTRY_HEADER);
  sv_put_u32(&header, (uint32_t)len);
  sv_put_u32(&header, sv_crc32(covered, len));
}

bool sv_record_append(int fd, const struct sv_writer *w) {
  if (w->full) {
    errno = EFBIG;
    return false;
  }
  ssize_t n = write(fd, w->base, w->len);
  if (n >= 0 && (size_t)n < w->len) errno = ENOSPC; /* a regular file takes a part only where there is no room */
  return n >= 0 && (size_t)n == w->len;
}

bool sv_record_add(const char *id, uint8_t type, const struct sv_writer *body) {
  uint8_t bytes[SV_RECORD_ENTRY_MAX];
  struct sv_writer w = sv_writer_of(bytes, sizeof bytes);
  size_t entry = sv_record_begin(&w, type);
  if (body != NULL) sv_put_bytes(&w, body->base, body->len);
  sv_record_end(&w, entry);
  int fd = sv_record_open(id);
  if (fd < 0) return false;
  bool added = sv_record_append(fd, &w);
  int error = errno;
  (void)close(fd);
  errno = error;
  return added;
}

void sv_put_claim(struct sv_writer *w, const struct sv_claim *claim) {
  sv_put_str(w, claim->boot);
  sv_put_i32(w, claim->monitor);
  sv_put_u64(w, claim->monitor_start);
  sv_put_str(w, claim->out);
  sv_put_str(w, claim->err);
  for (int h = 0; h < SV_HIERARCHIES; h++) sv_put_str(w, claim->cgroups[h] != NULL ? claim->cgroups[h] : "");
  sv_put_u8(w, claim->limits);
  sv_put_u64(w, claim->cpu_us);
  sv_put_usage(w, &claim->told);
}

bool sv_get_claim(struct sv_reader *r, struct sv_claim *claim) {
  const char *boot = sv_get_str(r, SV_BOOT_ID_MAX);
  memcpy(claim->boot, boot, strlen(boot) + 1);
  claim->monitor = sv_get_i32(r);
  claim->monitor_start = sv_get_u64(r);
  claim->out = sv_get_str(r, PATH_MAX);
  claim->err = sv_get_str(r, PATH_MAX);
  for (int h = 0; h < SV_HIERARCHIES; h++) claim->cgroups[h] = sv_get_str(r, SV_CGROUP_PATH_MAX);
  claim->limits = sv_get_u8(r);
  claim->cpu_us = sv_get_u64(r);
  claim->told = sv_get_usage(r);
  return sv_reader_done(r) && claim->monitor > 0;
}

ssize_t sv_record_read(const char *id, uint8_t *bytes, size_t cap) {
  char path[PATH_SIZE];
  path_of(path, id, "/record");
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) return -1;
  size_t len = 0;
  ssize_t n;
  do {
    n = read(fd, bytes + len, cap - len);
    if (n > 0) len += (size_t)n;
  } while ((n > 0 && len < cap) || (n < 0 && errno == EINTR));
  int error = n < 0 ? errno : len == cap ? EFBIG : 0;
  (void)close(fd);
  errno = error;
  return error == 0 ? (ssize_t)len : -1;
}

enum sv_record_result sv_record_next(struct sv_reader *r, uint8_t *type, struct sv_reader *body) {
  if (r->at == r->end) return SV_RECORD_END;
  uint32_t len = sv_get_u32(r);
  uint32_t crc = sv_get_u32(r);
  if (r->bad || len == 0 || len > (size_t)(r->end - r->at) || sv_crc32(r->at, len) != crc) return SV_RECORD_CORRUPT;
  *type = r->at[0];
  *body = sv_reader_of(r->at + 1, len - 1);
  r->at += len;
  return SV_RECORD_ENTRY;
}

bool sv_record_claim(const char *id, struct sv_claim *claim, uint8_t *bytes) {
  ssize_t len = sv_record_read(id, bytes, SV_RECORD_MAX);
  if (len < 0) return false;
  struct sv_reader r = sv_reader_of(bytes, (size_t)len), body;
  uint8_t type;
  return sv_record_next(&r, &type, &body) == SV_RECORD_ENTRY && type == SV_RECORD_CLAIMED && sv_get_claim(&body, claim);
}

bool sv_record_remove(const char *id) {
  char path[PATH_SIZE];
  path_of(path, id, "/record");
  if (unlink(path) != 0 && errno != ENOENT) return false;
  path_of(path, id, "");
  if (rmdir(path) == 0 || errno == ENOENT) return true;
  path_of(path, id, "/attach"); /* most have none */
  if (unlink(path) != 0 && errno != ENOENT) return false;
  path_of(path, id, "");
  return rmdir(path) == 0 || errno == ENOENT;
}
