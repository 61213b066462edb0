/* What may have Python told of it beyond media: a look at what costs little, before what costs
 * much. The rest is refused here and counted, so that a flood costs no more than this. */
#include "inside.h"

#define STUN_HEADER 20
#define BINDING_REQUEST 1
#define MAGIC_COOKIE 0x2112A442
#define USERNAME 0x0006
#define MESSAGE_INTEGRITY 0x0008

/* Where the username of a binding request stands, and its `size`; NULL when there is none before
 * the integrity (RFC 8489 sections 5, 14.3 and 14.5). Whether all else is right, Python looks. */
static const unsigned char *username_of(const unsigned char *bytes, int length, int *size) {
  if (length < STUN_HEADER || read16(bytes) != BINDING_REQUEST ||
      read32(bytes + 4) != MAGIC_COOKIE || (int)read16(bytes + 2) + STUN_HEADER != length)
    return NULL;
  for (int at = STUN_HEADER; at + 4 <= length; at += 4 + ((*size + 3) & ~3)) {
    uint32_t attribute = read16(bytes + at);
    *size = (int)read16(bytes + at + 2);
    if (*size > length - at - 4 || attribute == MESSAGE_INTEGRITY) return NULL;
    if (attribute == USERNAME) return bytes + at + 4;
  }
  return NULL;
}

/* A request is looked at when it names a ufrag of ours (RFC 8445 section 7.3) that has not been
 * named too often. Those from where the participant is known to be are counted apart, so that
 * nobody who learned the ufrag keeps the participant's own from being answered. */
static int is_request_refused(struct plane *plane, const struct leg *leg, const unsigned char *bytes,
                              int length, int64_t now) {
  unsigned char name[PLANE_NAME] = {0xFF, 0xFE};
  int size = 0;
  const unsigned char *username = username_of(bytes, length, &size);
  if (!username) {
    plane->counts.dropped_malformed_stun++;
    return 1;
  }
  struct leg *named = NULL;
  if (size > PLANE_UFRAG && username[PLANE_UFRAG] == ':') {
    memcpy(name + 2, username, PLANE_UFRAG);
    named = place_find(plane, name);
  }
  if (!named) {
    plane->counts.dropped_unauthentic_stun++;
    return 1;
  }
  if (may_ask(named, named == leg, now)) return 0;
  plane->counts.dropped_excess_stun++;
  return 1;
}

static int is_handshake_refused(struct plane *plane, struct leg *leg, int64_t now) {
  if (!leg) {
    plane->counts.dropped_dtls_from_stranger++;
    return 1;
  }
  if (may_shake_hands(leg, now)) return 0;
  plane->counts.dropped_excess_dtls++;
  return 1;
}

int plane_refuses(struct plane *plane, struct leg *leg, int start, int length, int64_t now) {
  const unsigned char *bytes = plane->slab + start;
  unsigned char first = length > 0 ? bytes[0] : 255, name[PLANE_NAME] = {0xFF, 0xFF};
  if (first <= 1) return is_request_refused(plane, leg, bytes, length, now);
  if (first >= 20 && first <= 63) return is_handshake_refused(plane, leg, now);
  if (first < 128 || first > 191) {
    plane->counts.dropped_unknown_kind++;
    return 1;
  }
  if (leg) return 0;
  if (length >= 12) {
    memcpy(name + 2, bytes + (bytes[1] >= 192 && bytes[1] <= 223 ? 4 : 8), 4);
    if (place_find(plane, name)) return 0;
  }
  plane->counts.dropped_media_from_stranger++;
  return 1;
}
