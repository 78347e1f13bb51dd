/*
 * fuzz.h: what the fuzzers share: the vectors, and changes to them that are the same ones each time.
 */
#ifndef DROVER_SUPERVISOR_TEST_FUZZ_H
#define DROVER_SUPERVISOR_TEST_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#define SEEDS_MAX 64
#define BYTES_MAX 2048

struct seed {
  uint8_t bytes[BYTES_MAX];
  size_t len;
};

extern struct seed seeds[SEEDS_MAX];

uint64_t fuzz_next(void);

/* Changes some of the bytes, and how many of them count. */
size_t fuzz_mutate(uint8_t *bytes, size_t len);

/* A monitor's end of ATTACH, through its socket, with the frames of it that are among the seeds. 0 or the exit code of a failure. */
int fuzz_attach(size_t seed_count, long rounds);

#endif
