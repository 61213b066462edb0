/* Transport-wide feedback: when packets of a participant arrived here, and ours there.
 * Source: draft-holmer-rmcat-transport-wide-cc-extensions-01, section 3.1.
 */
#include "inside.h"

#define DELTA_US 250
#define REFERENCE_US 64000

int feedback_number(struct leg *leg, int size, int64_t now) {
  leg->number++;
  leg->left[leg->number % PLANE_LEFT] = now;
  leg->sizes[leg->number % PLANE_LEFT] = size;
  return leg->number;
}

struct arrival {
  int64_t number, time;
};

/* Unwrap the numbers of what arrived and sort them; of two alike the first counts. */
static int sort_arrivals(const struct leg *leg, struct arrival *sorted) {
  int64_t expected = leg->feedback_base >= 0 ? leg->feedback_base : leg->arrived_numbers[0] + 0x10000;
  int count = 0;
  for (int index = 0; index < leg->arrival_count; index++) {
    expected += (int16_t)(uint16_t)(leg->arrived_numbers[index] - (uint32_t)expected);
    int at = count;
    while (at > 0 && sorted[at - 1].number > expected) at--;
    if (at == 0 || sorted[at - 1].number != expected) {
      memmove(sorted + at + 1, sorted + at, (size_t)(count - at) * sizeof *sorted);
      sorted[at] = (struct arrival){expected, leg->arrived_times[index]};
      count++;
    }
    expected++;
  }
  return count;
}

/* Write runs where seven or more are alike, else seven two-bit symbols; gives the bytes. */
static int write_chunks(unsigned char *out, const unsigned char *symbols, int count) {
  unsigned char *begin = out;
  for (int at = 0; at < count;) {
    int run = 1;
    while (at + run < count && run < 0x1FFF && symbols[at + run] == symbols[at]) run++;
    if (run >= 7 || at + run == count) {
      write16(out, (uint32_t)symbols[at] << 13 | (uint32_t)run);
      at += run;
    } else {
      uint32_t word = 0xC000;
      for (int index = 0; index < 7 && at + index < count; index++)
        word |= (uint32_t)symbols[at + index] << (12 - 2 * index);
      write16(out, word);
      at += 7;
    }
    out += 2;
  }
  return (int)(out - begin);
}

int feedback_write(struct leg *leg, unsigned char *out) {
  struct arrival sorted[PLANE_ARRIVALS];
  unsigned char symbols[PLANE_LONGEST_JUMP + 1], deltas[2 * PLANE_ARRIVALS];
  int count = sort_arrivals(leg, sorted), symbol_count = 0, delta_bytes = 0;
  if (!count) return 0;
  struct arrival *first = sorted;
  /* Each report begins where the last one ended, so that losses in between are told. */
  int64_t base = first->number;
  if (leg->feedback_base >= 0 && leg->feedback_base < base) base = leg->feedback_base;
  if (sorted[count - 1].number - base > PLANE_LONGEST_JUMP) {
    first = &sorted[count - 1];
    base = first->number;
  }
  leg->feedback_base = sorted[count - 1].number + 1;
  leg->arrival_count = 0;
  int64_t reference = first->time / REFERENCE_US;
  int64_t clock = reference * (REFERENCE_US / DELTA_US);
  int64_t expected = base;
  for (struct arrival *each = first; each < sorted + count; each++) {
    while (expected++ < each->number) symbols[symbol_count++] = 0;
    int64_t delta = each->time / DELTA_US - clock;
    clock += delta;
    if (delta >= 0 && delta <= 0xFF) {
      symbols[symbol_count++] = 1;
      deltas[delta_bytes++] = (unsigned char)delta;
    } else {
      delta = delta < -0x8000 ? -0x8000 : delta > 0x7FFF ? 0x7FFF : delta;
      symbols[symbol_count++] = 2;
      write16(deltas + delta_bytes, (uint32_t)delta);
      delta_bytes += 2;
    }
  }
  int length = 20 + write_chunks(out + 20, symbols, symbol_count);
  memcpy(out + length, deltas, (size_t)delta_bytes);
  length += delta_bytes;
  int padding = -length & 3;
  if (padding) {
    memset(out + length, 0, (size_t)padding);
    out[length + padding - 1] = (unsigned char)padding;
    length += padding;
  }
  out[0] = (unsigned char)(0x80 | 15 | (padding ? 0x20 : 0));
  out[1] = 205;
  write16(out + 2, (uint32_t)length / 4 - 1);
  write32(out + 4, leg->ssrc);
  write32(out + 8, leg->stream_count ? leg->ssrcs[0] : 0);
  write16(out + 12, (uint32_t)base & 0xFFFF);
  write16(out + 14, (uint32_t)symbol_count);
  write32(out + 16, (uint32_t)(reference & 0xFFFFFF) << 8 | leg->feedback_count++);
  return length;
}

int plane_feedback(struct plane *plane, struct leg **legs, int count) {
  for (int index = 0; index < count; index++) {
    struct leg *leg = legs[index];
    if (!leg->connected || !leg->arrival_count) continue;
    if (plane_crowded(plane)) return index;
    int start = made_start(plane);
    int length = feedback_write(leg, plane->slab + start);
    plane_post_rtcp(plane, leg, start, length);
  }
  return count;
}

/* Keep what is told of one packet; -1 for the arrival of a lost one. */
static void learn(const struct leg *leg, struct told *told, uint32_t number, int64_t arrival) {
  int slot = (int)(number % PLANE_LEFT);
  if (!leg->left[slot] || ((leg->number - number) & 0xFFFF) >= PLANE_LEFT) return;
  told->run = arrival < 0 ? told->run + 1 : 0;
  if (arrival < 0) {
    /* Many lost in a row are an outage, after which the network is what it was before. */
    if (told->run <= PLANE_OUTAGE) told->lost++;
    if (told->run == PLANE_OUTAGE + 1) told->lost -= PLANE_OUTAGE;
    return;
  }
  int64_t delay = arrival - leg->left[slot];
  if (!told->came || delay < told->shortest) told->shortest = delay;
  told->octets += leg->sizes[slot];
  told->arrivals[told->came] = arrival;
  told->delays[told->came] = delay;
  told->sizes[told->came++] = leg->sizes[slot];
}

void feedback_learn(const struct leg *leg, struct told *told, int number, int64_t arrival) {
  if (told->came < PLANE_LEFT) learn(leg, told, (uint32_t)number & 0xFFFF, arrival);
}

/* The status of each packet, 0 for lost, else the bytes of its delta; gives where those begin. */
static int read_symbols(const unsigned char *body, int length, unsigned char *symbols, int *count) {
  int at = 16, read = 0, wanted = *count;
  while (read < wanted && at + 2 <= length) {
    uint32_t chunk = read16(body + at);
    at += 2;
    if (!(chunk & 0x8000)) {
      for (uint32_t run = chunk & 0x1FFF; run && read < wanted; run--)
        symbols[read++] = (unsigned char)(chunk >> 13 & 3);
    } else if (chunk & 0x4000) {
      for (int shift = 12; shift >= 0 && read < wanted; shift -= 2)
        symbols[read++] = (unsigned char)(chunk >> shift & 3);
    } else {
      for (int shift = 13; shift >= 0 && read < wanted; shift--)
        symbols[read++] = (unsigned char)(chunk >> shift & 1);
    }
  }
  *count = read;
  return at;
}

void feedback_read(const struct leg *leg, const unsigned char *body, int length,
                   struct told *told) {
  unsigned char symbols[PLANE_LEFT];
  memset(told, 0, offsetof(struct told, arrivals));
  if (length < 16) return;
  uint32_t base = read16(body + 8);
  int count = (int)read16(body + 10);
  if (count > PLANE_LEFT) count = PLANE_LEFT;
  /* The reference is signed; an offset keeps every time above the -1 of a lost packet. */
  int64_t clock = (int64_t)((read32(body + 12) >> 8 ^ 0x800000) & 0xFFFFFF) * REFERENCE_US;
  int at = read_symbols(body, length, symbols, &count);
  for (int index = 0; index < count; index++) {
    int bytes = symbols[index];
    int64_t arrival = -1;
    if (bytes == 1 || bytes == 2) {
      if (at + bytes > length) return; /* what is cut off tells what stands before */
      clock += DELTA_US * (bytes == 1 ? body[at] : (int16_t)(uint16_t)read16(body + at));
      at += bytes;
      arrival = clock;
    }
    learn(leg, told, (base + (uint32_t)index) & 0xFFFF, arrival);
  }
}
