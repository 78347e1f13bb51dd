/*
 * wire_test.c: the decoders at their bounds. Buffers are of the exact size and on the heap, so that ASan sees one byte too far.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../record.h"
#include "../message.h"

static int failures;

static void expect(bool holds, const char *name) {
  printf("%s %s\n", holds ? "ok  " : "FAIL", name);
  failures += !holds;
}

static uint8_t *exact(const void *bytes, size_t len) {
  uint8_t *copy = malloc(len > 0 ? len : 1);
  if (copy == NULL) abort();
  if (len > 0) memcpy(copy, bytes, len);
  return copy;
}

static void frames(void) {
  static const struct {
    const char *name;
    uint8_t bytes[16];
    size_t len;
    enum sv_frame_result result;
  } cases[] = {
      {"sv_frame_next() of nothing waits", {0}, 0, SV_FRAME_PARTIAL},
      {"sv_frame_next() of half a length waits", {5, 0}, 2, SV_FRAME_PARTIAL},
      {"sv_frame_next() of a header and no end waits", {6, 0, 0, 0, 1, 2, 3, 4, 5}, 9, SV_FRAME_PARTIAL},
      {"sv_frame_next() of an empty body", {5, 0, 0, 0, 1, 2, 3, 4, 5}, 9, SV_FRAME_READY},
      {"sv_frame_next() of a length below a header is malformed", {4, 0, 0, 0}, 4, SV_FRAME_MALFORMED},
      {"sv_frame_next() of the longest waits", {0, 0, 0x10, 0}, 4, SV_FRAME_PARTIAL},
      {"sv_frame_next() of one byte more is malformed at once", {1, 0, 0x10, 0}, 4, SV_FRAME_MALFORMED},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    struct sv_frame frame;
    size_t used = 0;
    uint8_t *bytes = exact(cases[i].bytes, cases[i].len);
    expect(sv_frame_next(bytes, cases[i].len, &frame, &used) == cases[i].result, cases[i].name);
    free(bytes);
  }
}

static void strings(void) {
  static const struct {
    const char *name, *text; /* NULL: refused */
    uint8_t bytes[16];
    size_t len;
  } cases[] = {
      {"sv_get_str() of an empty one", "", {0, 0, 0, 0}, 4},
      {"sv_get_str() to the last byte", "abc", {3, 0, 0, 0, 'a', 'b', 'c'}, 7},
      {"sv_get_str() with its end cut off is refused", NULL, {3, 0, 0, 0, 'a', 'b'}, 6},
      {"sv_get_str() with a NUL inside is refused", NULL, {3, 0, 0, 0, 'a', 0, 'c'}, 7},
      {"sv_get_str() above its limit is refused", NULL, {9, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1}, 13},
      {"sv_get_str() of 4 GiB is refused", NULL, {0xff, 0xff, 0xff, 0xff, 'a'}, 5},
      {"sv_get_str() of half a length is refused", NULL, {1, 0}, 2},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    uint8_t *bytes = exact(cases[i].bytes, cases[i].len);
    struct sv_reader r = sv_reader_of(bytes, cases[i].len);
    const char *text = sv_get_str(&r, 8);
    bool ok = cases[i].text == NULL ? r.bad && text[0] == '\0' : sv_reader_done(&r) && strcmp(text, cases[i].text) == 0;
    expect(ok, cases[i].name);
    free(bytes);
  }
  uint8_t list[] = {2, 0, 0, 0, 1, 0, 0, 0, 'a', 0, 0, 0, 0};
  char *out[3];
  struct sv_reader r = sv_reader_of(list, sizeof list);
  expect(sv_get_strs(&r, out, 2) == 2 && sv_reader_done(&r) && strcmp(out[0], "a") == 0 && out[1][0] == '\0' && out[2] == NULL,
         "sv_get_strs() up to its limit");
  r = sv_reader_of((uint8_t[]){3, 0, 0, 0}, 4);
  expect(sv_get_strs(&r, out, 2) == 0 && r.bad && out[0] == NULL, "sv_get_strs() above its limit is refused");
}

static void writers(void) {
  uint8_t *bytes = exact("", 0);
  bytes = realloc(bytes, 12);
  struct sv_writer w = sv_writer_of(bytes, 12);
  sv_put_u64(&w, 1);
  sv_put_u32(&w, 2);
  expect(!w.full && w.len == 12, "sv_put_u64() to the last byte");
  sv_put_u8(&w, 3);
  expect(w.full && w.len == 12, "sv_put_u8() above the end is refused");
  free(bytes);
}

static void ids(void) {
  static const struct {
    const char *id;
    bool valid;
  } cases[] = {{"a", true}, {"0.b_c-d", true}, {"", false}, {".", false}, {"..", false}, {"-a", false}, {"a/b", false}, {"A", false},
               {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", true},
               {"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false}};
  bool ok = true;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) ok = ok && sv_id_valid(cases[i].id) == cases[i].valid;
  expect(ok, "sv_id_valid() is safe as the name of a directory");
}

/* Every prefix of two entries: what is whole is read, what is cut is corrupt; and so is every single flipped bit. */
static void records(void) {
  uint8_t bytes[256];
  struct sv_writer w = sv_writer_of(bytes, sizeof bytes);
  const struct sv_claim claim = {.boot = "boot", .monitor = 7, .monitor_start = 8, .out = "/o", .err = "/e"};
  size_t at = sv_record_begin(&w, SV_RECORD_CLAIMED);
  sv_put_claim(&w, &claim);
  sv_record_end(&w, at);
  const size_t first = w.len;
  at = sv_record_begin(&w, SV_EMPTY);
  sv_put_empty(&w, &(struct sv_empty){.wall_ms = 1, .out_bytes = 2, .err_bytes = 3});
  sv_record_end(&w, at);
  bool cuts = true, flips = true;
  for (size_t len = 0; len <= w.len; len++) {
    uint8_t *copy = exact(bytes, len), type;
    struct sv_reader r = sv_reader_of(copy, len), body;
    enum sv_record_result result;
    while ((result = sv_record_next(&r, &type, &body)) == SV_RECORD_ENTRY) continue;
    cuts = cuts && (result == SV_RECORD_END) == (len == 0 || len == first || len == w.len);
    free(copy);
  }
  for (size_t bit = 0; bit < first * 8; bit++) {
    uint8_t *copy = exact(bytes, first), type;
    copy[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    struct sv_reader r = sv_reader_of(copy, first), body;
    flips = flips && sv_record_next(&r, &type, &body) == SV_RECORD_CORRUPT;
    free(copy);
  }
  expect(cuts, "sv_record_next() of a record cut at every byte");
  expect(flips, "sv_record_next() with any bit flipped is corrupt");
  expect(sv_crc32("123456789", 9) == 0xCBF43926u, "sv_crc32() of the standard's check value");
}

int main(void) {
  frames();
  strings();
  writers();
  ids();
  records();
  return failures > 0;
}
