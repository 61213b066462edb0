"""The codecs and header extensions the relay agrees to; it forwards them, it has no decoder."""

from dataclasses import dataclass

TRANSPORT_WIDE = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
# Which section and which layer a packet belongs to (RFC 9143 section 15, RFC 8852 section 3).
SECTION = "urn:ietf:params:rtp-hdrext:sdes:mid"
LAYER = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
REPAIRED_LAYER = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
MOST_LAYERS = 3


@dataclass(frozen=True, slots=True)
class Codec:
    """One encoding as SDP names it."""

    kind: str
    rtpmap: str
    clock_rate: int
    """Hz."""
    fmtp: str
    feedback: tuple[str, ...]


OPUS = Codec(
    "audio", "opus/48000/2", 48_000, "minptime=10;useinbandfec=1", ("transport-cc", "nack")
)
RED = "red/48000/2"
VP8 = Codec(
    "video", "VP8/90000", 90_000, "", ("transport-cc", "goog-remb", "ccm fir", "nack", "nack pli")
)

# VP8 alone for video: every WebRTC browser must have it (RFC 7742 section 5), and with one codec
# no two people in a room can fail to share one.
BY_KIND = {"audio": OPUS, "video": VP8}
