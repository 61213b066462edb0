/* A UDP socket on Linux: many datagrams with one system call, each way, and who is behind them.
 *
 * Packets to one receiver leave as one message that the kernel cuts (UDP_SEGMENT, Linux 4.18),
 * as the packets of one picture do.
 */
#define _GNU_SOURCE
#include "inside.h"

/* --- who is behind an address --- */

static uint64_t place_index(const struct plane *plane, const unsigned char *name) {
  uint64_t words[4] = {0}, hash = plane->seed;
  memcpy(words, name, PLANE_NAME);
  for (int index = 0; index < 4; index++) {
    hash = (hash ^ words[index]) * 0x9E3779B97F4A7C15u;
    hash ^= hash >> 32;
  }
  return hash & (plane->place_size - 1);
}

static struct place *place_of(const struct plane *plane, const unsigned char *name) {
  uint64_t index = place_index(plane, name);
  while (plane->places[index].leg && memcmp(plane->places[index].name, name, PLANE_NAME) != 0)
    index = (index + 1) & (plane->place_size - 1);
  return &plane->places[index];
}

struct leg *place_find(const struct plane *plane, const unsigned char *name) {
  return place_of(plane, name)->leg;
}

void place_put(struct plane *plane, const unsigned char *name, struct leg *leg) {
  struct place *place = place_of(plane, name);
  if (!place->leg) plane->place_count++;
  memcpy(place->name, name, PLANE_NAME);
  place->leg = leg;
}

void place_drop(struct plane *plane, const unsigned char *name) {
  struct place *gone = place_of(plane, name);
  if (!gone->leg) return;
  gone->leg = NULL;
  plane->place_count--;
  /* What was put behind it would not be found across the hole: put it anew. */
  uint64_t index = (uint64_t)(gone - plane->places);
  for (;;) {
    index = (index + 1) & (plane->place_size - 1);
    struct place moved = plane->places[index];
    if (!moved.leg) return;
    plane->places[index].leg = NULL;
    plane->place_count--;
    place_put(plane, moved.name, moved.leg);
  }
}

#ifdef __linux__

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/socket.h>
#include <time.h>

#define MESSAGES 128
#define TOGETHER 16 /* packets of one message; sixteen of the longest stay below 64 KiB */
#define CONTROL 64
#define LONGEST_WAIT 1000000 /* microseconds that a datagram may plausibly have waited */
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

struct message {
  unsigned char name[PLANE_NAME + 4];
  struct iovec packets[TOGETHER];
  int together, longest; /* `longest` 0: nothing may follow, as only the last may be shorter */
  union {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(uint16_t))];
  } control;
};

struct line {
  struct plane *plane;
  int descriptor, wide, may_segment, posted;
  uint32_t round;
  struct mmsghdr incoming[PLANE_INCOMING], outgoing[MESSAGES];
  struct iovec slots[PLANE_INCOMING];
  unsigned char names[PLANE_INCOMING][PLANE_NAME + 4];
  int64_t arrived[PLANE_INCOMING];
  union {
    struct cmsghdr align;
    char bytes[CONTROL];
  } controls[PLANE_INCOMING];
  struct message messages[MESSAGES];
};

size_t line_size(void) { return sizeof(struct line); }

void line_open(struct line *line, struct plane *plane, int descriptor, int wide, int may_segment) {
  line->plane = plane;
  line->descriptor = descriptor;
  line->wide = wide;
  line->may_segment = may_segment;
  line->round = 1;
  for (int slot = 0; slot < PLANE_INCOMING; slot++)
    line->slots[slot] = (struct iovec){plane->slab + slot_start(slot), PLANE_LONGEST};
}

static int64_t microseconds(clockid_t clock) {
  struct timespec now;
  clock_gettime(clock, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Turn the kernel's stamp, of the wall clock, into monotonic microseconds. Senders estimate their
 * bandwidth from these times. The moment of reading alone would tell them of every moment this
 * process was busy, as if the network had been slow. A stamp that cannot be, since the clock was
 * set or there is none, counts as now. */
static int64_t arrival(struct msghdr *header, int64_t now, int64_t offset) {
  for (struct cmsghdr *each = CMSG_FIRSTHDR(header); each; each = CMSG_NXTHDR(header, each)) {
    if (each->cmsg_level != SOL_SOCKET || each->cmsg_type != SO_TIMESTAMPNS) continue;
    struct timespec stamp;
    memcpy(&stamp, CMSG_DATA(each), sizeof stamp);
    int64_t at = (int64_t)stamp.tv_sec * 1000000 + stamp.tv_nsec / 1000 + offset;
    if (at > now - LONGEST_WAIT && at <= now) return at;
  }
  return now;
}

/* The bytes that tell addresses apart, always the same for the same address. */
static void settle_name(unsigned char *name, int wide) {
  memset(name + (wide ? PLANE_NAME : 8), 0, wide ? 4 : PLANE_NAME - 4);
  if (wide) memset(name + 4, 0, 4); /* the flow label is none of ours */
}

int line_take(struct line *line) {
  for (int slot = 0; slot < PLANE_INCOMING; slot++)
    line->incoming[slot].msg_hdr = (struct msghdr){
        .msg_name = line->names[slot], .msg_namelen = line->wide ? PLANE_NAME : 16,
        .msg_iov = &line->slots[slot], .msg_iovlen = 1,
        .msg_control = line->controls[slot].bytes, .msg_controllen = CONTROL};
  int count = recvmmsg(line->descriptor, line->incoming, PLANE_INCOMING, MSG_DONTWAIT, NULL);
  if (count <= 0) {
    if (count < 0 && errno != EAGAIN && errno != EINTR) line->plane->counts.socket_errors++;
    return 0;
  }
  int64_t now = microseconds(CLOCK_MONOTONIC), offset = now - microseconds(CLOCK_REALTIME);
  for (int slot = 0; slot < count; slot++) {
    line->arrived[slot] = arrival(&line->incoming[slot].msg_hdr, now, offset);
    settle_name(line->names[slot], line->wide);
  }
  return count;
}

int line_handle(struct line *line, int done, int count) {
  struct plane *plane = line->plane;
  for (; done < count; done++) {
    if (plane_crowded(plane)) return done;
    int start = slot_start(done), length = (int)line->incoming[done].msg_len;
    struct leg *leg = place_find(plane, line->names[done]);
    const unsigned char *bytes = plane->slab + start;
    int is_media = length > 0 && bytes[0] >= 128 && bytes[0] <= 191;
    if (leg && is_media) {
      plane_media(plane, leg, start, length, line->arrived[done]);
      continue;
    }
    if (plane_refuses(plane, leg, start, length, line->arrived[done])) continue;
    struct event *event = tell(plane, is_media ? EVENT_STRANGER : EVENT_OTHER, leg ? leg->id : 0,
                               line->arrived[done]);
    event->start = start;
    event->length = length;
    memcpy(event->name, line->names[done], PLANE_NAME);
  }
  return done;
}

static void cut(struct message *message, struct msghdr *header) {
  header->msg_control = message->control.bytes;
  header->msg_controllen = sizeof message->control.bytes;
  struct cmsghdr *control = CMSG_FIRSTHDR(header);
  control->cmsg_level = IPPROTO_UDP;
  control->cmsg_type = UDP_SEGMENT;
  control->cmsg_len = CMSG_LEN(sizeof(uint16_t));
  uint16_t length = (uint16_t)message->longest;
  memcpy(CMSG_DATA(control), &length, sizeof length);
}

static int begin_message(struct line *line, const unsigned char *name, int start, int length) {
  if (line->posted == MESSAGES) line_flush(line);
  int index = line->posted++;
  struct message *message = &line->messages[index];
  memcpy(message->name, name, PLANE_NAME);
  message->packets[0] = (struct iovec){line->plane->slab + start, (size_t)length};
  message->together = 1;
  message->longest = length;
  line->outgoing[index].msg_hdr = (struct msghdr){
      .msg_name = message->name, .msg_namelen = line->wide ? PLANE_NAME : 16,
      .msg_iov = message->packets, .msg_iovlen = 1};
  return index;
}

void line_post(struct line *line, const unsigned char *name, int start, int length) {
  begin_message(line, name, start, length);
}

void line_post_leg(struct leg *leg, int start, int length) {
  struct line *line = leg->line;
  struct message *message = &line->messages[leg->message];
  if (leg->round != line->round || message->together == TOGETHER || length > message->longest ||
      !line->may_segment || leg->uncut) {
    leg->message = begin_message(line, leg->name, start, length);
    leg->round = line->round;
    return;
  }
  struct msghdr *header = &line->outgoing[leg->message].msg_hdr;
  if (message->together == 1) cut(message, header);
  message->packets[message->together++] =
      (struct iovec){line->plane->slab + start, (size_t)length};
  header->msg_iovlen = (size_t)message->together;
  if (length < message->longest) message->longest = 0;
}

/* Send the packets of a message that the kernel refused one by one: whom they are for may be out
 * of reach. When they pass alone, it was the cutting: the device or the way there cannot do it (EIO),
 * or takes no packets as long (EINVAL). This receiver gets them alone from now on. */
static void send_in_pieces(struct line *line, struct message *message, int error) {
  struct plane *plane = line->plane;
  int refused = 0;
  for (int index = 0; index < message->together; index++) {
    struct iovec *packet = &message->packets[index];
    refused += sendto(line->descriptor, packet->iov_base, packet->iov_len, MSG_DONTWAIT,
                      (struct sockaddr *)message->name, line->wide ? PLANE_NAME : 16) < 0;
  }
  plane->counts.dropped_unsendable += (uint64_t)refused;
  if (message->together == 1) return;
  plane->counts.messages_refused++;
  struct leg *leg = place_find(plane, message->name);
  if (leg && !refused && (error == EIO || error == EINVAL)) leg->uncut = 1;
}

void line_flush(struct line *line) {
  int count = line->posted, sent = 0;
  line->posted = 0;
  line->round++;
  if (!line->round) line->round = 1;
  while (sent < count) {
    int result = sendmmsg(line->descriptor, line->outgoing + sent, (unsigned)(count - sent),
                          MSG_DONTWAIT);
    if (result > 0) {
      sent += result;
    } else if (errno == EAGAIN || errno == ENOBUFS) {
      /* Media that waits is worth nothing, and what follows would wait behind it. */
      for (; sent < count; sent++)
        line->plane->counts.dropped_unsendable += (uint64_t)line->messages[sent].together;
    } else {
      send_in_pieces(line, &line->messages[sent++], errno);
    }
  }
}

#else

size_t line_size(void) { return 0; }
void line_open(struct line *line, struct plane *plane, int descriptor, int wide, int may_segment) {
  (void)line, (void)plane, (void)descriptor, (void)wide, (void)may_segment;
}
int line_take(struct line *line) { return (void)line, 0; }
int line_handle(struct line *line, int done, int count) { return (void)line, (void)done, count; }
void line_post(struct line *line, const unsigned char *name, int start, int length) {
  (void)line, (void)name, (void)start, (void)length;
}
void line_post_leg(struct leg *leg, int start, int length) { (void)leg, (void)start, (void)length; }
void line_flush(struct line *line) { (void)line; }

#endif
