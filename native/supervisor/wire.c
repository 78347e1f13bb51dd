/*
 * wire.c: see wire.h. Integers are put together byte by byte: no alignment, no host order, no cast of a buffer to a struct.
 */
#include "wire.h"

#include <string.h>

#include "protocol.h"

struct sv_reader sv_reader_of(void *bytes, size_t len) {
  uint8_t *at = bytes;
  return (struct sv_reader){.at = at, .end = at + len};
}

/* The next n bytes, or NULL; after the first refusal everything is refused, so that garbage is not taken for a value. */
static uint8_t *take(struct sv_reader *r, size_t n) {
  if (r->bad || (size_t)(r->end - r->at) < n) {
    r->bad = true;
    return NULL;
  }
  uint8_t *p = r->at;
  r->at += n;
  return p;
}

static uint64_t get_le(struct sv_reader *r, size_t n) {
  const uint8_t *p = take(r, n);
  uint64_t v = 0;
  if (p == NULL) return 0;
  for (size_t i = 0; i < n; i++) v |= (uint64_t)p[i] << (8 * i);
  return v;
}

uint8_t sv_get_u8(struct sv_reader *r) { return (uint8_t)get_le(r, 1); }
uint16_t sv_get_u16(struct sv_reader *r) { return (uint16_t)get_le(r, 2); }
uint32_t sv_get_u32(struct sv_reader *r) { return (uint32_t)get_le(r, 4); }
int32_t sv_get_i32(struct sv_reader *r) { return (int32_t)(uint32_t)get_le(r, 4); }
uint64_t sv_get_u64(struct sv_reader *r) { return get_le(r, 8); }
int64_t sv_get_i64(struct sv_reader *r) { return (int64_t)get_le(r, 8); }

char *sv_get_str(struct sv_reader *r, size_t max) {
  static char nothing[1];
  size_t len = sv_get_u32(r);
  uint8_t *p = len > max ? NULL : take(r, len);
  if (p == NULL || (len > 0 && memchr(p, 0, len) != NULL)) {
    r->bad = true;
    nothing[0] = '\0';
    return nothing;
  }
  char *text = (char *)p - 1;
  memmove(text, p, len);
  text[len] = '\0'; /* of an empty str this is the last byte of its own length */
  return text;
}

uint8_t *sv_get_bytes(struct sv_reader *r, size_t max, size_t *len) {
  *len = sv_get_u32(r);
  if (*len > max) r->bad = true;
  uint8_t *bytes = take(r, *len);
  if (bytes == NULL) *len = 0;
  return bytes;
}

size_t sv_get_strs(struct sv_reader *r, char **out, size_t max) {
  size_t count = sv_get_u32(r);
  out[0] = NULL;
  if (count > max) r->bad = true;
  if (r->bad) return 0;
  for (size_t i = 0; i < count; i++) {
    out[i] = sv_get_str(r, SV_FRAME_MAX);
    if (r->bad) {
      out[0] = NULL;
      return 0;
    }
  }
  out[count] = NULL;
  return count;
}

bool sv_reader_done(const struct sv_reader *r) { return !r->bad && r->at == r->end; }

struct sv_writer sv_writer_of(void *bytes, size_t cap) { return (struct sv_writer){.base = bytes, .cap = cap}; }

void sv_put_bytes(struct sv_writer *w, const void *bytes, size_t len) {
  if (w->full || w->cap - w->len < len) {
    w->full = true;
    return;
  }
  if (len > 0) memcpy(w->base + w->len, bytes, len);
  w->len += len;
}

static void put_le(struct sv_writer *w, uint64_t v, size_t n) {
  uint8_t bytes[8];
  for (size_t i = 0; i < n; i++) bytes[i] = (uint8_t)(v >> (8 * i));
  sv_put_bytes(w, bytes, n);
}

void sv_put_u8(struct sv_writer *w, uint8_t v) { put_le(w, v, 1); }
void sv_put_u16(struct sv_writer *w, uint16_t v) { put_le(w, v, 2); }
void sv_put_u32(struct sv_writer *w, uint32_t v) { put_le(w, v, 4); }
void sv_put_i32(struct sv_writer *w, int32_t v) { put_le(w, (uint32_t)v, 4); }
void sv_put_u64(struct sv_writer *w, uint64_t v) { put_le(w, v, 8); }
void sv_put_i64(struct sv_writer *w, int64_t v) { put_le(w, (uint64_t)v, 8); }

void sv_put_str(struct sv_writer *w, const char *text) {
  size_t len = strlen(text);
  sv_put_u32(w, (uint32_t)len);
  sv_put_bytes(w, text, len);
}

static uint64_t us_of(struct timeval t) { return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_usec; }

struct sv_usage sv_usage_of(const struct rusage *r) {
  return (struct sv_usage){
      .user_us = us_of(r->ru_utime),
      .system_us = us_of(r->ru_stime),
      .maxrss_bytes = (uint64_t)r->ru_maxrss * 1024u, /* the kernel says KiB */
      .minflt = (uint64_t)r->ru_minflt,
      .majflt = (uint64_t)r->ru_majflt,
      .inblock = (uint64_t)r->ru_inblock,
      .oublock = (uint64_t)r->ru_oublock,
      .nvcsw = (uint64_t)r->ru_nvcsw,
      .nivcsw = (uint64_t)r->ru_nivcsw,
  };
}

void sv_put_usage(struct sv_writer *w, const struct sv_usage *u) {
  const uint64_t v[] = {u->user_us, u->system_us, u->maxrss_bytes, u->minflt, u->majflt,
                        u->inblock, u->oublock,   u->nvcsw,        u->nivcsw};
  for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) sv_put_u64(w, v[i]);
}

struct sv_usage sv_get_usage(struct sv_reader *r) {
  uint64_t v[9];
  for (size_t i = 0; i < 9; i++) v[i] = sv_get_u64(r);
  return (struct sv_usage){v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7], v[8]};
}

size_t sv_frame_begin(struct sv_writer *w, uint8_t type, uint32_t tag) {
  size_t start = w->len;
  sv_put_u32(w, 0);
  sv_put_u8(w, type);
  sv_put_u32(w, tag);
  return start;
}

void sv_frame_end(struct sv_writer *w, size_t start) {
  if (w->full) return;
  uint32_t len = (uint32_t)(w->len - start - 4);
  for (size_t i = 0; i < 4; i++) w->base[start + i] = (uint8_t)(len >> (8 * i));
}

enum sv_frame_result sv_frame_next(uint8_t *bytes, size_t len, struct sv_frame *frame, size_t *used) {
  struct sv_reader r = sv_reader_of(bytes, len);
  if (len < 4) return SV_FRAME_PARTIAL;
  size_t follows = sv_get_u32(&r);
  if (follows > SV_FRAME_MAX || follows < SV_FRAME_HEADER - 4) return SV_FRAME_MALFORMED;
  if (len - 4 < follows) return SV_FRAME_PARTIAL;
  frame->type = sv_get_u8(&r);
  frame->tag = sv_get_u32(&r);
  frame->body = sv_reader_of(bytes + SV_FRAME_HEADER, follows - (SV_FRAME_HEADER - 4));
  *used = follows + 4;
  return SV_FRAME_READY;
}

bool sv_id_valid(const char *id) {
  static const char first[] = "abcdefghijklmnopqrstuvwxyz0123456789";
  static const char rest[] = "abcdefghijklmnopqrstuvwxyz0123456789._-";
  size_t len = strlen(id);
  return len >= 1 && len <= SV_ID_MAX && strchr(first, id[0]) != NULL && strspn(id, rest) == len;
}

uint32_t sv_crc32(const void *bytes, size_t len) {
  static const uint32_t table[16] = {
      0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
      0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
  };
  const uint8_t *p = bytes;
  uint32_t crc = ~0u;
  for (size_t i = 0; i < len; i++) {
    crc ^= p[i];
    crc = (crc >> 4) ^ table[crc & 15];
    crc = (crc >> 4) ^ table[crc & 15];
  }
  return ~crc;
}
