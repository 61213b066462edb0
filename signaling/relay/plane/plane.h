/* The forwarding plane: what packets pass through, from datagram to datagram.
 *
 * Python decides who is where and who sees whom, and writes that into these structures; the
 * functions below carry packets by it and tell Python of everything else by events. Nothing here
 * allocates: all memory is Python's and lives as long as the objects that own it. This file is
 * read by the compiler and by cffi (`native.py`), so it has plain declarations alone.
 */

#define PLANE_SLOT 2048      /* bytes from one slot of the slab to the next */
#define PLANE_HEADROOM 64    /* bytes before a datagram, for a header longer than the one that came */
#define PLANE_LONGEST 1900   /* bytes of a datagram */
#define PLANE_INCOMING 64    /* slots that datagrams are received into */
#define PLANE_MADE 192       /* slots for what the relay makes: copies, repeats, feedback */
#define PLANE_EVENTS 512
#define PLANE_HISTORY 256    /* packets kept of a stream: 1.4 s of 1.5 Mbit/s */
#define PLANE_SINKS 32       /* receivers of one stream */
#define PLANE_STREAMS 16     /* SSRCs that one participant sends */
#define PLANE_HEARD 32       /* SSRCs beyond those, of reports and of layers not yet known */
#define PLANE_ARRIVALS 400   /* packets told in one feedback, so that it fits one datagram */
#define PLANE_LEFT 2048      /* packets of which it is known when they left: a second at 20 Mbit/s */
#define PLANE_OUTAGE 10      /* packets lost in a row */
#define PLANE_NAME 28        /* bytes of a socket address: those of sockaddr_in6, or 8 and zeroes */
#define PLANE_UFRAG 16       /* characters of a ufrag of ours (RFC 8839 section 5.4) */
#define PLANE_LONGEST_GAP 256
#define PLANE_SHIFTS 512     /* numbers of a picture in layers that may still come late */
#define PLANE_TEMPORAL 4     /* temporal layers that VP8 can have */
#define PLANE_REDUNDANT 2    /* earlier frames that a voice may carry (RED) */
#define PLANE_LONGEST_JUMP 3000 /* RFC 3550 appendix A.1, MAX_DROPOUT */

/* What Python is told of. */
#define EVENT_OTHER 1    /* STUN for a known ufrag, DTLS of a known address: `start`, `length`, `name` */
#define EVENT_STRANGER 2 /* RTP or RTCP of an unknown address and a known SSRC: as above */
#define EVENT_CONTROL 3  /* RTCP, decrypted: `who` is the leg */
#define EVENT_UNDECLARED 4 /* RTP of an SSRC that is not known yet, decrypted: `who` is the leg */
#define EVENT_GAP 5      /* `who` is the stream, `first` and `count` the numbers that are missing */
#define EVENT_FOUND 6    /* `who` is the stream, `first` the number that was missing */
#define EVENT_DUE 7      /* `who` is the stream, whose missing numbers are to be asked for */
#define EVENT_HANDED 8   /* `who` is the leg, whose line is Python's: a packet to be posted */
#define EVENT_BEGAN 9    /* `who` is the sink, which shows something else from now on */

struct line;   /* a UDP socket with what it receives and what waits to leave: line.c */

struct event {
  int32_t kind, who, start, length;
  int64_t first, count, arrived;   /* `arrived` in microseconds of the monotonic clock */
  unsigned char name[PLANE_NAME];
};

/* The last packets of a stream, as they were decrypted: a ring of bytes, whole packets in it. */
struct history {
  unsigned char *bytes;
  int64_t size, written;           /* of the ring, and ever */
  int64_t numbers[PLANE_HISTORY];  /* extended numbers, -1 for none */
  int64_t starts[PLANE_HISTORY];   /* what was written before the packet */
  int32_t lengths[PLANE_HISTORY];
};

/* What may be spent: `left` in millionths, as of `filled_at` in microseconds. */
struct bucket {
  int64_t left, filled_at;
};

/* One encoding that a participant sends: reception as in RFC 3550 sections 6.4.1, A.3, A.8. */
struct stream {
  int32_t id;
  uint32_t ssrc;
  uint8_t payload_type, rtx_payload_type, is_video, misses;
  int32_t sink_count;
  double clock_rate, jitter, transit;
  int64_t highest, received, timestamp;
  int64_t octets[PLANE_TEMPORAL];  /* by temporal layer; those of a voice are in the first */
  int64_t base, expected_before, received_before;
  int64_t key_frame, key_frame_at; /* the number it begins with; microseconds */
  int64_t due_at;                  /* microseconds; when to ask again while `misses` */
  struct sink *sinks[PLANE_SINKS]; /* the first one's packets are patched where they arrived */
  struct history history;
  struct bucket bytes;             /* of a voice */
};

/* One participant's transport. */
struct leg {
  int32_t id;
  uint32_t ssrc;                   /* of the relay towards the participant */
  uint8_t connected, wide_id, learns; /* `learns`: undeclared SSRCs are decrypted and told of */
  uint8_t feedback_count, uncut;   /* `uncut`: each packet to it is a message of its own */
  uint16_t number;                 /* transport-wide, of the last packet sent */
  int32_t stream_count, arrival_count;
  uint32_t ssrcs[PLANE_STREAMS];
  uint8_t repeats[PLANE_STREAMS];  /* whether the SSRC is that of repeats (RTX) */
  struct stream *streams[PLANE_STREAMS];
  int32_t heard_count;             /* libsrtp keeps something of each SSRC that proved its keys */
  uint32_t heard[PLANE_HEARD];
  struct bucket bytes, events;     /* what it may send, and have Python told of */
  struct bucket handshakes, requests[2]; /* DTLS; STUN from elsewhere, and from where it is */
  void *inward, *outward;          /* libsrtp's sessions */
  struct line *line;               /* NULL for a line of Python's */
  int32_t message;                 /* the last message to it that waits in `line`... */
  uint32_t round;                  /* ...if this is the line's round */
  unsigned char name[PLANE_NAME];
  int64_t feedback_base;           /* the number that the next feedback begins with, -1 for any */
  uint16_t arrived_numbers[PLANE_ARRIVALS];
  int64_t arrived_times[PLANE_ARRIVALS];
  int64_t left[PLANE_LEFT];        /* microseconds, by number */
  int32_t sizes[PLANE_LEFT];
};

/* What a participant tells of the packets sent to them: of those that came the arrivals by their
 * clock, in microseconds, arrival less departure, and bytes; `shortest` is the least delay. */
struct told {
  int32_t came, lost, run;
  int64_t octets, shortest;
  int64_t arrivals[PLANE_LEFT], delays[PLANE_LEFT];
  int32_t sizes[PLANE_LEFT];
};

/* What is done to a packet: its number and picture id less those of the source. */
struct shift {
  int64_t sequence;
  int32_t picture, dropped;
};

/* One stream that a participant receives: numbers and times that run on whatever is shown.
 *
 * `stream` is what is shown, NULL for nothing; `next` is another layer of the same picture, shown
 * from its next key frame on. Frames of temporal layers above `temporal` are left out; from then
 * on (`thinned`) what was done to each packet is kept. */
struct sink {
  int32_t id;
  uint32_t ssrc, rtx_ssrc;
  uint8_t payload_type, rtx_payload_type, red_payload_type; /* 0 for none */
  uint8_t extension;               /* id of the transport-wide number, 0 for none */
  uint8_t fresh, resting;
  uint8_t layered, thinned;        /* `layered`: the source is sent in layers */
  uint8_t temporal, temporal_now;  /* wanted, and since a frame that allows it */
  uint8_t redundancy;              /* earlier frames sent beside each voice */
  uint16_t rtx_sequence;
  struct leg *leg;
  struct stream *stream, *next;
  double clock_rate;
  int64_t lowest, highest;         /* extended numbers of the source */
  int64_t sequence_shift, timestamp_shift;
  int64_t last_timestamp, last_arrived;
  int64_t packets, octets;
  int32_t picture_shift, tl0_shift, last_picture, last_tl0, last_dropped;
  struct shift *shifts;            /* PLANE_SHIFTS, where the source is sent in layers */
  uint8_t redundant[PLANE_HISTORY]; /* which frames each voice carried: bit 0 the last one */
};

/* Where the participant behind an address, who sends an SSRC or has a ufrag, is: open addressing,
 * `size` a power of two. */
struct place {
  unsigned char name[PLANE_NAME];
  struct leg *leg;
};

struct counts {
  uint64_t dropped_malformed_media, dropped_undeclared_ssrc, dropped_unauthentic_media,
      dropped_unwanted_media, dropped_unprotectable, dropped_unsendable, socket_errors,
      dropped_media_from_stranger, dropped_dtls_from_stranger, dropped_unknown_kind,
      dropped_excess_media, dropped_excess_control, dropped_malformed_stun,
      dropped_unauthentic_stun, dropped_excess_stun, dropped_excess_dtls,
      messages_refused; /* of several packets, which were sent one by one then */
};

/* All of it. The functions of libsrtp are those that pylibsrtp brings. */
struct plane {
  unsigned char *slab;
  int32_t made;                    /* slots in use of those for what the relay makes */
  int32_t event_count;
  struct place *places;
  uint64_t place_size, place_count, seed;
  int (*protect)(void *session, void *packet, int *length);
  int (*unprotect)(void *session, void *packet, int *length);
  int (*protect_rtcp)(void *session, void *packet, int *length);
  int (*unprotect_rtcp)(void *session, void *packet, int *length);
  struct counts counts;
  struct told told;
  struct event events[PLANE_EVENTS];
};

/* The sizes of plane, leg, stream, sink and event, so that Python can tell that it reads them as
 * they were compiled. */
void plane_sizes(int32_t sizes[5]);

/* Lines (Linux): `line_size` bytes of memory, 0 where the system has none; `line_take` receives
 * what waits, at most PLANE_INCOMING datagrams, and gives how many; `line_handle` acts on those
 * from `done` on and gives how many are done: fewer than came when Python is to act on events,
 * post what was handed to it and flush before it calls again. */
size_t line_size(void);
void line_open(struct line *line, struct plane *plane, int descriptor, int wide, int may_segment);
int line_take(struct line *line);
int line_handle(struct line *line, int done, int count);
void line_post(struct line *line, const unsigned char *name, int start, int length);
void line_flush(struct line *line);

/* Whether a datagram of a participant, or of nobody known (NULL), is nothing that Python or
 * `plane_media` is to look at (RFC 7983 section 7); what is refused is counted. */
int plane_refuses(struct plane *plane, struct leg *leg, int start, int length, int64_t now);
/* Take one RTP or RTCP datagram of a participant, from `start` in the slab. */
void plane_media(struct plane *plane, struct leg *leg, int start, int length, int64_t arrived);
/* Take one RTP packet that is decrypted already: its SSRC has been learned from it. */
void plane_admit(struct plane *plane, struct leg *leg, int start, int length, int64_t arrived);
/* Whether SRTP or SRTCP in the slab proves the participant's keys; the packet is spent on it. */
int plane_proves(struct plane *plane, struct leg *leg, int start, int length);
/* Protect RTCP in the slab and have it sent. */
void plane_post_rtcp(struct plane *plane, struct leg *leg, int start, int length);
/* Whether there may be too little room for what the next packet brings about. */
int plane_crowded(const struct plane *plane);
/* Show a sink all packets from `first` to the newest of its stream; 0 when one is not kept. */
int sink_replay(struct plane *plane, struct sink *sink, int64_t first, int64_t now);
/* The source's number of what was sent as `sequence`, -1 when there is none. */
int64_t sink_number(const struct sink *sink, int sequence);
/* Send a packet of the sink's stream once more, with RTX as `sequence`, or a voice, for which that
 * is not agreed, as it was; 0 when it is not kept. */
int sink_repeat(struct plane *plane, struct sink *sink, int64_t number, int sequence, int64_t now);
/* Tell participants when their packets arrived (transport-wide feedback); gives how many have
 * been told, fewer than `count` as with `line_handle`. */
int plane_feedback(struct plane *plane, struct leg **legs, int count);

/* Write the feedback on all that arrived since the last one; its bytes, 0 when nothing did. */
int feedback_write(struct leg *leg, unsigned char *out);
/* Read what stands behind the first four bytes of a participant's feedback; PLANE_LEFT packets of
 * it count. What is cut off tells of what stands before. */
void feedback_read(const struct leg *leg, const unsigned char *body, int length, struct told *told);
/* Add one packet to what is told; `arrival` is -1 for a lost one. */
void feedback_learn(const struct leg *leg, struct told *told, int number, int64_t arrival);
/* The transport-wide number of the next packet, of `size` bytes, leaving at `now` microseconds. */
int feedback_number(struct leg *leg, int size, int64_t now);

/* Where the payload of RTP begins, 0 when the header is longer than the packet. */
int rtp_payload(const unsigned char *packet, int length);
/* Where the value of a header extension stands, and its `bytes`; 0 of them when it is not there.
 * Only the one-byte form is read (RFC 8285 section 4.2): the other is never negotiated. */
int rtp_extension(const unsigned char *packet, int length, int extension, int *bytes);
/* The value of a two-byte header extension, -1 when it is not there. */
int rtp_number(const unsigned char *packet, int length, int extension);

void place_put(struct plane *plane, const unsigned char *name, struct leg *leg);
void place_drop(struct plane *plane, const unsigned char *name);
struct leg *place_find(const struct plane *plane, const unsigned char *name);
