/*
 * cgroup_slots.c: the numbers of the server's cgroups: which are taken, and which of the free ones are made. See cgroup.h.
 */
#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#include "cgroup.h"
#include "cgroup_file.h"
#include "host.h"
#include "usage.h"

#define KEPT_MAX 64 /* made and free: as many as an agent starts at once; more are removed when they become free */

static struct {
  bool taken;
  bool made;  /* and free */
  bool stuck; /* taken by what an attempt left in it */
  bool nobodys; /* and no record says of which */
  uint64_t cpu_us;
} slots[SV_ATTEMPTS_MAX];
static int lowest, end; /* no free one below, none ever taken from there on */
static unsigned kept;   /* made and free */
static unsigned used;   /* by attempts that are not over */
static bool idle;       /* none is, since a moment */

struct sv_slot sv_slot_take(void) {
  int number = -1;
  for (int n = lowest; n < SV_ATTEMPTS_MAX && number < 0; n++) {
    if (!slots[n].taken) number = n;
  }
  if (number < 0) return (struct sv_slot){.number = -1};
  const struct sv_slot slot = {.number = number, .made = slots[number].made, .cpu_us = slots[number].cpu_us};
  sv_slot_take_again(number);
  lowest = number + 1;
  return slot;
}

void sv_slot_take_again(int number) {
  if (number < 0 || number >= SV_ATTEMPTS_MAX || slots[number].taken) return;
  if (slots[number].made) kept--;
  used++;
  slots[number].taken = true;
  slots[number].made = false;
  if (number >= end) end = number + 1;
}

static void set_free(int number, bool made, uint64_t cpu_us) {
  slots[number].taken = slots[number].stuck = slots[number].nobodys = false;
  slots[number].made = made;
  slots[number].cpu_us = made ? slots[number].cpu_us + cpu_us : 0;
  kept += made;
  if (number < lowest) lowest = number;
}

void sv_slot_count(int number, uint64_t cpu_us) { slots[number].cpu_us += cpu_us; }

/* One in which something is left stays taken: it is not given to another attempt. */
void sv_slot_give_back(int number, bool reusable, uint64_t cpu_us) {
  if (number < 0 || number >= SV_ATTEMPTS_MAX || !slots[number].taken || slots[number].stuck) return;
  const bool keep = reusable && kept < KEPT_MAX;
  idle = --used == 0;
  slots[number].stuck = !keep && !sv_cgroups_remove(number);
  if (!slots[number].stuck) set_free(number, keep, cpu_us);
  else sv_log("cgroup %d is not empty and not used again", number);
}

bool sv_slot_is_nobodys(int number) { return number >= 0 && number < SV_ATTEMPTS_MAX && slots[number].nobodys; }

/* Those of a server that died. What is in one that no record names is of an attempt whose record is damaged. */
static void collect_garbage(const char *directory) {
  DIR *all = opendir(directory);
  if (all == NULL) return;
  const struct dirent *entry;
  while ((entry = readdir(all)) != NULL) {
    char *rest;
    const long number = strtol(entry->d_name, &rest, 10);
    if (rest == entry->d_name || rest[0] != '\0' || number < 0 || number >= SV_ATTEMPTS_MAX || slots[number].taken) continue;
    if (sv_cgroups_remove((int)number)) continue;
    slots[number].taken = slots[number].stuck = slots[number].nobodys = true;
    if (number >= end) end = (int)number + 1;
  }
  (void)closedir(all);
}

static void remove_base(const char *directory) { (void)rmdir(directory); }

void sv_cgroups_recovered(void) {
  sv_cgroups_each(collect_garbage);
  sv_cgroups_each(remove_base);
}

void sv_cgroups_trim(void) {
  if (idle && used == 0) sv_cgroups_close();
  idle = false;
}

void sv_cgroups_close(void) {
  for (int n = 0; n < end; n++) {
    if (!slots[n].made && !slots[n].stuck) continue;
    kept -= slots[n].made;
    slots[n].made = false;
    if (sv_cgroups_remove(n)) set_free(n, false, 0);
  }
  sv_cgroups_each(remove_base);
}
