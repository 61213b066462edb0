/* What one participant may cost: bytes, events, SSRCs. Of media and reports it is asked once they
 * have proved their keys, so that nobody else uses it up; of what only Python can prove, before. */
#include "inside.h"

#define SECOND 1000000 /* microseconds */
#define BYTES 1000000  /* per second: 8 Mbit/s, several times what our page sends of a picture */
#define VOICE 37500    /* per second: 300 kbit/s, several times a voice */
#define EVENTS 2000    /* per second */
#define EVENTS_AT_ONCE 200

/* Take `cost` out of a bucket that fills by `rate` a second up to `most` (RFC 2697 section 3); 0 when it
 * holds less. Arrivals may be told in another order than they came in. */
static int spend(struct bucket *bucket, int64_t rate, int64_t most, int64_t cost, int64_t now) {
  int64_t elapsed = now - bucket->filled_at;
  if (elapsed > 0) {
    bucket->filled_at = now;
    bucket->left += (elapsed > 10 * SECOND ? 10 * SECOND : elapsed) * rate;
    if (bucket->left > most * SECOND) bucket->left = most * SECOND;
  }
  if (bucket->left < cost * SECOND) return 0;
  bucket->left -= cost * SECOND;
  return 1;
}

int may_send(struct leg *leg, int length, int64_t now) {
  return spend(&leg->bytes, BYTES, BYTES, length, now);
}

/* What waited behind a blackout on TCP comes at once. */
int may_speak(struct stream *stream, int length, int64_t now) {
  return spend(&stream->bytes, VOICE, 2 * VOICE, length, now);
}

int may_tell(struct leg *leg, int64_t now) {
  return spend(&leg->events, EVENTS, EVENTS_AT_ONCE, 1, now);
}

/* `here` says that a request came from where the participant is known to be. */
int may_ask(struct leg *leg, int here, int64_t now) {
  return spend(&leg->requests[here != 0], EVENTS, EVENTS_AT_ONCE, 1, now);
}

int may_shake_hands(struct leg *leg, int64_t now) {
  return spend(&leg->handshakes, EVENTS, EVENTS_AT_ONCE, 1, now);
}

static int was_heard(const struct leg *leg, uint32_t ssrc) {
  return place_in(leg->heard, leg->heard_count, ssrc) < leg->heard_count;
}

int may_be_heard(const struct leg *leg, uint32_t ssrc) {
  return leg->heard_count < PLANE_HEARD || was_heard(leg, ssrc) ||
         index_of(leg, ssrc) < leg->stream_count;
}

void hear(struct leg *leg, uint32_t ssrc) {
  if (leg->heard_count < PLANE_HEARD && !was_heard(leg, ssrc))
    leg->heard[leg->heard_count++] = ssrc;
}
