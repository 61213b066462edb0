"""Writes the relay's SDP answer: ICE-lite, one port, exactly what the relay forwards."""

from collections.abc import Sequence
from dataclasses import dataclass

from signaling.relay import codecs
from signaling.relay.offer import Offer, Section


@dataclass(frozen=True, slots=True)
class Transport:
    """How to reach the relay and whom to expect there."""

    ufrag: str
    password: str
    fingerprint: str
    """SHA-256, hexadecimal pairs with colons."""
    addresses: Sequence[str]
    """IP literals, the most wanted first."""
    port: int
    tcp_port: int | None = None
    """Where connections are taken for networks without UDP; None for nowhere."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """The stream the relay sends in one section."""

    stream: str
    """One name for a seat's audio and video, so that the browser keeps lips in step."""
    ssrc: int
    rtx_ssrc: int | None


def write_answer(offer: Offer, transport: Transport, outgoing: Sequence[Outgoing | None]) -> str:
    """Write the answer to `offer`; `outgoing` has one entry per section, None where none is sent.

    Source: RFC 8829 section 5.3, RFC 8445 section 2.5 (lite), RFC 5763 (`setup:passive`).
    """
    mids = " ".join(section.mid for section in offer.sections)
    lines = [
        "v=0",
        "o=- 1 1 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        f"a=group:BUNDLE {mids}",
        "a=ice-lite",
        "a=msid-semantic:WMS *",
    ]
    for index, (section, stream) in enumerate(zip(offer.sections, outgoing, strict=True)):
        lines += _section_lines(section, transport, stream, reduced_size=offer.reduced_size)
        if index == 0:
            # Everything is bundled: candidates elsewhere would only be read and thrown away.
            lines += _candidate_lines(transport)
    return "\r\n".join(lines) + "\r\n"


def _section_lines(
    section: Section, transport: Transport, stream: Outgoing | None, *, reduced_size: bool
) -> list[str]:
    codec = codecs.BY_KIND[section.kind]
    rtx, red = section.rtx_payload_type, agreed_red(section)
    numbers = [str(each) for each in (section.payload_type, rtx, red) if each is not None]
    host = transport.addresses[0]
    lines = [
        f"m={section.kind} {transport.port} UDP/TLS/RTP/SAVPF {' '.join(numbers)}",
        f"c=IN {'IP6' if ':' in host else 'IP4'} {host}",
        f"a=mid:{section.mid}",
        f"a={_direction(section, stream)}",
        "a=rtcp-mux",
        *(["a=rtcp-rsize"] if reduced_size else []),
        *_transport_lines(transport),
        f"a=rtpmap:{section.payload_type} {codec.rtpmap}",
        *([f"a=fmtp:{section.payload_type} {codec.fmtp}"] if codec.fmtp else []),
        *(f"a=rtcp-fb:{section.payload_type} {each}" for each in agreed_feedback(section)),
    ]
    if rtx is not None:
        lines += [f"a=rtpmap:{rtx} rtx/90000", f"a=fmtp:{rtx} apt={section.payload_type}"]
    if red is not None:
        opus = section.payload_type
        lines += [f"a=rtpmap:{red} {codecs.RED}", f"a=fmtp:{red} {opus}/{opus}"]
    lines += [f"a=extmap:{number} {uri}" for uri, number in agreed_extensions(section).items()]
    lines += _layer_lines(section.layers)
    if stream is not None:
        lines += _stream_lines(section.kind, stream, with_rtx=rtx is not None)
    return lines


def agreed_extensions(section: Section) -> dict[str, int]:
    """Give the header extensions used in this section, ids by URI.

    What the client sends carries transport-wide numbers, which the relay reports on, and so do
    the pictures it receives, where it reports on them. The voices it receives carry none: they are
    repeated byte by byte, and a number would be another one then. Pictures that are sent in
    layers say which one they are of.
    """
    numbered = section.direction == "sendonly" or _tells_arrivals(section)
    wanted = [codecs.TRANSPORT_WIDE] if numbered else []
    if section.layers:
        wanted += [codecs.SECTION, codecs.LAYER, codecs.REPAIRED_LAYER]
    return {uri: section.extensions[uri] for uri in wanted if uri in section.extensions}


def agreed_red(section: Section) -> int | None:
    """Give the payload type of RED (RFC 2198) where the client receives it.

    It stands behind Opus, so that no client sends RED itself: the relay makes it from frames it
    has already, for the one receiver that loses packets, and the sender's uplink stays as it is.
    """
    return section.red_payload_type if _hears(section) else None


def _hears(section: Section) -> bool:
    return (section.kind, section.direction) == ("audio", "recvonly")


def _tells_arrivals(section: Section) -> bool:
    """Tell whether the client can report on when the packets of a picture arrived."""
    return (
        section.kind == "video"
        and "transport-cc" in section.feedback
        and codecs.TRANSPORT_WIDE in section.extensions
    )


def agreed_feedback(section: Section) -> list[str]:
    """Give the feedback messages used in this section, in the words of `a=rtcp-fb`.

    Who cannot tell of arrivals tells what it takes its network for (REMB).
    """
    wanted = set(codecs.BY_KIND[section.kind].feedback)
    if section.direction != "sendonly":
        wanted.discard("goog-remb" if _tells_arrivals(section) else "transport-cc")
    return [
        each
        for each in codecs.BY_KIND[section.kind].feedback
        if each in wanted and each in section.feedback
    ]


def _direction(section: Section, stream: Outgoing | None) -> str:
    if section.direction == "sendonly":
        return "recvonly"
    return "sendonly" if stream is not None else "inactive"


def _layer_lines(layers: Sequence[str]) -> list[str]:
    # RFC 8853 section 5.3: the answer says what of the offer it takes; here, all that was read.
    if not layers:
        return []
    return [*(f"a=rid:{each} recv" for each in layers), f"a=simulcast:recv {';'.join(layers)}"]


def _transport_lines(transport: Transport) -> list[str]:
    return [
        f"a=ice-ufrag:{transport.ufrag}",
        f"a=ice-pwd:{transport.password}",
        f"a=fingerprint:sha-256 {transport.fingerprint}",
        "a=setup:passive",
    ]


def _candidate_lines(transport: Transport) -> list[str]:
    addresses, tcp_port = transport.addresses, transport.tcp_port
    lines = []
    for index, address in enumerate(addresses):
        # RFC 8445 section 5.1.2.1: type preference 126 for host, component 1.
        priority = (126 << 24) + ((65535 - index) << 8) + 255
        lines.append(
            f"a=candidate:{index + 1} 1 udp {priority} {address} {transport.port} typ host"
        )
    for index, address in enumerate(addresses if tcp_port is not None else ()):
        # RFC 6544 section 4.2: below every UDP candidate, and of local preference first the
        # direction, 4 for passive, in three bits, then our own order in thirteen.
        priority = (90 << 24) + ((4 << 13) + 8191 - index << 8) + 255
        lines.append(
            f"a=candidate:{len(addresses) + index + 1} 1 tcp {priority} {address} {tcp_port} "
            "typ host tcptype passive"
        )
    return [*lines, "a=end-of-candidates"]


def _stream_lines(kind: str, stream: Outgoing, *, with_rtx: bool) -> list[str]:
    lines = [f"a=msid:{stream.stream} {stream.stream}-{kind}"]
    ssrcs = [stream.ssrc]
    if with_rtx and stream.rtx_ssrc is not None:
        ssrcs.append(stream.rtx_ssrc)
        lines.append(f"a=ssrc-group:FID {stream.ssrc} {stream.rtx_ssrc}")
    return lines + [f"a=ssrc:{ssrc} cname:{stream.stream}" for ssrc in ssrcs]
