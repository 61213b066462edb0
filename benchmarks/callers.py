"""Headless callers: real ICE, DTLS-SRTP and feedback; packets are made in advance, none is decoded.

A caller sends what a browser sends in a call of 1.2 Mbit/s: an audio packet every 20 ms, and
thirty pictures a second of five packets each, the packets of one picture back to back. Its
packets carry transport-wide numbers. As browsers do, it reports as receiver once a second, with
an estimate of its downlink (REMB), and every 100 ms tells when the packets arrived that carry
transport-wide numbers, where the answer agrees to them. Numbers stand in headers, which SRTP leaves
readable: nothing is decrypted for them.

A caller that is timed has the kernel stamp what arrives at its socket, so that a delay ends where
the datagram came, not where this process found time for it. Few are timed: that costs them time.
"""

from __future__ import annotations

import asyncio
import gc
import secrets
import select
import socket
import struct
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from aioice import stun

from benchmarks.arrivals import Arrivals, transport_wide_number
from signaling.relay import rtcp
from signaling.relay.dtls import Association, Certificate, SrtpError
from signaling.relay.line import SO_TIMESTAMPNS

PACKETS_PER_SECOND = 200
AUDIO, VIDEO, RTX = 111, 96, 97
_AUDIO_EVERY = 0.02
_PICTURE_EVERY = 1 / 30
_PACKETS_OF_A_PICTURE = 5
_FEEDBACK_EVERY = 0.1
_REPORT_EVERY = 1.0
_AUDIO_BYTES = 80  # 32 kbit/s
_VIDEO_BYTES = 1000
_AUDIO_AT_MOST = 200  # bytes of a datagram; what is longer is video
_PATIENCE = 30.0  # seconds; a busy machine does many handshakes at once
_CHECK_EVERY = 0.1  # seconds
_HEADER = struct.Struct("!BBHIIHHBHx")
_TRANSPORT_WIDE_ID = 3
_TRANSPORT_WIDE = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
_AGREED = f"\na=extmap:{_TRANSPORT_WIDE_ID} {_TRANSPORT_WIDE}"
_TIMESPEC = struct.Struct("@ll")
_STAMP_SPACE = socket.CMSG_SPACE(_TIMESPEC.size)


class Caller:
    """One end of a call on a UDP port of its own, connected to `host`.

    `timed` says whether it measures how long audio was on its way.
    """

    def __init__(
        self, certificate: Certificate, host: str, ssrc: int, *, timed: bool = False
    ) -> None:
        self.ssrc = ssrc
        self.ufrag = secrets.token_hex(4)
        self.password = secrets.token_hex(12)
        self.certificate = certificate
        self.packets_sent = self.packets_received = self.reports_received = 0
        self.feedback_sent = 0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        if timed:
            self.socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        self.socket.bind((host, 0))
        self._timed = timed
        self._association = Association(
            certificate, self._send_raw, self._changed, client=True
        )  # fmt: skip
        self._ready = asyncio.Event()
        self._checked = asyncio.Event()
        self._answer_sdp = ""
        self._arrivals = Arrivals()
        self._media = b""  # a numbered packet: of the stream that feedback is about
        self._numbered = False
        self._number = 0
        self._sequences = [0, 0]
        self._picture = 0
        self._video = bytes((0x90, 0x80, 0)) + secrets.token_bytes(_VIDEO_BYTES)
        self._filling = secrets.token_bytes(_AUDIO_BYTES - 8)

    async def connect(self, answer: str) -> None:
        """Check the path to the first candidate of `answer` and do the DTLS handshake."""
        loop = asyncio.get_running_loop()
        self._answer_sdp = answer
        self._numbered = _AGREED in answer
        candidate = next(each for each in answer.split("\r\n") if each.startswith("a=candidate:"))
        self.socket.connect((candidate.split()[4], int(candidate.split()[5])))
        loop.add_reader(self.socket, self._readable)
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._check_until(self._checked, answer)
                algorithm, value = _line(answer, "a=fingerprint:").split()
                self._association.start([(algorithm, value)])
                # A server that was not listening yet to the first nomination hears another.
                await self._check_until(self._ready, answer)
        finally:
            loop.remove_reader(self.socket)

    def check(self, answer: str) -> None:
        """Send a binding request that nominates the path (RFC 8445 section 7.2.4)."""
        message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
        message.attributes["USERNAME"] = f"{_line(answer, 'a=ice-ufrag:')}:{self.ufrag}"
        message.attributes["PRIORITY"] = 1853824767
        message.attributes["ICE-CONTROLLING"] = 1
        message.attributes["USE-CANDIDATE"] = None
        message.add_message_integrity(_line(answer, "a=ice-pwd:").encode())
        message.add_fingerprint()
        self.socket.send(bytes(message))

    async def _check_until(self, done: asyncio.Event, answer: str) -> None:
        while not done.is_set():
            self.check(answer)
            with suppress(TimeoutError):
                await asyncio.wait_for(done.wait(), _CHECK_EVERY)

    def send_audio(self) -> None:
        """Send 20 ms of audio, which carries the time it was sent at."""
        stamp = time.time_ns().to_bytes(8, "big")
        self._send(0, AUDIO, 960 * self._sequences[0], stamp + self._filling)

    def send_picture(self) -> None:
        """Send the packets of one picture back to back."""
        self._picture += 1
        for index in range(_PACKETS_OF_A_PICTURE):
            marker = 0x80 if index == _PACKETS_OF_A_PICTURE - 1 else 0
            self._send(1, VIDEO | marker, 3000 * self._picture, self._video)

    def report(self) -> None:
        """Send a receiver report, an estimate of the downlink, and consent (RFC 7675)."""
        self.check(self._answer_sdp)
        remb = struct.pack("!BBHII4sI", 0x8F, rtcp.PAYLOAD_FEEDBACK, 5, self.ssrc, 0, b"REMB", 0)
        estimate = bytes((1, 4 << 2 | 3, 0x0D, 0x40)) + self.ssrc.to_bytes(4, "big")
        compound = rtcp.receiver_report(self.ssrc, []) + remb[:16] + estimate
        self.socket.send(self._association.protect_rtcp(compound))

    def tell_arrivals(self) -> None:
        """Send transport-wide feedback on what came since the last one, if something did."""
        message = self._arrivals.feedback(self.ssrc, int.from_bytes(self._media[8:12], "big"))
        if message:
            self.socket.send(self._association.protect_rtcp(message))
            self.feedback_sent += 1

    def receive(self, delays: list[int], now: float) -> None:
        """Take one datagram at `now` (s); when timed, append the ns that audio was on its way."""
        arrived = 0
        if self._timed:
            datagram, control, _, _ = self.socket.recvmsg(2048, _STAMP_SPACE)
            arrived = _stamp(control)
        else:
            datagram = self.socket.recv(2048)
        if len(datagram) < 20 or not 128 <= datagram[0] <= 191:
            return
        if 192 <= datagram[1] <= 223:
            self.reports_received += 1
            return
        self.packets_received += 1
        if datagram[0] & 0x10 and self._numbered:
            number = transport_wide_number(datagram, _TRANSPORT_WIDE_ID)
            if number >= 0:
                self._media = datagram
                self._arrivals.numbers.append(number)
                self._arrivals.times.append(int(now * 1_000_000))
        if arrived and len(datagram) < _AUDIO_AT_MOST:
            try:
                packet = self._association.unprotect(datagram)
            except SrtpError:
                return
            sent = int.from_bytes(packet[-_AUDIO_BYTES : 8 - _AUDIO_BYTES], "big")
            delays.append(arrived - sent)

    async def close(self) -> None:
        """Say goodbye and free the port."""
        await self._association.close()
        self.socket.close()

    def _send(self, stream: int, payload_type: int, timestamp: int, payload: bytes) -> None:
        self._sequences[stream] = sequence = self._sequences[stream] + 1 & 0xFFFF
        self._number = self._number + 1 & 0xFFFF
        header = _HEADER.pack(
            0x90, payload_type, sequence, timestamp & 0xFFFFFFFF, self.ssrc + stream,
            0xBEDE, 1, _TRANSPORT_WIDE_ID << 4 | 1, self._number,
        )  # fmt: skip
        self.socket.send(self._association.protect(header + payload))
        self.packets_sent += 1

    def _send_raw(self, datagram: bytes) -> None:
        self.socket.send(datagram)

    def _readable(self) -> None:
        datagram = self.socket.recv(2048)
        if datagram[0] == 0 and len(datagram) >= 20:
            self._answer(datagram)
        elif datagram[0] == 1:
            self._checked.set()
        elif datagram[0] < 64:
            self._association.receive(datagram)

    def _answer(self, datagram: bytes) -> None:
        # A full ICE agent checks the path from its side too (RFC 8445 section 7.3).
        request = stun.parse_message(datagram)
        response = stun.Message(
            stun.Method.BINDING, stun.Class.RESPONSE, transaction_id=request.transaction_id
        )
        response.attributes["XOR-MAPPED-ADDRESS"] = self.socket.getpeername()
        response.add_message_integrity(self.password.encode())
        response.add_fingerprint()
        self.socket.send(bytes(response))

    def _changed(self) -> None:
        if self._association.connected:
            self._ready.set()


@dataclass(slots=True)
class Talk:
    """What all callers together saw."""

    sent: int = 0
    received: int = 0
    reports: int = 0
    told: int = 0
    """Messages by which receivers told when packets arrived."""
    delays: list[int] = field(default_factory=list)
    """Nanoseconds from the sending caller to the timed one's socket, of the audio packets."""

    @property
    def lost(self) -> float:
        """The part of the packets that never came."""
        return 1 - self.received / self.sent

    @property
    def delay_p99_ms(self) -> float:
        """What 99 % of the audio packets stayed below, in milliseconds."""
        ordered = sorted(self.delays)
        return ordered[len(ordered) * 99 // 100] / 1e6


def talk(callers: list[Caller], seconds: float) -> Talk:
    """Let the callers send for some seconds; the event loop stands still meanwhile."""
    poll = select.epoll()
    by_number = {each.socket.fileno(): each for each in callers}
    for number in by_number:
        poll.register(number, select.EPOLLIN)
    before = _totals(callers)
    delays: list[int] = []
    schedule = _schedule(callers, seconds)
    gc.collect()
    gc.disable()  # a pause of this process would be taken for a delay of the server's
    start = time.perf_counter()
    for due, act in schedule:
        while True:
            left = start + due - time.perf_counter()
            # Receive before sending more, and while waiting.
            events = poll.poll(max(left, 0))
            now = time.perf_counter()
            for number, _ in events:
                by_number[number].receive(delays, now)
            if left <= 0:
                break
        act()
    while events := poll.poll(0.2):
        now = time.perf_counter()
        for number, _ in events:
            by_number[number].receive(delays, now)
    poll.close()
    gc.enable()
    after = _totals(callers)
    sent, received, reports, told = (now - then for now, then in zip(after, before, strict=True))
    return Talk(sent, received, reports, told, delays)


def _schedule(callers: list[Caller], seconds: float) -> Iterable[tuple[float, Callable[[], None]]]:
    # Callers start evenly spread over their periods: they know nothing of each other.
    due: list[tuple[float, int, Callable[[], None]]] = []
    for index, caller in enumerate(callers):
        phase = index / len(callers)
        for every, act in (
            (_AUDIO_EVERY, caller.send_audio),
            (_PICTURE_EVERY, caller.send_picture),
            (_FEEDBACK_EVERY, caller.tell_arrivals),
            (_REPORT_EVERY, caller.report),
        ):
            count = round(seconds / every)
            due += [((number + phase) * every, index, act) for number in range(count)]
    due.sort(key=lambda each: each[:2])
    return [(at, act) for at, _, act in due]


def _totals(callers: list[Caller]) -> tuple[int, int, int, int]:
    return (
        sum(each.packets_sent for each in callers),
        sum(each.packets_received for each in callers),
        sum(each.reports_received for each in callers),
        sum(each.feedback_sent for each in callers),
    )


def _stamp(control: list[tuple[int, int, bytes]]) -> int:
    for _, kind, stamp in control:
        if kind == SO_TIMESTAMPNS:
            seconds, nanoseconds = _TIMESPEC.unpack(stamp)
            return int(seconds * 1_000_000_000 + nanoseconds)
    return 0


def _line(sdp: str, prefix: str) -> str:
    return next(each[len(prefix) :] for each in sdp.split("\r\n") if each.startswith(prefix))
