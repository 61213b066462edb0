/* What the relay reads and writes of a VP8 payload: its descriptor (RFC 7741, sections 4.2, 4.3).
 *
 * This file is read by the compiler and by cffi, so it has plain declarations alone.
 */

/* A payload's descriptor; -1 stands for what it does not carry. */
struct vp8 {
  int length;       /* bytes of the descriptor; 0 when it is cut short */
  int starts;       /* whether a frame starts here */
  int key;          /* whether that frame needs no other */
  int picture_id;
  int picture_bits; /* 7 or 15 */
  int picture_at;   /* where it stands, in bytes from the payload's first */
  int tl0;          /* TL0PICIDX: counts frames of the lowest temporal layer */
  int tl0_at;
  int tid;          /* temporal layer, 0 for the lowest */
  int sync;         /* whether the frame needs the lowest temporal layer alone */
};

/* Read `length` bytes; gives the descriptor's length, 0 when it is cut short. */
int vp8_read(const unsigned char *payload, int length, struct vp8 *found);
/* Write other numbers, of as many bits, over those that `found` tells of. */
void vp8_renumber(unsigned char *payload, const struct vp8 *found, int picture_id, int tl0);
