/*
 * attacher.c: see attacher.h.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attacher.h"

struct client *attach_to(const char *id) {
  char directory[160];
  (void)snprintf(directory, sizeof directory, "%s/attempts/%s", state, id);
  return client_open_at(directory, "attach");
}

struct sv_started run_attached(struct client *c, const char *id, const char *script, uint32_t flags) {
  (void)unlink(out);
  char *argv[] = {(char *)"/bin/sh", (char *)"-c", (char *)(uintptr_t)script, NULL};
  accepted(c, &(struct task){.id = id, .argv = argv, .out = out, .err = err, .flags = flags, .rows = 24, .columns = 80});
  return client_started(c, id);
}

void say_data(struct client *a, uint64_t offset, const void *data, size_t len) {
  static uint8_t bytes[SV_ATTACH_DATA_MAX + 12];
  struct sv_writer w = sv_writer_of(bytes, sizeof bytes);
  sv_put_u64(&w, offset);
  sv_put_u32(&w, (uint32_t)len);
  sv_put_bytes(&w, data, len);
  CHECK(!w.full);
  (void)client_send(a, SV_ATTACH_DATA, bytes, w.len);
}

void type_in(struct client *a, uint64_t offset, const char *text) { say_data(a, offset, text, strlen(text)); }

void say_offset(struct client *a, uint8_t type, uint64_t offset) {
  uint8_t bytes[8];
  struct sv_writer w = sv_writer_of(bytes, sizeof bytes);
  sv_put_u64(&w, offset);
  (void)client_send(a, type, bytes, w.len);
}

void say_read(struct client *a, uint8_t stream, uint64_t offset) {
  uint8_t bytes[9];
  struct sv_writer w = sv_writer_of(bytes, sizeof bytes);
  sv_put_u8(&w, stream);
  sv_put_u64(&w, offset);
  (void)client_send(a, SV_ATTACH_READ, bytes, w.len);
}

void say_size(struct client *a, uint16_t rows, uint16_t columns) {
  uint8_t bytes[4];
  struct sv_writer w = sv_writer_of(bytes, sizeof bytes);
  sv_put_u16(&w, rows);
  sv_put_u16(&w, columns);
  (void)client_send(a, SV_ATTACH_RESIZE, bytes, w.len);
}

struct taken hear_taken(struct client *a) {
  struct frame *f = client_read(a);
  CHECK(f != NULL && f->type == SV_ATTACH_TAKEN);
  struct sv_reader r = sv_reader_of(f->body, f->len);
  const struct taken t = {sv_get_u64(&r), sv_get_u8(&r) == 1};
  CHECK(sv_reader_done(&r));
  free(f);
  return t;
}

void await_taken(struct client *a, uint64_t offset, bool over) {
  struct taken t;
  do t = hear_taken(a);
  while (t.offset < offset || t.over != over);
  CHECK(t.offset == offset);
}

void await_closed(struct client *a) {
  struct frame *f;
  while ((f = client_read(a)) != NULL) free(f);
  client_close(a);
}

uint64_t size_of(const char *path) {
  struct stat s;
  return stat(path, &s) == 0 ? (uint64_t)s.st_size : 0;
}

bool says(const void *text) { return strstr(content(out), text) != NULL; }
bool has_bytes(const void *size) { return size_of(out) >= *(const uint64_t *)size; }

void await_output(bool (*is)(const void *), const void *what) {
  int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  CHECK(fd >= 0 && inotify_add_watch(fd, out, IN_MODIFY) >= 0);
  while (!is(what)) {
    struct pollfd p = {.fd = fd, .events = POLLIN};
    char events[4096];
    CHECK(poll(&p, 1, WAIT_MS) == 1 && read(fd, events, sizeof events) > 0);
  }
  (void)close(fd);
}

void go_round(const char *id) {
  for (int i = 0; i < 20; i++) {
    struct client *looks = attach_to(id);
    (void)hear_taken(looks);
    client_close(looks);
  }
}
