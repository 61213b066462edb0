/* A packet's way out: its new header, its keys, and the line it leaves by. */
#include "inside.h"

static void hand_over(struct plane *plane, struct leg *leg, int start, int length) {
  if (leg->line) {
    line_post_leg(leg, start, length);
    return;
  }
  struct event *event = tell(plane, EVENT_HANDED, leg->id, 0);
  event->start = start;
  event->length = length;
}

int plane_post(struct plane *plane, struct leg *leg, int start, int length) {
  if (plane->protect(leg->outward, plane->slab + start, &length)) {
    plane->counts.dropped_unprotectable++;
    return 1;
  }
  hand_over(plane, leg, start, length);
  return 0;
}

int plane_post_rtcp(struct plane *plane, struct leg *leg, int start, int length) {
  if (plane->protect_rtcp(leg->outward, plane->slab + start, &length)) {
    plane->counts.dropped_unprotectable++;
    return 1;
  }
  hand_over(plane, leg, start, length);
  return 0;
}

/* Write the header that ends where the payload begins; gives where it begins. Of the sender's
 * header only marker and padding go on: CSRCs and extensions belong to the hop that is over. */
static int write_header(struct plane *plane, struct sink *sink, int payload, int end,
                        unsigned char padding, unsigned char second, uint32_t sequence,
                        uint32_t timestamp, uint32_t ssrc, int64_t now) {
  int start = payload - (sink->extension ? 20 : 12);
  unsigned char *header = plane->slab + start;
  header[0] = (unsigned char)((sink->extension ? 0x90 : 0x80) | padding);
  header[1] = second;
  write16(header + 2, sequence);
  write32(header + 4, timestamp);
  write32(header + 8, ssrc);
  if (sink->extension) {
    write32(header + 12, (uint32_t)ONE_BYTE_PROFILE << 16 | 1);
    header[16] = (unsigned char)(sink->extension << 4 | 1);
    write16(header + 17, (uint32_t)feedback_number(sink->leg, end - start, now));
    header[19] = 0;
  }
  return start;
}

/* Let numbers and times run on from what was shown before. */
static void continue_with(struct plane *plane, struct sink *sink, const struct packet *packet) {
  double elapsed = (double)(packet->arrived - sink->last_arrived) / 1e6 * sink->clock_rate;
  int64_t continued = packet->timestamp;
  if (sink->packets) continued = sink->last_timestamp + (elapsed > 0 ? (int64_t)elapsed : 0);
  sink->sequence_shift += sink->highest + 1 - packet->number;
  sink->timestamp_shift = continued - packet->timestamp;
  sink->lowest = packet->number;
  sink->highest = packet->number - 1;
  sink->fresh = 0;
  tell(plane, EVENT_BEGAN, sink->id, packet->arrived);
}

void sink_forward(struct plane *plane, struct sink *sink, const struct packet *packet) {
  if (!sink->leg->connected || sink->resting) return;
  int64_t ahead = packet->number - sink->highest;
  if (sink->fresh || ahead > PLANE_LONGEST_JUMP) {
    continue_with(plane, sink, packet);
    ahead = 1;
  } else if (packet->number < sink->lowest) {
    return;
  }
  uint32_t timestamp = (uint32_t)(packet->timestamp + sink->timestamp_shift);
  if (ahead > 0) {
    sink->highest = packet->number;
    sink->last_timestamp = timestamp;
    sink->last_arrived = packet->arrived;
  }
  int payload = packet->start + packet->offset;
  sink->packets++;
  sink->octets += packet->end - payload;
  int start = write_header(
      plane, sink, payload, packet->end, packet->first & 0x20,
      (unsigned char)((packet->second & 0x80) | sink->payload_type),
      (uint32_t)(packet->number + sink->sequence_shift) & 0xFFFF, timestamp, sink->ssrc,
      packet->arrived);
  plane_post(plane, sink->leg, start, packet->end - start);
}

/* A packet of the history in a made slot; 0 when it is not kept. */
static int recalled(struct plane *plane, const struct stream *stream, int64_t number, int64_t now,
                    struct packet *packet) {
  int length = 0;
  const unsigned char *kept = history_find(&stream->history, number, &length);
  if (!kept || plane_crowded(plane)) return 0;
  *packet = (struct packet){.offset = rtp_payload(kept, length), .first = kept[0],
                            .second = kept[1], .timestamp = read32(kept + 4), .number = number,
                            .arrived = now};
  packet->start = made_start(plane) + 2; /* room before the payload for the number of RTX */
  packet->end = packet->start + length;
  memcpy(plane->slab + packet->start, kept, (size_t)length);
  return 1;
}

int sink_replay(struct plane *plane, struct sink *sink, int64_t first, int64_t now) {
  const struct stream *stream = sink->stream;
  int length = 0;
  for (int64_t number = first; number <= stream->highest; number++)
    if (!history_find(&stream->history, number, &length)) return 0;
  for (int64_t number = first; number <= stream->highest; number++) {
    struct packet packet;
    if (!recalled(plane, stream, number, now, &packet)) return 0;
    sink_forward(plane, sink, &packet);
  }
  return 1;
}

int sink_repeat(struct plane *plane, struct sink *sink, int64_t number, int sequence, int64_t now) {
  struct packet packet;
  if (!recalled(plane, sink->stream, number, now, &packet)) return 0;
  int payload = packet.start + packet.offset;
  uint32_t timestamp = (uint32_t)(packet.timestamp + sink->timestamp_shift);
  unsigned char padding = packet.first & 0x20, marker = packet.second & 0x80;
  int start;
  if (sink->rtx_payload_type) {
    payload -= 2; /* RFC 4588 section 4: the original number stands before the payload */
    write16(plane->slab + payload, (uint32_t)sequence);
    start = write_header(plane, sink, payload, packet.end, padding,
                         (unsigned char)(marker | sink->rtx_payload_type), ++sink->rtx_sequence,
                         timestamp, sink->rtx_ssrc, now);
  } else {
    /* The same bytes under the same number: a voice has no RTX in browsers. */
    struct sink plain = *sink;
    plain.extension = 0;
    start = write_header(plane, &plain, payload, packet.end, padding,
                         (unsigned char)(marker | sink->payload_type), (uint32_t)sequence,
                         timestamp, sink->ssrc, now);
  }
  plane_post(plane, sink->leg, start, packet.end - start);
  return 1;
}
