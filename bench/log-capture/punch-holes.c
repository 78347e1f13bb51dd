/*
 * punch-holes.c: keeps a growing file at a quota, as bare as can be: looks every 20 ms, and gives back to the disk what is more
 * than an eighth above. Ends when standard input does.
 *
 *   punch-holes FILE QUOTA_BYTES
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/falloc.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define LOOK_MS 20
#define BLOCK 4096

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  const int file = open(argv[1], O_WRONLY | O_CLOEXEC);
  if (file < 0) return perror(argv[1]), 1;
  const off_t quota = atoll(argv[2]);
  struct pollfd end = {.fd = 0, .events = POLLIN};
  off_t gone = 0;
  while (poll(&end, 1, LOOK_MS) == 0) {
    struct stat s;
    if (fstat(file, &s) != 0) return perror("fstat"), 1;
    const off_t goal = (s.st_size - quota) / BLOCK * BLOCK;
    if (goal - gone <= quota / 8) continue;
    if (fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, gone, goal - gone) != 0) return perror("fallocate"), 1;
    gone = goal;
  }
  return 0;
}
