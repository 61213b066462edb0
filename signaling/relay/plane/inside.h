/* What the C files of the plane share and Python does not see. */
#ifndef PLANE_INSIDE_H
#define PLANE_INSIDE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "plane.h"
#include "vp8.h"

#define ONE_BYTE_PROFILE 0xBEDE /* RFC 8285 section 4.2 */

static inline uint32_t read16(const unsigned char *at) { return (uint32_t)at[0] << 8 | at[1]; }

static inline uint32_t read32(const unsigned char *at) { return read16(at) << 16 | read16(at + 2); }

static inline void write16(unsigned char *at, uint32_t value) {
  at[0] = (unsigned char)(value >> 8);
  at[1] = (unsigned char)value;
}

static inline void write32(unsigned char *at, uint32_t value) {
  write16(at, value >> 16);
  write16(at + 2, value);
}

/* A packet on its way: where it stands in the slab, and what its header says. */
struct packet {
  int start, offset, end; /* the payload begins `offset` bytes after the start */
  unsigned char first, second;
  uint32_t timestamp;
  struct vp8 picture; /* of a picture; all zero for a voice */
  int64_t number, arrived; /* extended; microseconds */
};

static inline int slot_start(int slot) { return PLANE_SLOT * slot + PLANE_HEADROOM; }

/* A slot for what is made; there is one, as `plane_crowded` was asked before. */
static inline int made_start(struct plane *plane) {
  return slot_start(PLANE_INCOMING + plane->made++);
}

struct event *tell(struct plane *plane, int kind, int who, int64_t arrived);

void history_add(struct history *history, int64_t number, const unsigned char *packet, int length);
/* The highest number kept so far where this one is kept or would be: lower for a new packet. */
int64_t history_newest(const struct history *history, int64_t number);
const unsigned char *history_find(const struct history *history, int64_t number, int *length);

/* Write a voice with earlier frames beside it into a made slot: those of `wanted` (bit 0 the last
 * one) that are kept. Gives which, and where it stands in `made`, whose payload begins there. */
int red_write(struct plane *plane, const struct stream *stream, const struct packet *voice,
              int payload_type, int wanted, struct packet *made);
void sink_forward(struct plane *plane, struct sink *sink, const struct packet *packet);
void line_post_leg(struct leg *leg, int start, int length);

/* The place of an SSRC in a row of them; `count` when it is not there. */
static inline int place_in(const uint32_t *ssrcs, int count, uint32_t ssrc) {
  int index = 0;
  while (index < count && ssrcs[index] != ssrc) index++;
  return index;
}

static inline int index_of(const struct leg *leg, uint32_t ssrc) {
  return place_in(leg->ssrcs, leg->stream_count, ssrc);
}

/* Whether a participant may send so much more, speak so much more, have Python told once more. */
int may_send(struct leg *leg, int length, int64_t now);
int may_speak(struct stream *stream, int length, int64_t now);
int may_tell(struct leg *leg, int64_t now);
int may_ask(struct leg *leg, int here, int64_t now);
int may_shake_hands(struct leg *leg, int64_t now);
/* Whether there is room for one more SSRC, or it is known. */
int may_be_heard(const struct leg *leg, uint32_t ssrc);
void hear(struct leg *leg, uint32_t ssrc);

#endif
