/* The bytes of RTP (RFC 3550, 8285). */
#include "inside.h"

int rtp_payload(const unsigned char *packet, int length) {
  int offset = 12 + 4 * (packet[0] & 0x0F);
  if (packet[0] & 0x10) {
    if (length < offset + 4) return 0;
    offset += 4 + 4 * (int)read16(packet + offset + 2);
  }
  return offset <= length ? offset : 0;
}

int rtp_extension(const unsigned char *packet, int length, int extension, int *bytes) {
  *bytes = 0;
  if (!extension || !(packet[0] & 0x10)) return 0;
  int at = 12 + 4 * (packet[0] & 0x0F);
  if (length < at + 4 || read16(packet + at) != ONE_BYTE_PROFILE) return 0;
  int end = at + 4 + 4 * (int)read16(packet + at + 2);
  if (end > length) return 0;
  at += 4;
  while (at < end) {
    unsigned char head = packet[at++];
    if (!head) continue; /* padding */
    int size = (head & 0x0F) + 1;
    if (head >> 4 == 15 || at + size > end) return 0;
    if (head >> 4 == extension) {
      *bytes = size;
      return at;
    }
    at += size;
  }
  return 0;
}

int rtp_number(const unsigned char *packet, int length, int extension) {
  int bytes = 0, at = rtp_extension(packet, length, extension, &bytes);
  return bytes == 2 ? (int)read16(packet + at) : -1;
}
