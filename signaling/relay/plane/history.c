/* The last packets of a stream: what repeats are made from, and what shows whether one is new. */
#include "inside.h"

void history_add(struct history *history, int64_t number, const unsigned char *packet, int length) {
  int64_t at = history->written % history->size;
  if (at + length > history->size) { /* packets stand in one piece */
    history->written += history->size - at;
    at = 0;
  }
  memcpy(history->bytes + at, packet, (size_t)length);
  int index = (int)(number % PLANE_HISTORY);
  history->numbers[index] = number;
  history->starts[index] = history->written;
  history->lengths[index] = length;
  history->written += length;
}

int64_t history_newest(const struct history *history, int64_t number) {
  return history->numbers[number % PLANE_HISTORY];
}

const unsigned char *history_find(const struct history *history, int64_t number, int *length) {
  if (number < 0) return NULL;
  int index = (int)(number % PLANE_HISTORY);
  int64_t start = history->starts[index];
  if (history->numbers[index] != number || history->written - start > history->size) return NULL;
  *length = history->lengths[index];
  return history->bytes + start % history->size;
}
