/*
 * wire.h: the bytes of protocol.h, read and written within bounds.
 *
 * A reader or writer that meets a bound sets a flag, answers zeros from then on and never touches a byte outside its
 * buffer: callers decode a whole body and look at the flag once, at its end.
 * It does not know any message, allocates nothing and does no I/O.
 */
#ifndef DROVER_SUPERVISOR_WIRE_H
#define DROVER_SUPERVISOR_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>

#define SV_FRAME_HEADER 9 /* u32 length · u8 type · u32 tag */
#define SV_COMMAND_MAX 15 /* of a left process: what the kernel keeps of a name */

struct sv_reader {
  uint8_t *at;
  uint8_t *end;
  bool bad; /* a bound was met, or a value cannot be */
};

struct sv_writer {
  uint8_t *base;
  size_t len;
  size_t cap;
  bool full; /* something did not fit; what is there is not to be sent */
};

/* The nine numbers of getrusage(2) that Linux maintains, in the order and units of the wire. */
struct sv_usage {
  uint64_t user_us, system_us, maxrss_bytes, minflt, majflt, inblock, oublock, nvcsw, nivcsw;
};

struct sv_frame {
  uint8_t type;
  uint32_t tag;
  struct sv_reader body;
};

enum sv_frame_result { SV_FRAME_PARTIAL, SV_FRAME_READY, SV_FRAME_MALFORMED };

struct sv_reader sv_reader_of(void *bytes, size_t len);
uint8_t sv_get_u8(struct sv_reader *r);
uint16_t sv_get_u16(struct sv_reader *r);
uint32_t sv_get_u32(struct sv_reader *r);
int32_t sv_get_i32(struct sv_reader *r);
uint64_t sv_get_u64(struct sv_reader *r);
int64_t sv_get_i64(struct sv_reader *r);

/*
 * A str as a C string, in place and without a copy: its bytes are moved one down, over the last byte of its own length,
 * so that the NUL fits inside the element and the next one is untouched. Can be read once. "" and bad when it does not
 * fit, is longer than max or has a NUL inside.
 */
char *sv_get_str(struct sv_reader *r, size_t max);

/* A str of bytes, NULs allowed, in place and unchanged: it can be read again. "" and bad as above. */
uint8_t *sv_get_bytes(struct sv_reader *r, size_t max, size_t *len);

/* strs into out, ended by NULL; out has room for max + 1. Returns the count. */
size_t sv_get_strs(struct sv_reader *r, char **out, size_t max);

/* Everything was there and nothing is left over. */
bool sv_reader_done(const struct sv_reader *r);

struct sv_writer sv_writer_of(void *bytes, size_t cap);
void sv_put_u8(struct sv_writer *w, uint8_t v);
void sv_put_u16(struct sv_writer *w, uint16_t v);
void sv_put_u32(struct sv_writer *w, uint32_t v);
void sv_put_i32(struct sv_writer *w, int32_t v);
void sv_put_u64(struct sv_writer *w, uint64_t v);
void sv_put_i64(struct sv_writer *w, int64_t v);
void sv_put_bytes(struct sv_writer *w, const void *bytes, size_t len);
void sv_put_str(struct sv_writer *w, const char *text);

struct sv_usage sv_usage_of(const struct rusage *r);
void sv_put_usage(struct sv_writer *w, const struct sv_usage *u);
struct sv_usage sv_get_usage(struct sv_reader *r);

/* Begin returns where the frame starts; end writes its length there. */
size_t sv_frame_begin(struct sv_writer *w, uint8_t type, uint32_t tag);
void sv_frame_end(struct sv_writer *w, size_t start);

/* The first frame in bytes; *used is its whole size when it is ready. */
enum sv_frame_result sv_frame_next(uint8_t *bytes, size_t len, struct sv_frame *frame, size_t *used);

/* ^[a-z0-9][a-z0-9._-]{0,79}$: no slash and no leading dot, so that an id is safe as the name of a directory. */
bool sv_id_valid(const char *id);

/* CRC-32 as of IEEE 802.3, by half bytes: a table of whole ones would be larger than what records of some hundred bytes save. */
uint32_t sv_crc32(const void *bytes, size_t len);

#endif
