/*
 * harness.h: what the cases of server_test are made of: a server of their own, tasks that say when they are ready, and the
 * ends of processes, awaited and never slept for.
 */
#ifndef DROVER_SUPERVISOR_TEST_HARNESS_H
#define DROVER_SUPERVISOR_TEST_HARNESS_H

#include <signal.h>
#include <sys/wait.h>

#include "../record.h"
#include "client.h"

#define SKIPPED 77 /* exit code of a case that cannot run here */
#define SKIP_REASON_MAX 128
extern char *skip_reason; /* in memory that cases share with the program that runs them */
_Noreturn void skip(const char *reason);

struct test_case {
  const char *name; /* NULL ends a table */
  void (*run)(void);
};

extern const struct test_case start_cases[], signal_cases[], recover_cases[], conn_cases[], ask_cases[], attach_cases[], terminal_cases[],
    cgroup_cases[], kill_cases[], orphan_cases[], upgrade_cases[], monitor_cases[];

extern const char *binary;
extern char state[64];        /* the case's state directory; other files of it begin with the same name */
extern char out[80], err[80]; /* the task's output */
extern char *const true_argv[], *const sleep_argv[];

/* For a case that runs as an ordinary user; only root can. The state directory is then that user's. */
void become_nobody(void);

int run_server(const char *directory); /* its exit code */
struct client *fresh(void);            /* of a server that it starts */
struct client *kill_and_restart(struct client *c);
struct client *upgraded(struct client *c); /* to a binary of another version (upgrade_cases.c) */
void await_end(pid_t pid); /* until it is no more than a zombie */
void await_reaped(struct client *c, pid_t pid); /* by the server, with what it brings to the totals */
void accepted(struct client *c, const struct task *t);
struct sv_started run_shell(struct client *c, const char *id, const char *script);
void signaled(struct client *c, const char *id, int signal, uint8_t scope, uint32_t at_least);
void await_state(struct client *c, const char *id, uint8_t expected); /* by asking until it is */
void acknowledged(struct client *c, const char *id);
char *content(const char *path);

/* A record as if a server had left it, up to the first that is NULL. */
void write_record(const char *id, const struct sv_claim *claim, const struct sv_started *started, const struct sv_exited *exited);

/* Runs a loop to its end, and gives the user time that it took; total is the server's use with it. */
#define BURN "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"
uint64_t burn(struct client *c, const char *id, uint64_t user_us_before, struct sv_usage *total);

/* How many processes of that name there are, whoever started them. */
size_t count_named(const char *name);

/* Runs hydra.c until it says that all of its heads are there; what its processes are called goes into name. */
struct sv_started run_hydra(struct client *c, const char *id, char name[16]);

bool is_in_cgroup(pid_t pid); /* of v2, made by the case's server */

/* A task says that it is ready by a line in a FIFO that is awaited here. */
int fifo_open(char path[80]);
void fifo_await(int fd);

#endif
