/* The bytes of RTP (RFC 3550, 8285) and the one thing that is read of VP8 (RFC 7741). */
#include "inside.h"

int rtp_payload(const unsigned char *packet, int length) {
  int offset = 12 + 4 * (packet[0] & 0x0F);
  if (packet[0] & 0x10) {
    if (length < offset + 4) return 0;
    offset += 4 + 4 * (int)read16(packet + offset + 2);
  }
  return offset <= length ? offset : 0;
}

int rtp_number(const unsigned char *packet, int length, int extension) {
  if (!extension || !(packet[0] & 0x10)) return -1;
  int at = 12 + 4 * (packet[0] & 0x0F);
  if (length < at + 4 || read16(packet + at) != ONE_BYTE_PROFILE) return -1;
  int end = at + 4 + 4 * (int)read16(packet + at + 2);
  if (end > length) return -1;
  at += 4;
  while (at < end) {
    unsigned char head = packet[at++];
    if (!head) continue; /* padding */
    int bytes = (head & 0x0F) + 1;
    if (head >> 4 == 15 || at + bytes > end) return -1;
    if (head >> 4 == extension) return bytes == 2 ? (int)read16(packet + at) : -1;
    at += bytes;
  }
  return -1;
}

/* RFC 7741 sections 4.2, 4.3. A payload encrypted end to end may give a wrong answer, which costs
 * one wasted repeat. */
int vp8_starts_key_frame(const unsigned char *payload, int length) {
  /* S set and partition index 0: the first packet of a frame. */
  if (length < 1 || (payload[0] & 0x17) != 0x10) return 0;
  int at = 1;
  if (payload[0] & 0x80) {
    if (at >= length) return 0;
    unsigned char present = payload[at++];
    if (present & 0x80 && at < length) at += payload[at] & 0x80 ? 2 : 1;
    at += (present & 0x40 ? 1 : 0) + (present & 0x30 ? 1 : 0);
  }
  return at < length && !(payload[at] & 0x01);
}
