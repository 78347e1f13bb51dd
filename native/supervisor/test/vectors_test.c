/*
 * vectors_test.c: one frame of every type, built from the values in its comment.
 *
 * `vectors_test FILE` fails unless FILE holds exactly these bytes; `vectors_test --write FILE` writes it. The TypeScript
 * client checks its codec against the same file, so a change here is a change of the protocol.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../message.h"

#define ID "run-7.web_1"
#define BOOT "0f0e0d0c-0b0a-4908-8706-050403020100"

static const struct sv_started started = {4242, 123456789, 1790000000123, 4241};
static const struct sv_usage usage = {1000001, 2000002, 3u << 20, 4, 5, 6, 7, 8, 9};

/* What a START has between its rlimits and its paths. */
static void limits(struct sv_writer *w, uint32_t cpu, uint64_t memory, uint32_t processes, uint16_t rows, uint16_t columns) {
  sv_put_u32(w, cpu);
  sv_put_u64(w, memory);
  sv_put_u32(w, processes);
  sv_put_u16(w, rows);
  sv_put_u16(w, columns);
}

static void start(struct sv_writer *w) {
  const char *paths[] = {"/srv/app", "", "/var/log/o", "/var/log/e", "/bin/echo"};
  sv_put_str(w, ID);
  sv_put_u32(w, SV_START_SETUSER | SV_START_NO_NEW_PRIVS | SV_START_NICE | SV_START_OOM | SV_START_TERMINAL);
  sv_put_u32(w, 1000);
  sv_put_u32(w, 1001);
  sv_put_u32(w, 2);
  sv_put_u32(w, 1001);
  sv_put_u32(w, 27);
  sv_put_u32(w, 022);
  sv_put_i32(w, -5);
  sv_put_i32(w, 500);
  sv_put_u32(w, 1);
  sv_put_u32(w, 7); /* RLIMIT_NOFILE */
  sv_put_u64(w, 1024);
  sv_put_u64(w, 1ull << 40);
  limits(w, 1500, 256u << 20, 64, 24, 80);
  for (size_t i = 0; i < 5; i++) sv_put_str(w, paths[i]);
  sv_put_u32(w, 2);
  sv_put_str(w, "echo");
  sv_put_str(w, "h\xc3\xa9llo");
  sv_put_u32(w, 2);
  sv_put_str(w, "PATH=/bin");
  sv_put_str(w, "EMPTY=");
}

static void smallest_start(struct sv_writer *w) {
  const char *paths[] = {"/", "", "/o", "/e", "/bin/true"};
  sv_put_str(w, "a");
  for (int i = 0; i < 8; i++) sv_put_u32(w, 0);
  limits(w, 0, 0, 0, 0, 0);
  for (size_t i = 0; i < 5; i++) sv_put_str(w, paths[i]);
  sv_put_u32(w, 1);
  sv_put_str(w, "true");
  sv_put_u32(w, 0);
}

static void exited(struct sv_writer *w, uint32_t left) {
  struct sv_exited e = {.status = 0x0300, .usage = usage, .wall_ms = 1790000001456, .out_bytes = 10, .err_bytes = 5000000000, .left_count = left,
                        .left = {{4243, 'S', "sleep"}, {4250, 'S', "a name"}}, .group = {1u << 30, 3000003, 2}};
  sv_put_exited(w, &e);
}

static void ended(struct sv_writer *w) {
  const struct sv_empty e = {1790000002789, 11, 5000000001, {1u << 30, 3000003, 2}};
  sv_put_empty(w, &e);
}

static void signaled(struct sv_writer *w) {
  const struct sv_signaled s = {.pid = 4242, .reached = 3, .count = 1, .procs = {{4243, 'D', "cp"}}};
  sv_put_signaled(w, &s);
}

static void sampled(struct sv_writer *w) {
  const struct sv_sampled s = {3, 5, 1000001, 2000002, 3000003, 4000004, 5000005, 6000006};
  sv_put_sampled(w, &s);
}

static void body(struct sv_writer *w, const char *name) {
  if (strcmp(name, "hello") == 0) sv_put_u32(w, SV_PROTOCOL_VERSION);
  else if (strcmp(name, "start") == 0) start(w);
  else if (strcmp(name, "start-smallest") == 0) smallest_start(w);
  else if (strcmp(name, "signal") == 0) { sv_put_str(w, ID); sv_put_i32(w, 15); sv_put_u8(w, SV_SCOPE_TREE); }
  else if (strcmp(name, "ack") == 0 || strcmp(name, "release") == 0 || strcmp(name, "sample") == 0) sv_put_str(w, ID);
  else if (strcmp(name, "punch") == 0) { sv_put_str(w, ID); sv_put_u8(w, 2); sv_put_u64(w, 5000000000); }
  else if (strcmp(name, "upgrade") == 0) sv_put_str(w, "/usr/lib/drover/drover-supervisor");
  else if (strcmp(name, "sampled") == 0) sampled(w);
  else if (strcmp(name, "attach-data") == 0) { sv_put_u64(w, 7); sv_put_u32(w, 3); sv_put_bytes(w, "l\0s", 3); }
  else if (strcmp(name, "attach-end") == 0) sv_put_u64(w, 5000000000);
  else if (strcmp(name, "attach-read") == 0) { sv_put_u8(w, 2); sv_put_u64(w, 5000000000); }
  else if (strcmp(name, "attach-resize") == 0) { sv_put_u16(w, 50); sv_put_u16(w, 132); }
  else if (strcmp(name, "attach-taken") == 0) { sv_put_u64(w, 10); sv_put_u8(w, 1); }
  else if (strcmp(name, "resume") == 0) { sv_put_str(w, ID); sv_put_u64(w, 123456700); }
  else if (strcmp(name, "hello-ok") == 0) { sv_put_u32(w, 2); sv_put_i32(w, 4000); sv_put_str(w, BOOT); sv_put_u64(w, 123400000); sv_put_str(w, "0.1.0"); }
  else if (strcmp(name, "error") == 0) { sv_put_u32(w, SV_ERR_SYSTEM); sv_put_i32(w, 28); sv_put_str(w, "attempt directory not made"); }
  else if (strcmp(name, "signaled") == 0) signaled(w);
  else if (strcmp(name, "list-end") == 0) sv_put_u32(w, 7);
  else if (strcmp(name, "usage-ok") == 0) sv_put_usage(w, &usage);
  else if (strncmp(name, "status-", 7) == 0) {
    const char *state = name + 7;
    static const char *const states[] = {"", "starting", "running", "exited", "ended", "not-started", "lost", "lost-unstarted"};
    unsigned n = 1;
    while (strcmp(states[n], state) != 0) n++;
    sv_put_str(w, ID);
    sv_put_u8(w, (uint8_t)(n > SV_ATTEMPT_LOST ? SV_ATTEMPT_LOST : n));
    if (n >= SV_ATTEMPT_LOST) sv_put_u8(w, n == SV_ATTEMPT_LOST);
    if (n == SV_ATTEMPT_RUNNING || n == SV_ATTEMPT_EXITED || n == SV_ATTEMPT_ENDED || n == SV_ATTEMPT_LOST) sv_put_started(w, &started);
    if (n == SV_ATTEMPT_EXITED) exited(w, 2);
    if (n == SV_ATTEMPT_ENDED) { exited(w, 0); ended(w); }
    if (n == SV_ATTEMPT_NOT_STARTED) sv_put_not_started(w, "execve", 2);
    if (n >= SV_ATTEMPT_LOST) sv_put_lost(w, n == SV_ATTEMPT_LOST ? "monitor lost" : "reboot", 1790000003000);
  }
  else if (strcmp(name, "started") == 0) { sv_put_str(w, ID); sv_put_started(w, &started); }
  else if (strcmp(name, "not-started") == 0) { sv_put_str(w, ID); sv_put_not_started(w, "execve", 2); }
  else if (strcmp(name, "exited") == 0) { sv_put_str(w, ID); exited(w, 2); }
  else if (strcmp(name, "exited-nothing-left") == 0) { sv_put_str(w, ID); exited(w, 0); }
  else if (strcmp(name, "empty") == 0) { sv_put_str(w, ID); ended(w); }
  else if (strcmp(name, "lost") == 0) { sv_put_str(w, ID); sv_put_lost(w, "monitor lost", 1790000003000); }
}

#define STARTED "pid=4242 start=123456789 wall=1790000000123 monitor=4241"
#define GROUP "group=(peak=1073741824 cpu=3000003 oom=2)"
#define USAGE "usage=(user=1000001 system=2000002 maxrss=3145728 minflt=4 majflt=5 inblock=6 oublock=7 nvcsw=8 nivcsw=9)"
#define EXITED(left) "status=0x0300 " USAGE " wall=1790000001456 stdout=10 stderr=5000000000 left=" left " " GROUP
#define LEFT "[(4243 \"sleep\") (4250 \"a name\")]"
#define EMPTY "wall=1790000002789 stdout=11 stderr=5000000001 " GROUP

static const struct { const char *name; uint8_t type; uint32_t tag; const char *values; } vectors[] = {
    {"hello", SV_HELLO, 1, "version=2"},
    {"start", SV_START, 2, "id=" ID " flags=SETUSER|NO_NEW_PRIVS|NICE|OOM|TERMINAL uid=1000 gid=1001 groups=[1001 27] umask=022 nice=-5 oom=500 "
                           "rlimits=[(7 1024 1099511627776)] cpu=1500 memory=268435456 processes=64 rows=24 columns=80 cwd=/srv/app stdin=\"\" stdout=/var/log/o stderr=/var/log/e path=/bin/echo "
                           "argv=[echo h\xc3\xa9llo] env=[PATH=/bin EMPTY=]"},
    {"start-smallest", SV_START, 0xffffffff, "id=a flags=0 uid=0 gid=0 groups=[] umask=0 nice=0 oom=0 rlimits=[] cpu=0 memory=0 processes=0 rows=0 columns=0 cwd=/ stdin=\"\" stdout=/o "
                                             "stderr=/e path=/bin/true argv=[true] env=[]"},
    {"signal", SV_SIGNAL, 3, "id=" ID " signal=15 scope=TREE"},
    {"list", SV_LIST, 4, ""},
    {"ack", SV_ACK, 5, "id=" ID},
    {"usage", SV_USAGE, 6, ""},
    {"shutdown", SV_SHUTDOWN, 7, ""},
    {"resume", SV_RESUME, 0, "id=" ID " start=123456700"},
    {"release", SV_RELEASE, 8, "id=" ID},
    {"sample", SV_SAMPLE, 9, "id=" ID},
    {"punch", SV_PUNCH, 10, "id=" ID " stream=2 end=5000000000"},
    {"upgrade", SV_UPGRADE, 11, "path=/usr/lib/drover/drover-supervisor"},
    {"hello-ok", SV_HELLO_OK, 1, "version=2 pid=4000 boot=" BOOT " start=123400000 binary=0.1.0"},
    {"ok", SV_OK, 2, ""},
    {"error", SV_ERROR, 3, "error=SYSTEM errno=28 text=\"attempt directory not made\""},
    {"signaled", SV_SIGNALED, 3, "pid=4242 reached=3 procs=[(4243 D cp)]"},
    {"status-starting", SV_STATUS, 4, "id=" ID " state=STARTING"},
    {"status-running", SV_STATUS, 4, "id=" ID " state=RUNNING " STARTED},
    {"status-exited", SV_STATUS, 4, "id=" ID " state=EXITED " STARTED " " EXITED(LEFT)},
    {"status-ended", SV_STATUS, 4, "id=" ID " state=ENDED " STARTED " " EXITED("[]") " " EMPTY},
    {"status-not-started", SV_STATUS, 4, "id=" ID " state=NOT_STARTED step=execve errno=2"},
    {"status-lost", SV_STATUS, 4, "id=" ID " state=LOST started=1 " STARTED " reason=\"monitor lost\" wall=1790000003000"},
    {"status-lost-unstarted", SV_STATUS, 4, "id=" ID " state=LOST started=0 reason=reboot wall=1790000003000"},
    {"list-end", SV_LIST_END, 4, "count=7"},
    {"usage-ok", SV_USAGE_OK, 6, USAGE},
    {"sampled", SV_SAMPLED, 9, "processes=3 threads=5 user=1000001 system=2000002 rss=3000003 group=4000004 stdout=5000005 stderr=6000006"},
    {"started", SV_STARTED, 0, "id=" ID " " STARTED},
    {"not-started", SV_NOT_STARTED, 0, "id=" ID " step=execve errno=2"},
    {"exited", SV_EXITED, 0, "id=" ID " " EXITED(LEFT)},
    {"exited-nothing-left", SV_EXITED, 0, "id=" ID " " EXITED("[]")},
    {"empty", SV_EMPTY, 0, "id=" ID " " EMPTY},
    {"lost", SV_LOST, 0, "id=" ID " reason=\"monitor lost\" wall=1790000003000"},
    {"attach-data", SV_ATTACH_DATA, 0, "offset=7 data=6c0073"},
    {"attach-end", SV_ATTACH_END, 0, "offset=5000000000"},
    {"attach-resize", SV_ATTACH_RESIZE, 0, "rows=50 columns=132"},
    {"attach-read", SV_ATTACH_READ, 0, "stream=2 offset=5000000000"},
    {"attach-taken", SV_ATTACH_TAKEN, 0, "offset=10 over=1"},
    {"attach-hangup", SV_ATTACH_HANGUP, 0, ""},
};

static const char head[] =
    "# Frames of protocol.h as they are on the wire, one a line: name, hex. The line before each says its type, tag and values.\n"
    "# Made by test/vectors_test.c, which also checks it: `make vectors` writes it anew.\n";

static char *compose(size_t *len) {
  char *text = NULL;
  FILE *f = open_memstream(&text, len);
  if (f == NULL) abort();
  fputs(head, f);
  for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
    uint8_t bytes[4096];
    struct sv_writer w = sv_writer_of(bytes, sizeof bytes);
    size_t start_at = sv_frame_begin(&w, vectors[i].type, vectors[i].tag);
    body(&w, vectors[i].name);
    sv_frame_end(&w, start_at);
    if (w.full) abort();
    fprintf(f, "# type=%u tag=%u %s\n%s ", vectors[i].type, vectors[i].tag, vectors[i].values, vectors[i].name);
    for (size_t b = 0; b < w.len; b++) fprintf(f, "%02x", bytes[b]);
    fputc('\n', f);
  }
  fclose(f);
  return text;
}

int main(int argc, char **argv) {
  size_t len = 0;
  bool write = argc == 3 && strcmp(argv[1], "--write") == 0;
  FILE *f = fopen(argv[argc - 1], write ? "w" : "r");
  char *want = compose(&len);
  if (f == NULL) return perror(argv[argc - 1]), 1;
  bool ok;
  if (write) {
    ok = fwrite(want, 1, len, f) == len;
  } else {
    char *have = calloc(1, len + 2);
    ok = have != NULL && fread(have, 1, len + 1, f) == len && memcmp(have, want, len) == 0;
    free(have);
  }
  ok = fclose(f) == 0 && ok;
  free(want);
  printf("%s vectors %s (%zu frames)\n", ok ? "ok  " : "FAIL", write ? "written" : "match", sizeof vectors / sizeof vectors[0]);
  return ok ? 0 : 1;
}
