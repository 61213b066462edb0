/* A packet's way out: its new header, its keys, and the line it leaves by. */
#include "inside.h"

#define FRAMES_PER_SECOND 50 /* a voice's, and more than a picture has */

static void hand_over(struct plane *plane, struct leg *leg, int start, int length) {
  if (leg->line) {
    line_post_leg(leg, start, length);
    return;
  }
  struct event *event = tell(plane, EVENT_HANDED, leg->id, 0);
  event->start = start;
  event->length = length;
}

typedef int (*protection)(void *session, void *packet, int *length);

static void post(struct plane *plane, struct leg *leg, protection protect, int start, int length) {
  if (protect(leg->outward, plane->slab + start, &length))
    plane->counts.dropped_unprotectable++;
  else
    hand_over(plane, leg, start, length);
}

void plane_post_rtcp(struct plane *plane, struct leg *leg, int start, int length) {
  post(plane, leg, plane->protect_rtcp, start, length);
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

/* Let numbers and times run on from what was shown before. What came with it in one read, as over
 * TCP, is a frame of its own all the same: two with one timestamp would be taken for one. */
static void continue_with(struct plane *plane, struct sink *sink, const struct packet *packet) {
  double elapsed = (double)(packet->arrived - sink->last_arrived) / 1e6 * sink->clock_rate;
  double shortest = sink->clock_rate / FRAMES_PER_SECOND;
  int64_t continued = packet->timestamp;
  if (sink->packets)
    continued = sink->last_timestamp + (int64_t)(elapsed > shortest ? elapsed : shortest);
  sink->sequence_shift += sink->highest + 1 - packet->number;
  sink->timestamp_shift = continued - packet->timestamp;
  sink->lowest = packet->number;
  sink->highest = packet->number - 1;
  sink->picture_shift = sink->last_picture + 1 - packet->picture.picture_id;
  sink->tl0_shift = sink->last_tl0 + 1 - packet->picture.tl0;
  sink->last_dropped = -1;
  sink->temporal_now = sink->temporal;
  sink->thinned = 0;
  sink->fresh = 0;
  tell(plane, EVENT_BEGAN, sink->id, packet->arrived);
}

static struct shift *shift_of(struct sink *sink, int64_t number) {
  return &sink->shifts[number % PLANE_SHIFTS];
}

/* Whether a frame is above the temporal layers that are wanted. More are let in at a frame that
 * needs the lowest alone (RFC 7741 section 4.2, Y), fewer from any frame on. */
static int is_left_out(struct sink *sink, const struct vp8 *picture) {
  if (picture->starts) {
    if (picture->key || sink->temporal < sink->temporal_now)
      sink->temporal_now = sink->temporal;
    else if (picture->sync && picture->tid > sink->temporal_now && picture->tid <= sink->temporal)
      sink->temporal_now = (uint8_t)picture->tid;
  }
  return picture->tid > sink->temporal_now;
}

/* Settle what is done to a packet of a picture in layers; 0 when it is left out. What is missing
 * keeps its place: it may come late. */
static int settle(struct sink *sink, const struct packet *packet, struct shift *shift) {
  int64_t first = sink->highest + 1, earliest = packet->number - PLANE_SHIFTS + 1;
  if (packet->number < first) {
    if (sink->thinned) *shift = *shift_of(sink, packet->number);
    return !sink->thinned || (first - packet->number <= PLANE_SHIFTS && !shift->dropped);
  }
  int left_out = is_left_out(sink, &packet->picture);
  if (left_out && !sink->thinned) {
    sink->thinned = 1;
    for (int index = 0; index < PLANE_SHIFTS; index++) sink->shifts[index] = *shift;
  }
  if (!sink->thinned) return 1;
  for (int64_t number = first > earliest ? first : earliest; number <= packet->number; number++)
    *shift_of(sink, number) = *shift;
  if (!left_out) return 1;
  shift_of(sink, packet->number)->dropped = 1;
  sink->sequence_shift--;
  if (packet->picture.picture_id != sink->last_dropped) sink->picture_shift--;
  sink->last_dropped = packet->picture.picture_id;
  sink->highest = packet->number;
  return 0;
}

/* Count pictures on from what was shown before; `newest` when none came with a higher number. */
static void renumber(struct plane *plane, struct sink *sink, const struct packet *packet,
                     const struct shift *shift, int newest) {
  const struct vp8 *picture = &packet->picture;
  int id = (picture->picture_id + shift->picture) & (picture->picture_bits == 7 ? 0x7F : 0x7FFF);
  int tl0 = (picture->tl0 + sink->tl0_shift) & 0xFF;
  if (!picture->length) return;
  vp8_renumber(plane->slab + packet->start + packet->offset, picture, id, tl0);
  if (!newest) return;
  if (picture->picture_id >= 0) sink->last_picture = id;
  if (picture->tl0 >= 0) sink->last_tl0 = tl0;
}

/* Put earlier frames beside a voice, for a receiver who loses some; 0 when there are none. */
static int thicken(struct plane *plane, struct sink *sink, struct packet *packet, int wanted) {
  struct packet made;
  for (int back = 1; back <= PLANE_REDUNDANT; back++)
    if (packet->number - back < sink->lowest) wanted &= ~(1 << (back - 1));
  if (!wanted || packet->first & 0x20) return 0;
  int carried = red_write(plane, sink->stream, packet, sink->payload_type, wanted, &made);
  if (carried) *packet = made;
  return carried;
}

static int marked(const struct packet *packet, int payload_type) {
  return (packet->second & 0x80) | payload_type;
}

void sink_forward(struct plane *plane, struct sink *sink, const struct packet *arrived) {
  struct packet packet = *arrived;
  if (!sink->leg->connected || sink->resting) return;
  if (sink->fresh || packet.number - sink->highest > PLANE_LONGEST_JUMP)
    continue_with(plane, sink, &packet);
  else if (packet.number < sink->lowest)
    return;
  struct shift shift = {sink->sequence_shift, sink->picture_shift, 0};
  if (sink->layered && !settle(sink, &packet, &shift)) return;
  int newest = packet.number > sink->highest, payload_type = sink->payload_type;
  uint32_t timestamp = (uint32_t)(packet.timestamp + sink->timestamp_shift);
  if (newest) {
    sink->highest = packet.number;
    sink->last_timestamp = timestamp;
    sink->last_arrived = packet.arrived;
  }
  if (sink->layered) renumber(plane, sink, &packet, &shift, newest);
  if (sink->red_payload_type) {
    int carried = thicken(plane, sink, &packet, (1 << sink->redundancy) - 1);
    sink->redundant[packet.number % PLANE_HISTORY] = (uint8_t)carried;
    if (carried) payload_type = sink->red_payload_type;
  }
  int payload = packet.start + packet.offset;
  sink->packets++;
  sink->octets += packet.end - payload;
  int start = write_header(plane, sink, payload, packet.end, packet.first & 0x20,
                           (unsigned char)marked(&packet, payload_type),
                           (uint32_t)(packet.number + shift.sequence) & 0xFFFF, timestamp,
                           sink->ssrc, packet.arrived);
  post(plane, sink->leg, plane->protect, start, packet.end - start);
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
  if (stream->is_video)
    vp8_read(kept + packet->offset, length - packet->offset, &packet->picture);
  packet->start = made_start(plane);
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

int64_t sink_number(const struct sink *sink, int sequence) {
  if (!sink->thinned) {
    int64_t newest = sink->highest + sink->sequence_shift;
    int64_t number = sink->highest - ((newest - sequence) & 0xFFFF);
    return number >= sink->lowest ? number : -1;
  }
  for (int64_t back = 0; back < PLANE_SHIFTS; back++) {
    int64_t number = sink->highest - back;
    if (number < sink->lowest) break;
    const struct shift *shift = &sink->shifts[number % PLANE_SHIFTS];
    if (!shift->dropped && ((number + shift->sequence) & 0xFFFF) == sequence) return number;
  }
  return -1;
}

/* RFC 4588 section 4: the original number stands before the payload. */
static int repeat_picture(struct plane *plane, struct sink *sink, struct packet *packet,
                          int sequence) {
  struct shift shift = {sink->sequence_shift, sink->picture_shift, 0};
  if (sink->thinned) shift = *shift_of(sink, packet->number);
  if (sink->layered) renumber(plane, sink, packet, &shift, 0);
  int payload = packet->start + packet->offset - 2;
  int start = write_header(plane, sink, payload, packet->end, packet->first & 0x20,
                           (unsigned char)marked(packet, sink->rtx_payload_type),
                           ++sink->rtx_sequence,
                           (uint32_t)(packet->timestamp + sink->timestamp_shift), sink->rtx_ssrc,
                           packet->arrived);
  write16(plane->slab + payload, (uint32_t)sequence);
  return start;
}

/* The same bytes under the same number: browsers know no RTX for voices. -1 when they cannot be
 * the same any more. */
static int repeat_voice(struct plane *plane, struct sink *sink, struct packet *packet,
                        int sequence) {
  int payload_type = sink->payload_type;
  int carried = sink->red_payload_type ? sink->redundant[packet->number % PLANE_HISTORY] : 0;
  if (sink->extension) return -1; /* its number would be another one */
  if (carried) {
    if (thicken(plane, sink, packet, carried) != carried) return -1;
    payload_type = sink->red_payload_type;
  }
  return write_header(plane, sink, packet->start + packet->offset, packet->end,
                      packet->first & 0x20, (unsigned char)marked(packet, payload_type),
                      (uint32_t)sequence, (uint32_t)(packet->timestamp + sink->timestamp_shift),
                      sink->ssrc, packet->arrived);
}

int sink_repeat(struct plane *plane, struct sink *sink, int64_t number, int sequence, int64_t now) {
  struct packet packet;
  if (!recalled(plane, sink->stream, number, now, &packet)) return 0;
  int start = sink->rtx_payload_type ? repeat_picture(plane, sink, &packet, sequence)
                                     : repeat_voice(plane, sink, &packet, sequence);
  if (start < 0) return 0;
  post(plane, sink->leg, plane->protect, start, packet.end - start);
  return 1;
}
