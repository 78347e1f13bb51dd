/*
 * line-writer.c: writes lines of 100 bytes to standard output and says on standard error how many seconds that took.
 *
 *   line-writer BYTES LINES_A_WRITE
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE 100
#define LINES_MAX 655 /* of a buffer of 64 KiB */
#define DIGITS 12

static double now(void) {
  struct timespec t;
  (void)clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The next number in its place: printing it anew would take longer than writing it. */
static void count_up(char *digits) {
  for (int i = DIGITS - 1; i >= 0; i--) {
    if (digits[i]++ < '9') return;
    digits[i] = '0';
  }
}

static int write_all(const char *bytes, size_t length) {
  while (length > 0) {
    const ssize_t n = write(STDOUT_FILENO, bytes, length);
    if (n < 0) return -1;
    bytes += n;
    length -= (size_t)n;
  }
  return 0;
}

int main(int argc, char **argv) {
  static char buffer[LINE * LINES_MAX];
  char digits[DIGITS];
  if (argc != 3) return 2;
  const long lines = atol(argv[1]) / LINE, each = atol(argv[2]);
  if (lines <= 0 || each <= 0 || each > LINES_MAX) return 2;
  memset(digits, '0', DIGITS);
  memset(buffer, '.', sizeof buffer);
  for (int l = 1; l <= LINES_MAX; l++) buffer[l * LINE - 1] = '\n';
  const double from = now();
  for (long i = 0; i < lines; i += each) {
    const long count = lines - i < each ? lines - i : each;
    for (long l = 0; l < count; l++, count_up(digits)) memcpy(buffer + l * LINE, digits, DIGITS);
    if (write_all(buffer, (size_t)count * LINE) != 0) return perror("line-writer"), 1;
  }
  (void)fprintf(stderr, "%.6f\n", now() - from);
  return 0;
}
