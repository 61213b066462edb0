"""A participant with good keys who means ill."""

import contextlib
import struct

from benchmarks.arrivals import Arrivals
from signaling.relay import rtcp
from signaling.relay.dtls import SrtpError
from tests.signaling.damage import damaged
from tests.signaling.peer import VIDEO, rtp_packet

_STORM = range(-127, 1)
_MOST_SSRCS = 64


class Insider:
    """A participant with good keys who encrypts nonsense, and storms of what makes sense."""

    def __init__(self, peer):
        self._peer = peer
        self._last = b""  # the last picture's packet that came
        _, video, repeats = peer.seat_ssrcs(0)
        mine = peer.ssrc + 1
        arrivals = Arrivals()
        arrivals.numbers, arrivals.times = [*range(200), *range(220, 400, 3)], [*range(0, 2600, 10)]
        self._honest = [
            rtp_packet(mine, 1, payload=b"\x10\x00key", number=1),
            rtp_packet(mine + 1, 1, payload=b"\x00\x01again", payload_type=97, number=2),
            rtcp.sender_report(mine, (1, 2), 3, 4, 5) + rtcp.source_description(mine, "x"),
            rtcp.receiver_report(1, [rtcp.report_block(video, (9, 9), 9, 9, (9, 9))]),
            rtcp.nack(1, video, range(0, 600, 3)),
            rtcp.nack(1, repeats, range(9)),
            rtcp.picture_loss(1, video),
            rtcp.estimate(1, video, 100_000),
            arrivals.feedback(1, video),
        ]
        self._ssrcs = [each.to_bytes(4, "big") for each in (mine, mine + 1, 1)]

    def look(self):
        """Note the latest picture, for requests of what came before it."""
        for each in self._peer.rtp:
            if each[1] & 0x7F == VIDEO:
                self._last = each

    def throw(self, chance):
        """Send something; one in four is a storm of requests for all that can be repeated."""
        peer = self._peer
        packet = damaged(chance, self._honest)
        if chance.randrange(4) == 0 and self._last:
            _, _, last, _, ssrc = struct.unpack_from("!BBHII", self._last)
            packet = rtcp.nack(1, ssrc, (last + each & 0xFFFF for each in _STORM))
        is_rtcp = len(packet) > 1 and 192 <= packet[1] <= 223
        packet = self._under_few(chance, packet, 4 if is_rtcp else 8)
        with contextlib.suppress(*SrtpError):
            (peer.send_rtcp if is_rtcp else peer.send_rtp)(packet)
        peer.sent.clear()

    def _under_few(self, chance, packet, at):
        """Give the packet, whose SSRC stands `at` some byte, with one of a few SSRCs.

        The sender's libsrtp keeps something of each that it ever sent under, and that would be
        taken for growth of the relay, which lets a participant use half as many.
        """
        ssrc = packet[at : at + 4]
        if len(ssrc) < 4 or ssrc in self._ssrcs:
            return packet
        if len(self._ssrcs) == _MOST_SSRCS:
            return packet[:at] + chance.choice(self._ssrcs) + packet[at + 4 :]
        self._ssrcs.append(ssrc)
        return packet
