/* VP8 payload descriptors (RFC 7741): pure functions over bytes that may be anything. */

#include "vp8.h"

/* First byte, section 4.2. */
#define EXTENDED 0x80
#define START 0x10
#define PARTITION 0x07
/* Extension byte. */
#define HAS_PICTURE_ID 0x80
#define HAS_TL0 0x40
#define HAS_TID 0x20
#define HAS_KEYIDX 0x10

static const struct vp8 NOTHING = {0, 0, 0, -1, -1, -1, -1, -1, -1, -1};

/* Read up to the payload header; 0 when the bytes end before. */
static int descriptor(const unsigned char *payload, int length, struct vp8 *found) {
  int present = 0, at = 1;

  if (length < 1)
    return 0;
  if (payload[0] & EXTENDED) {
    if (length < 2)
      return 0;
    present = payload[1];
    at = 2;
  }
  if (present & HAS_PICTURE_ID) {
    if (at >= length)
      return 0;
    found->picture_bits = payload[at] & 0x80 ? 15 : 7;
    found->picture_at = at;
    if (found->picture_bits == 7) {
      found->picture_id = payload[at];
      at += 1;
    } else {
      if (at + 1 >= length)
        return 0;
      found->picture_id = (payload[at] & 0x7F) << 8 | payload[at + 1];
      at += 2;
    }
  }
  if (present & HAS_TL0) {
    if (at >= length)
      return 0;
    found->tl0 = payload[at];
    found->tl0_at = at;
    at += 1;
  }
  if (present & (HAS_TID | HAS_KEYIDX)) {
    if (at >= length)
      return 0;
    if (present & HAS_TID) {
      found->tid = payload[at] >> 6;
      found->sync = payload[at] >> 5 & 1;
    }
    at += 1;
  }
  return at;
}

int vp8_read(const unsigned char *payload, int length, struct vp8 *found) {
  int at;

  *found = NOTHING;
  at = descriptor(payload, length, found);
  if (!at) {
    *found = NOTHING; /* what was read before the end is not to be trusted */
    return 0;
  }
  found->length = at;
  found->starts = (payload[0] & (START | PARTITION)) == START;
  /* Section 4.3: the inverse key frame flag is the lowest bit of the frame's first byte. */
  found->key = found->starts && at < length && !(payload[at] & 1);
  return at;
}

void vp8_renumber(unsigned char *payload, const struct vp8 *found, int picture_id, int tl0) {
  if (found->picture_bits == 15) {
    payload[found->picture_at] = (unsigned char)(0x80 | (picture_id >> 8 & 0x7F));
    payload[found->picture_at + 1] = (unsigned char)picture_id;
  } else if (found->picture_bits == 7) {
    payload[found->picture_at] = (unsigned char)(picture_id & 0x7F);
  }
  if (found->tl0_at >= 0)
    payload[found->tl0_at] = (unsigned char)tl0;
}
