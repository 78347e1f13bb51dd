/*
 * punch.c: gives the old bytes of an attempt's output back to the disk, in a child of its own, so that a disk that hangs holds
 * up neither the server nor a monitor, and so that it works for an attempt whose monitor is gone.
 *
 * The child's exit code is the errno, 0 for done: Linux has none above 133 and an exit code has room for 255.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server.h"

#define PUNCHES_MAX 16u /* at once; a disk that hangs must not fill the machine with children */

static struct punch {
  pid_t child; /* 0: free */
  uint64_t conn;
  uint32_t tag;
} punches[PUNCHES_MAX];

static int punch_file(const char *path, uint64_t end) {
  struct stat s;
  int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0 || fstat(fd, &s) != 0) return errno;
  if (!S_ISREG(s.st_mode)) return EINVAL;
  const off_t length = end < (uint64_t)s.st_size ? (off_t)end : s.st_size; /* what is not written yet is not punched */
  if (length == 0) return 0;
  return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, length) == 0 ? 0 : errno;
}

static int punch_stream(const char *id, uint8_t stream, uint64_t end) {
  static uint8_t bytes[SV_RECORD_MAX];
  struct sv_claim claim;
  errno = 0;
  if (!sv_record_claim(id, &claim, bytes)) return errno != 0 ? errno : EBADMSG;
  return punch_file(stream == 1 ? claim.out : claim.err, end);
}

/* Not holding what is ours: a child that hangs must not keep a connection or the socket open. */
_Noreturn static void run_child(const char *id, uint8_t stream, uint64_t end) {
  if (close_range(STDERR_FILENO + 1, ~0u, 0) != 0) _exit(errno);
  _exit(punch_stream(id, stream, end));
}

bool sv_punch(struct sv_conn *conn, struct sv_frame *f) {
  const char *id = sv_get_str(&f->body, SV_FRAME_MAX);
  const uint8_t stream = sv_get_u8(&f->body);
  const uint64_t end = sv_get_u64(&f->body);
  if (!sv_reader_done(&f->body)) return false;
  if (stream != 1 && stream != 2) return sv_refuse(conn, f->tag, SV_ERR_INVALID, 0, "stream is neither 1 nor 2");
  if (sv_attempt_find(id) == NULL) return sv_refuse(conn, f->tag, SV_ERR_NO_ATTEMPT, 0, "that id is not here");
  struct punch *free_one = NULL;
  for (size_t i = 0; i < PUNCHES_MAX && free_one == NULL; i++) free_one = punches[i].child == 0 ? &punches[i] : NULL;
  if (free_one == NULL) return sv_refuse(conn, f->tag, SV_ERR_BUSY, 0, "16 files are being punched");
  pid_t child = fork();
  if (child == 0) run_child(id, stream, end);
  if (child < 0) return sv_refuse(conn, f->tag, SV_ERR_SYSTEM, errno, "no child to punch the file");
  *free_one = (struct punch){child, conn->serial, f->tag};
  return true;
}

bool sv_punch_is(pid_t pid) {
  size_t i = 0;
  while (i < PUNCHES_MAX && punches[i].child != pid) i++;
  return i < PUNCHES_MAX;
}

bool sv_punch_reaped(pid_t pid, int status) {
  struct punch *p = NULL;
  for (size_t i = 0; i < PUNCHES_MAX && p == NULL; i++) p = punches[i].child == pid ? &punches[i] : NULL;
  if (p == NULL) return false;
  p->child = 0;
  struct sv_conn *conn = sv_conn_find(p->conn);
  const int error = WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
  if (conn == NULL) return true;
  if (error == 0) sv_ok(conn, p->tag);
  else sv_refuse(conn, p->tag, SV_ERR_SYSTEM, error, "the file cannot be punched");
  return true;
}
