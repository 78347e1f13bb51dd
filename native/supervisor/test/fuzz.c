/*
 * fuzz.c: the decoders on mutated vectors, the same ones each time, and then a monitor's end of ATTACH: fuzz FILE ROUNDS. ASan
 * and UBSan are what fails here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../message.h"
#include "../record.h"
#include "fuzz.h"

struct seed seeds[SEEDS_MAX];

/* xorshift64: repeatable, which is all that is asked of it. */
uint64_t fuzz_next(void) {
  static uint64_t x = 88172645463325252u;
  x ^= x << 13;
  x ^= x >> 7;
  return x ^= x << 17;
}

static size_t read_seeds(const char *path) {
  static char line[3 * BYTES_MAX];
  size_t count = 0;
  FILE *f = fopen(path, "r");
  if (f == NULL) return 0;
  while (count < SEEDS_MAX && fgets(line, sizeof line, f) != NULL) {
    const char *hex = strchr(line, ' ');
    unsigned byte;
    if (line[0] == '#' || hex == NULL) continue;
    for (hex++; seeds[count].len < BYTES_MAX && sscanf(hex, "%2x", &byte) == 1; hex += 2) seeds[count].bytes[seeds[count].len++] = (uint8_t)byte;
    count++;
  }
  fclose(f);
  return count;
}

/* What is on disk and not on the wire: a record's entries, and the claim that is the first of them, each as a frame's body. */
static size_t add_records(size_t count) {
  const struct sv_claim claim = {.boot = "boot", .monitor = 7, .monitor_start = 8, .out = "/o", .err = "/e", .cgroups = {"/c/0", "", "/m/0", ""}, .limits = 2, .cpu_us = 9};
  const struct sv_empty empty = {.wall_ms = 1, .out_bytes = 2, .err_bytes = 3};
  for (int what = 0; what < 2 && count < SEEDS_MAX; what++, count++) {
    struct sv_writer w = sv_writer_of(seeds[count].bytes, sizeof seeds[count].bytes);
    size_t frame = sv_frame_begin(&w, 0, 0), entry = 0;
    if (what == 1) entry = sv_record_begin(&w, SV_RECORD_CLAIMED);
    sv_put_claim(&w, &claim);
    if (what == 1) sv_record_end(&w, entry);
    if (what == 1) entry = sv_record_begin(&w, SV_EMPTY);
    if (what == 1) sv_put_empty(&w, &empty);
    if (what == 1) sv_record_end(&w, entry);
    sv_frame_end(&w, frame);
    seeds[count].len = w.len;
  }
  return count;
}

size_t fuzz_mutate(uint8_t *bytes, size_t len) {
  static const uint8_t edges[] = {0, 1, 0x7f, 0x80, 0xff};
  for (uint64_t changes = 1 + fuzz_next() % 4; changes > 0; changes--) {
    size_t at = fuzz_next() % len;
    if (fuzz_next() % 2 == 0) bytes[at] ^= (uint8_t)(1u << (fuzz_next() % 8));
    else bytes[at] = edges[fuzz_next() % sizeof edges];
  }
  return fuzz_next() % 4 == 0 ? fuzz_next() % (len + 1) : len;
}

static void decode(uint8_t *bytes, size_t len) {
  static struct sv_start start;
  struct sv_frame frame;
  struct sv_started started;
  struct sv_exited exited;
  static struct sv_signaled signaled;
  struct sv_sampled sampled;
  struct sv_empty empty;
  struct sv_claim claim;
  size_t used;
  if (sv_frame_next(bytes, len, &frame, &used) != SV_FRAME_READY) return;
  switch (fuzz_next() % 8) {
    case 0: (void)sv_decode_start(&frame.body, &start); break;
    case 1: (void)sv_get_started(&frame.body, &started); break;
    case 2: (void)sv_get_exited(&frame.body, &exited); break;
    case 3: (void)sv_get_claim(&frame.body, &claim); break;
    case 4: (void)sv_get_empty(&frame.body, &empty); break;
    case 5: (void)sv_get_signaled(&frame.body, &signaled); break;
    case 6: (void)sv_get_sampled(&frame.body, &sampled); break;
    default: {
      struct sv_reader body;
      uint8_t type;
      while (sv_record_next(&frame.body, &type, &body) == SV_RECORD_ENTRY) continue;
    }
  }
}

int main(int argc, char **argv) {
  size_t count = argc == 3 ? read_seeds(argv[1]) : 0;
  if (count > 0) count = add_records(count);
  long rounds = argc == 3 ? strtol(argv[2], NULL, 10) : 0;
  if (count == 0) return fprintf(stderr, "usage: fuzz VECTORS ROUNDS\n"), 2;
  for (long i = 0; i < rounds; i++) {
    size_t seed = (size_t)i % count, len = seeds[seed].len;
    uint8_t *bytes = malloc(len);
    if (bytes == NULL) return 1;
    memcpy(bytes, seeds[seed].bytes, len);
    len = fuzz_mutate(bytes, len);
    uint8_t *exact = malloc(len > 0 ? len : 1); /* so that one byte too far is seen */
    if (exact == NULL) return 1;
    memcpy(exact, bytes, len);
    decode(exact, len);
    free(exact);
    free(bytes);
  }
  printf("ok   %ld rounds over %zu vectors\n", rounds, count);
  (void)fflush(stdout); /* before it forks */
  return fuzz_attach(count, rounds / 20);
}
