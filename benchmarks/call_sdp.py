"""The SDP of headless callers, for the relay and for a server that takes any session."""

from __future__ import annotations

from benchmarks.callers import AUDIO, RTX, VIDEO, Caller

_EXTENSIONS = (
    "a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    "a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
)
_CODECS = {
    "audio": (
        str(AUDIO),
        f"a=rtpmap:{AUDIO} opus/48000/2",
        f"a=rtcp-fb:{AUDIO} transport-cc",
        f"a=fmtp:{AUDIO} minptime=10;useinbandfec=1",
    ),
    "video": (
        f"{VIDEO} {RTX}",
        f"a=rtpmap:{VIDEO} VP8/90000",
        *(
            f"a=rtcp-fb:{VIDEO} {each}"
            for each in ("goog-remb", "transport-cc", "ccm fir", "nack", "nack pli")
        ),
        f"a=rtpmap:{RTX} rtx/90000",
        f"a=fmtp:{RTX} apt={VIDEO}",
    ),
}


def relay_offer(caller: Caller) -> str:
    """Offer what the relay asks for: sections to send in, then one pair to receive in."""
    return _sdp(caller, ["sendonly", "sendonly", "recvonly", "recvonly"], "actpass")


def symmetric(caller: Caller) -> str:
    """Offer or answer one audio and one video section in both directions, as the DTLS client."""
    return _sdp(caller, ["sendrecv", "sendrecv"], "active")


def _sdp(caller: Caller, directions: list[str], setup: str) -> str:
    host, port = caller.socket.getsockname()
    mids = " ".join(map(str, range(len(directions))))
    lines = [
        "v=0",
        f"o=- {caller.ssrc} 2 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        f"a=group:BUNDLE {mids}",
        "a=msid-semantic: WMS *",
    ]
    for mid, direction in enumerate(directions):
        kind = ("audio", "video")[mid % 2]
        numbers, *codec = _CODECS[kind]
        lines += [
            f"m={kind} 9 UDP/TLS/RTP/SAVPF {numbers}",
            "c=IN IP4 0.0.0.0",
            f"a=mid:{mid}",
            f"a={direction}",
            f"a=ice-ufrag:{caller.ufrag}",
            f"a=ice-pwd:{caller.password}",
            f"a=fingerprint:sha-256 {caller.certificate.fingerprint}",
            f"a=setup:{setup}",
            "a=rtcp-mux",
            "a=rtcp-rsize",
            *_EXTENSIONS,
            *codec,
        ]
        if direction != "recvonly":
            lines += _streams(caller.ssrc, kind)
        if mid == 0:
            lines.append(f"a=candidate:1 1 udp 2130706431 {host} {port} typ host")
    return "\r\n".join(lines) + "\r\n"


def _streams(ssrc: int, kind: str) -> list[str]:
    if kind == "audio":
        return [f"a=ssrc:{ssrc} cname:x"]
    return [
        f"a=ssrc-group:FID {ssrc + 1} {ssrc + 2}",
        f"a=ssrc:{ssrc + 1} cname:x",
        f"a=ssrc:{ssrc + 2} cname:x",
    ]
