/* A datagram's way in: its stream, its keys, its number, and whom it is for. */
#include "inside.h"

void plane_sizes(int32_t sizes[5]) {
  sizes[0] = (int32_t)sizeof(struct plane);
  sizes[1] = (int32_t)sizeof(struct leg);
  sizes[2] = (int32_t)sizeof(struct stream);
  sizes[3] = (int32_t)sizeof(struct sink);
  sizes[4] = (int32_t)sizeof(struct event);
}

int plane_crowded(const struct plane *plane) {
  return plane->made + 2 * PLANE_SINKS + 2 > PLANE_MADE ||
         plane->event_count + 2 * PLANE_SINKS + 8 > PLANE_EVENTS;
}

struct event *tell(struct plane *plane, int kind, int who, int64_t arrived) {
  struct event *event = &plane->events[plane->event_count++];
  event->kind = kind;
  event->who = who;
  event->arrived = arrived;
  return event;
}

/* The extended number nearest to the highest so far. What is older than SRTP's window (RFC 3711
 * section 3.3.2) has not come this far. */
static int64_t extend(const struct stream *stream, uint32_t sequence) {
  if (stream->highest < 0) return (int64_t)sequence + 0x10000; /* room for what overtook */
  return stream->highest + (int16_t)(uint16_t)(sequence - (uint32_t)stream->highest);
}

/* Take the first packet of a picture into the jitter: the others carry the same timestamp, so
 * that their spacing is the sender's and says nothing of the network. */
static void note_timestamp(struct stream *stream, uint32_t timestamp, int64_t arrived) {
  stream->timestamp = timestamp;
  double transit = (double)arrived / 1e6 * stream->clock_rate - timestamp;
  double difference = transit - stream->transit;
  if (difference < 0) difference = -difference;
  stream->transit = transit;
  /* A jump beyond a second is the sender's clock starting anew, not the network. */
  if (difference < stream->clock_rate) stream->jitter += (difference - stream->jitter) / 16;
}

static void note(struct stream *stream, const struct packet *packet) {
  int64_t distance = packet->number - stream->highest;
  if (stream->highest < 0 || distance > PLANE_LONGEST_JUMP) {
    stream->base = packet->number;
    stream->received = stream->received_before = stream->expected_before = 0;
    stream->highest = packet->number - 1;
    stream->transit = (double)packet->arrived / 1e6 * stream->clock_rate - packet->timestamp;
  }
  stream->received++;
  if (packet->number > stream->highest) {
    stream->highest = packet->number;
    if (packet->timestamp != stream->timestamp)
      note_timestamp(stream, packet->timestamp, packet->arrived);
  }
}

static void found(struct plane *plane, struct stream *stream, const struct packet *packet) {
  if (stream->misses) tell(plane, EVENT_FOUND, stream->id, packet->arrived)->first = packet->number;
}

static void miss(struct plane *plane, const struct stream *stream, int64_t first, int64_t count,
                 int64_t arrived) {
  if (count <= 0 || count > PLANE_LONGEST_GAP) return;
  struct event *event = tell(plane, EVENT_GAP, stream->id, arrived);
  event->first = first;
  event->count = count;
}

/* Give a packet that is not the next one its number; 0 when it was here before. */
static int out_of_order(struct plane *plane, struct stream *stream, struct packet *packet,
                        uint32_t sequence) {
  packet->number = extend(stream, sequence);
  if (packet->number < 0) return 0;
  int64_t newest = history_newest(&stream->history, packet->number);
  /* SRTP lets each packet through once, so that what is known has come as a repeat before. */
  if (newest == packet->number && newest >= stream->base) stream->received++;
  if (newest >= packet->number) return 0;
  int64_t next = stream->highest + 1, gap = packet->number - next;
  int begun = stream->received > 0;
  note(stream, packet);
  found(plane, stream, packet);
  if (begun && stream->received > 1) miss(plane, stream, next, gap, packet->arrived);
  return 1;
}

static void keep(struct plane *plane, struct stream *stream, struct packet *packet) {
  const unsigned char *bytes = plane->slab + packet->start;
  int length = packet->end - packet->start;
  if (stream->is_video) {
    vp8_read(bytes + packet->offset, length - packet->offset, &packet->picture);
    if (packet->picture.key) {
      stream->key_frame = packet->number;
      stream->key_frame_at = packet->arrived;
    }
  }
  history_add(&stream->history, packet->number, bytes, length);
}

/* Whether a sink is shown this layer, or is from this packet on. */
static int takes(struct sink *sink, struct stream *stream, const struct packet *packet) {
  if (sink->next == stream && packet->picture.key) {
    sink->stream = stream;
    sink->next = NULL;
    sink->fresh = 1;
  }
  return sink->stream == stream;
}

/* The first receiver's packet is made where it arrived, the others' in copies. */
static void show(struct plane *plane, struct stream *stream, const struct packet *packet) {
  struct sink *first = NULL;
  for (int index = 0; index < stream->sink_count; index++) {
    struct sink *sink = stream->sinks[index];
    if (!takes(sink, stream, packet)) continue;
    if (!first) {
      first = sink;
      continue;
    }
    struct packet copied = *packet;
    int length = packet->end - packet->start;
    copied.start = made_start(plane);
    copied.end = copied.start + length;
    memcpy(plane->slab + copied.start, plane->slab + packet->start, (size_t)length);
    sink_forward(plane, sink, &copied);
  }
  if (first) sink_forward(plane, first, packet);
}

static void take(struct plane *plane, struct stream *stream, struct packet *packet) {
  uint32_t sequence = read16(plane->slab + packet->start + 2);
  int64_t next = stream->highest + 1;
  if ((packet->second & 0x7F) != stream->payload_type) {
    plane->counts.dropped_unwanted_media++;
    return;
  }
  /* What is above the highest has never been forwarded, as repeats raise it too. */
  if (sequence == (uint32_t)(next & 0xFFFF) && stream->received) {
    stream->highest = packet->number = next;
    stream->received++;
    if (packet->timestamp != stream->timestamp)
      note_timestamp(stream, packet->timestamp, packet->arrived);
  } else if (!out_of_order(plane, stream, packet, sequence)) {
    plane->counts.dropped_unwanted_media++;
    return;
  }
  keep(plane, stream, packet);
  stream->octets[packet->picture.tid > 0 ? packet->picture.tid : 0] += packet->end - packet->start;
  show(plane, stream, packet);
  /* A voice's gap is to be closed before its turn to be played: no waiting for the tick. */
  if (stream->misses && packet->arrived >= stream->due_at)
    tell(plane, EVENT_DUE, stream->id, packet->arrived);
}

/* Restore a packet from its repetition (RFC 4588 section 4); what is new in it is forwarded. It may
 * overtake the packet itself, whose number is taken then: two packets under one number, which differ
 * in their transport-wide numbers at least, would give AES-GCM away (RFC 7714 section 8.4). */
static void take_repeat(struct plane *plane, struct stream *stream, struct packet *packet) {
  unsigned char *bytes = plane->slab + packet->start;
  int payload = packet->end - packet->start - packet->offset;
  if (packet->first & 0x20 && payload > 0) payload -= plane->slab[packet->end - 1];
  if (!stream->rtx_payload_type || (packet->second & 0x7F) != stream->rtx_payload_type) return;
  if (payload < 2) return; /* padding that probes the network ends here */
  uint32_t sequence = read16(bytes + packet->offset);
  packet->number = extend(stream, sequence);
  /* Browsers probe the network with repeats of what has long arrived. */
  if (packet->number < 0 || history_newest(&stream->history, packet->number) >= packet->number)
    return;
  int64_t next = stream->highest + 1, gap = packet->number - next;
  if (!stream->received || gap > PLANE_LONGEST_GAP) return; /* no stream begins with a repeat */
  packet->start += packet->offset - 10; /* the header moves up to what follows the number */
  packet->offset = 12;
  packet->first = 0x80 | (packet->first & 0x20);
  packet->second = (unsigned char)((packet->second & 0x80) | stream->payload_type);
  bytes = plane->slab + packet->start;
  bytes[0] = packet->first;
  bytes[1] = packet->second;
  write16(bytes + 2, sequence);
  write32(bytes + 4, packet->timestamp);
  write32(bytes + 8, stream->ssrc);
  found(plane, stream, packet);
  if (gap >= 0) {
    stream->highest = packet->number;
    miss(plane, stream, next, gap, packet->arrived);
  }
  keep(plane, stream, packet);
  show(plane, stream, packet);
}

static void control(struct plane *plane, struct leg *leg, int start, int length, int64_t arrived) {
  uint32_t ssrc = read32(plane->slab + start + 4);
  if (!may_be_heard(leg, ssrc)) {
    plane->counts.dropped_undeclared_ssrc++;
    return;
  }
  if (!leg->connected || plane->unprotect_rtcp(leg->inward, plane->slab + start, &length)) {
    plane->counts.dropped_unauthentic_media++;
    return;
  }
  hear(leg, ssrc);
  if (!may_tell(leg, arrived)) {
    plane->counts.dropped_excess_control++;
    return;
  }
  struct event *event = tell(plane, EVENT_CONTROL, leg->id, arrived);
  event->start = start;
  event->length = length;
}

int plane_proves(struct plane *plane, struct leg *leg, int start, int length) {
  unsigned char *bytes = plane->slab + start;
  int is_control = bytes[1] >= 192 && bytes[1] <= 223;
  return !(is_control ? plane->unprotect_rtcp : plane->unprotect)(leg->inward, bytes, &length);
}

static void log_arrival(struct leg *leg, int number, int64_t arrived) {
  if (number < 0 || leg->arrival_count == PLANE_ARRIVALS) return;
  leg->arrived_numbers[leg->arrival_count] = (uint16_t)number;
  leg->arrived_times[leg->arrival_count++] = arrived;
}

/* Hand a decrypted packet to the stream of its SSRC, which is the leg's `index`. */
static void sort(struct plane *plane, struct leg *leg, int index, int start, int length, int offset,
                 int64_t arrived) {
  const unsigned char *bytes = plane->slab + start;
  struct packet packet = {.start = start, .offset = offset, .end = start + length,
                          .first = bytes[0], .second = bytes[1],
                          .timestamp = read32(bytes + 4), .arrived = arrived};
  struct stream *stream = leg->streams[index];
  if (!stream->is_video && !may_speak(stream, length, arrived))
    plane->counts.dropped_excess_media++;
  else if (leg->repeats[index])
    take_repeat(plane, stream, &packet);
  else
    take(plane, stream, &packet);
}

void plane_admit(struct plane *plane, struct leg *leg, int start, int length, int64_t arrived) {
  const unsigned char *bytes = plane->slab + start;
  int index = index_of(leg, read32(bytes + 8)), offset = rtp_payload(bytes, length);
  if (index < leg->stream_count && offset) sort(plane, leg, index, start, length, offset, arrived);
}

void plane_media(struct plane *plane, struct leg *leg, int start, int length, int64_t arrived) {
  unsigned char *bytes = plane->slab + start;
  if (length < 12) {
    plane->counts.dropped_malformed_media++;
    return;
  }
  if (bytes[1] >= 192 && bytes[1] <= 223) {
    control(plane, leg, start, length, arrived);
    return;
  }
  uint32_t ssrc = read32(bytes + 8);
  int index = index_of(leg, ssrc);
  if (index == leg->stream_count && !(leg->learns && may_be_heard(leg, ssrc))) {
    plane->counts.dropped_undeclared_ssrc++;
    return;
  }
  if (!leg->connected || plane->unprotect(leg->inward, bytes, &length)) {
    plane->counts.dropped_unauthentic_media++;
    return;
  }
  int offset = rtp_payload(bytes, length);
  if (!offset) {
    plane->counts.dropped_malformed_media++;
    return;
  }
  if (!may_send(leg, length, arrived)) { /* not told to have arrived, so that it sends less */
    plane->counts.dropped_excess_media++;
    return;
  }
  log_arrival(leg, rtp_number(bytes, length, leg->wide_id), arrived);
  if (index < leg->stream_count) {
    sort(plane, leg, index, start, length, offset, arrived);
    return;
  }
  hear(leg, ssrc);
  if (!may_tell(leg, arrived)) {
    plane->counts.dropped_excess_media++;
    return;
  }
  struct event *event = tell(plane, EVENT_UNDECLARED, leg->id, arrived);
  event->start = start;
  event->length = length;
}
