"""One sender and one receiver in front of the compiled part, with real keys and no sockets."""

import struct

from pylibsrtp import Policy, Session

from signaling.relay import srtp
from signaling.relay.happenings import Happenings
from signaling.relay.offer import read_offer
from signaling.relay.plane.library import ffi, lib
from signaling.relay.sink import Sink
from signaling.relay.slab import Slab
from signaling.relay.source import Source
from tests.signaling.peer import AUDIO, RTX, VIDEO, offer_sdp, rtp_packet

RED, LAYERS = 63, ("l", "m", "h")
_KEY = bytes(range(28))
_PROFILE = Policy.SRTP_PROFILE_AEAD_AES_128_GCM


def _session(kind):
    policy = Policy(key=_KEY, ssrc_type=kind, srtp_profile=_PROFILE)
    policy.allow_repeat_tx, policy.window_size = True, 1024  # as aiortc has it
    return Session(policy)


class _End:
    """A participant's transport without a network: what is sent to it is kept, and decrypted."""

    def __init__(self, slab, happenings):
        self.plane = slab.plane
        self.slab = slab
        self.struct = ffi.new("struct leg *")
        self.struct.id = happenings.enter(self)
        self.struct.connected = self.connected = True
        self._relay = _session(Policy.SSRC_ANY_INBOUND), _session(Policy.SSRC_ANY_OUTBOUND)
        self.struct.inward, self.struct.outward = map(srtp.handle, self._relay)
        self.outward, self._inward = (
            _session(Policy.SSRC_ANY_OUTBOUND), _session(Policy.SSRC_ANY_INBOUND),
        )  # fmt: skip
        self.ssrc, self.round_trip = 1, 0.1
        self.raw, self.rtp, self.asked, self.reports, self.undeclared = [], [], [], [], []
        self.room, self.queue, self.stands = None, 0.0, 0.0

    def happened(self, event):
        told = {lib.EVENT_CONTROL: self.reports, lib.EVENT_UNDECLARED: self.undeclared}
        if event.kind in told:
            told[event.kind].append(event.length)
            return
        assert event.kind == lib.EVENT_HANDED
        start, end = event.start, event.start + event.length
        self.raw.append(self.slab.memory[start:end].tobytes())
        self.rtp.append(self._inward.unprotect(self.raw[-1]) if self.raw[-1] not in
                        self.raw[:-1] else b"")  # fmt: skip

    def room_for_a_picture(self):
        return self.room

    def standing(self, _now):
        return self.stands

    def send_control(self, packet):
        self.asked.append(packet)

    def hurry(self, encoding):
        pass

    def replay(self, sink, first, now):
        return bool(lib.sink_replay(self.plane, sink.struct, first, int(now * 1e6)))

    def repeat(self, sink, number, sequence, now):
        return bool(lib.sink_repeat(self.plane, sink.struct, number, sequence, int(now * 1e6)))


class Forwarding:
    """Everything between what a sender sends and what a receiver gets."""

    def __init__(self, *, kind="video", layers=()):
        self.slab = Slab()
        self.happenings = Happenings(self.slab)
        self.sender = _End(self.slab, self.happenings)
        self.receiver = _End(self.slab, self.happenings)
        offer = read_offer(offer_sdp(layers=layers, red=RED))
        index = ("audio", "video").index(kind)
        self.source = Source(offer.sections[index], self.sender, self.happenings)
        self.sink = Sink(self.receiver, self.happenings, kind, "seat", (77, 78))
        self.sink.agree(offer.sections[2 + index])
        for number, layer in enumerate(layers):
            self.source.learn(layer, 100 + number, repeats=False)
        self.declare()
        self.now = 1_000_000
        self._sent = 0
        self.sink.bind(self.source, 1.0)

    def declare(self):
        struct = self.sender.struct
        declared = [(each.ssrc, False, each) for each in self.source.encodings]
        declared += [(each.rtx_ssrc, True, each) for each in self.source.encodings if each.rtx_ssrc]
        struct.stream_count = len(declared)
        for index, (ssrc, repeats, encoding) in enumerate(declared):
            struct.ssrcs[index], struct.repeats[index] = ssrc, repeats
            struct.streams[index] = encoding.struct

    def send(self, packet):
        """Have a packet arrive; give what the receiver gets for it, decrypted."""
        self.now += 20_000
        before = len(self.receiver.rtp)
        self.receive(self.sender.outward.protect(packet))
        return self.receiver.rtp[before:]

    def receive(self, datagram):
        """Have a datagram of the sender arrive."""
        start = self.slab.starts[0]
        self.slab.memory[start : start + len(datagram)] = datagram
        lib.plane_media(self.slab.plane, self.sender.struct, start, len(datagram), self.now)
        self.act()

    def act(self):
        self.happenings.act()
        self.slab.release()

    def repeat(self, sequence):
        """Have the receiver ask for a packet; give the datagrams it gets."""
        before = len(self.receiver.raw)
        self.sink.repeat([sequence], self.now / 1e6)
        self.act()
        return self.receiver.raw[before:]


def voice(ssrc, number, frame):
    """Build 20 ms of Opus."""
    return rtp_packet(ssrc, number, payload=frame, payload_type=AUDIO, timestamp=960 * number)


def picture(ssrc, number, *, picture_id, tl0=0, tid=0, key=False, sync=False, rest=b""):
    """Build a frame of one packet, with a descriptor as Chromium's (RFC 7741 section 4.2)."""
    descriptor = struct.pack(
        "!BBHBB", 0x90, 0xE0, 0x8000 | picture_id & 0x7FFF, tl0 & 0xFF, tid << 6 | sync << 5
    )
    payload = descriptor + bytes((0 if key else 1,)) + rest
    return rtp_packet(
        ssrc, number, payload=payload, payload_type=0x80 | VIDEO, timestamp=3000 * number
    )


def repetition(ssrc, number, packet):
    """Repeat a packet as RTX (RFC 4588 section 4)."""
    timestamp = int.from_bytes(packet[4:8], "big")
    return rtp_packet(
        ssrc,
        number,
        payload=packet[2:4] + packet[12:],
        payload_type=0x80 | RTX,
        timestamp=timestamp,
    )


def described(packet):
    """Read (sequence number, picture id, TL0PICIDX, temporal layer, rest) of a forwarded frame."""
    payload = packet[20:] if packet[0] & 0x10 else packet[12:]
    picture_id, tl0, tid = struct.unpack_from("!HBB", payload, 2)
    return int.from_bytes(packet[2:4], "big"), picture_id & 0x7FFF, tl0, tid >> 6, payload[7:]
