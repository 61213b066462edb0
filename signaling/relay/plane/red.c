/* Opus with earlier frames beside it (RED, RFC 2198), made from packets that are kept already.
 *
 * What carries the same number must be the same bytes whenever it is sent (RFC 7714 section 8.4),
 * so that which frames a voice carried is remembered by the sink.
 */
#include "inside.h"

#define LONGEST_OFFSET 0x3FFF /* ticks, 14 bits */
#define LONGEST_BLOCK 0x3FF   /* bytes, 10 bits */
#define LONGEST_PAYLOAD 1200

/* The payload of an earlier frame, NULL when it cannot be carried. */
static const unsigned char *earlier(const struct stream *stream, const struct packet *voice,
                                    int back, int *length, uint32_t *offset) {
  const unsigned char *kept = history_find(&stream->history, voice->number - back, length);
  if (!kept || kept[0] & 0x20) return NULL;
  int payload = rtp_payload(kept, *length);
  *length -= payload;
  *offset = voice->timestamp - read32(kept + 4);
  if (!payload || *length < 1 || *length > LONGEST_BLOCK || *offset > LONGEST_OFFSET) return NULL;
  return kept + payload;
}

int red_write(struct plane *plane, const struct stream *stream, const struct packet *voice,
              int payload_type, int wanted, struct packet *made) {
  int own = voice->end - voice->start - voice->offset, total = own + 1, carried = 0;
  const unsigned char *frames[PLANE_REDUNDANT + 1] = {0};
  int lengths[PLANE_REDUNDANT + 1] = {0};
  *made = *voice;
  made->start = made_start(plane);
  made->offset = 0;
  unsigned char *out = plane->slab + made->start;
  for (int back = PLANE_REDUNDANT; back > 0; back--) {
    uint32_t offset = 0;
    if (!(wanted >> (back - 1) & 1)) continue;
    const unsigned char *frame = earlier(stream, voice, back, &lengths[back], &offset);
    if (!frame || total + 4 + lengths[back] > LONGEST_PAYLOAD) continue;
    frames[back] = frame;
    total += 4 + lengths[back];
    carried |= 1 << (back - 1);
    *out++ = (unsigned char)(0x80 | payload_type);
    write16(out, offset << 2 | (uint32_t)lengths[back] >> 8);
    out[2] = (unsigned char)lengths[back];
    out += 3;
  }
  *out++ = (unsigned char)payload_type;
  for (int back = PLANE_REDUNDANT; back > 0; back--) {
    if (!frames[back]) continue;
    memcpy(out, frames[back], (size_t)lengths[back]);
    out += lengths[back];
  }
  memcpy(out, plane->slab + voice->start + voice->offset, (size_t)own);
  made->end = made->start + total;
  return carried;
}
