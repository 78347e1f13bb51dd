/*
 * record.h: what is kept of an attempt on disk, in <state>/attempts/<id>/record.
 *
 * One append-only file of entries, each one write(2): u32 length · u32 CRC-32 · u8 type · body. The length counts type and
 * body, the checksum covers them, and a body is that of the notice of the same type without its id.
 *
 *   CLAIMED (this monitor may fork the task) → NOT_STARTED | STARTED → EXITED → EMPTY, or LOST by a server
 *                                                             RELEASE by a server, anywhere behind EXITED
 *   BARRED, NOT_STARTED by a server
 *
 * THE FIRST ENTRY DECIDES. A monitor writes CLAIMED before it forks, and goes on only if its entry came first; a new server
 * that finds an empty record, and nothing that runs, writes BARRED, and NOT_STARTED only if that came first. O_APPEND orders the
 * two, so a monitor that was slow to begin can never start what was already reported as not started.
 *
 * Appending instead of renaming a file a state: the space is reserved when the attempt is claimed, so that a full disk
 * refuses launches and never swallows an exit. Nothing is synced: after a power loss the boot id differs, and the agent's
 * journal is what was promised.
 */
#ifndef DROVER_SUPERVISOR_RECORD_H
#define DROVER_SUPERVISOR_RECORD_H

#include <limits.h>
#include <sys/types.h>

#include "hierarchy.h"
#include "wire.h"

#define SV_RECORD_CLAIMED 1 /* the other types are those of the notices, and SV_RELEASE */
#define SV_RECORD_BARRED 2  /* no body; says nothing but that it came before a claim */
#define SV_RECORD_MAX 16384 /* a claim has six paths, everything after it is below 3 KB */
#define SV_RECORD_RESERVE 3072 /* with most claims no more than a page */
#define SV_RECORD_ENTRY_MAX 3072
#define SV_BOOT_ID_MAX 63

struct sv_claim {
  char boot[SV_BOOT_ID_MAX + 1];
  pid_t monitor;
  uint64_t monitor_start; /* clock ticks since boot */
  const char *out, *err;  /* the files that the task writes */
  const char *cgroups[SV_HIERARCHIES]; /* its directories, "" for none */
  uint8_t limits;                      /* that they hold: a bit for each */
  uint64_t cpu_us;                     /* that was used in them before */
  struct sv_usage told;                /* what this monitor has told of attempts before */
};

enum sv_record_result { SV_RECORD_END, SV_RECORD_ENTRY, SV_RECORD_CORRUPT };

/* Claims the id by its directory and opens its record. -1 with errno, EEXIST for an id that is here; nothing is left then. */
int sv_record_create(const char *id);

/* To append to. -1 with errno. */
int sv_record_open(const char *id);

size_t sv_record_begin(struct sv_writer *w, uint8_t type);
void sv_record_end(struct sv_writer *w, size_t start);

/* One write. False with errno when not all of it was written. */
bool sv_record_append(int fd, const struct sv_writer *w);

/* Opens, appends one entry, closes; body NULL for an empty one. False with errno. */
bool sv_record_add(const char *id, uint8_t type, const struct sv_writer *body);

void sv_put_claim(struct sv_writer *w, const struct sv_claim *claim);
bool sv_get_claim(struct sv_reader *r, struct sv_claim *claim);

/* The whole record into bytes; -1 with errno, EFBIG when it is larger than cap. */
ssize_t sv_record_read(const char *id, uint8_t *bytes, size_t cap);
enum sv_record_result sv_record_next(struct sv_reader *r, uint8_t *type, struct sv_reader *body);

/* What the monitor claimed, its strings in bytes, which has SV_RECORD_MAX. False when nothing was, or with errno. */
bool sv_record_claim(const char *id, struct sv_claim *claim, uint8_t *bytes);

/* Removes record, attach socket and directory: the id is free. False with errno. */
bool sv_record_remove(const char *id);

#endif
