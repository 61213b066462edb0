"""Reads a client's SDP offer into what the relay needs of it, and refuses every other form."""

import re
from dataclasses import dataclass, field

from signaling.relay import codecs

MOST_SEATS = 3
_MOST_LINES = 2000  # a browser that offers everything it can has some hundreds
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`{|}~0-9A-Za-z]{1,32}")
_ICE = re.compile(r"[0-9A-Za-z+/]{4,256}")
_RID = re.compile(r"[0-9A-Za-z]{1,16}")  # as long as a one-byte header extension (RFC 8852)
_FINGERPRINT = re.compile(r"(sha-(?:256|384|512)) ((?:[0-9A-Fa-f]{2}:){31,63}[0-9A-Fa-f]{2})")
_SHAPE = ("audio", "video")


class BadOffer(ValueError):
    """SDP that cannot be parsed or does not have the form the protocol asks for."""


@dataclass(frozen=True, slots=True)
class Section:
    """One media section of an offer, reduced to the codec that will be used."""

    kind: str
    mid: str
    direction: str
    payload_type: int
    rtx_payload_type: int | None
    feedback: frozenset[str]
    """Feedback the client can give or take for this codec, as in `a=rtcp-fb`."""
    extensions: dict[str, int] = field(hash=False)
    """Header extension ids by URI."""
    ssrc: int | None
    rtx_ssrc: int | None
    red_payload_type: int | None = None
    """Opus with earlier frames beside it (RFC 2198), where the client knows of that."""
    layers: tuple[str, ...] = ()
    """The ids (RFC 8851) of one picture's sizes, lowest first; none for a single one.

    Their SSRCs are told by the packets themselves (RFC 8852), not by the offer.
    """


@dataclass(frozen=True, slots=True)
class Offer:
    """A whole offer that has the form of `docs/signaling.md`."""

    session: str
    """The origin's session id, which stays the same for one peer connection."""
    ufrag: str
    fingerprints: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]
    reduced_size: bool
    """Whether RTCP may come alone instead of in compound packets (RFC 5506)."""

    @property
    def seats(self) -> int:
        """How many others the client can receive."""
        return (len(self.sections) - 2) // 2

    @property
    def identity(self) -> tuple[object, ...]:
        """What stays the same as long as one peer connection keeps its DTLS association."""
        return (self.session, self.fingerprints)


class _Lines:
    """The `a=` lines of one part of the SDP, by attribute name."""

    def __init__(self, head: str) -> None:
        self.head = head
        self._attributes: dict[str, list[str]] = {}

    def add(self, line: str) -> None:
        name, _, value = line.partition(":")
        self._attributes.setdefault(name, []).append(value.strip())

    def all(self, name: str) -> list[str]:
        return self._attributes.get(name, [])

    def first(self, name: str) -> str:
        return self._attributes.get(name, [""])[0]

    def has(self, name: str) -> bool:
        return name in self._attributes


def read_offer(sdp: str) -> Offer:
    """Read an offer (RFC 8866, 8829); raises BadOffer when anything needed is not there."""
    session, sections = _split(sdp)
    if not 4 <= len(sections) <= 2 + 2 * MOST_SEATS or len(sections) % 2:
        raise BadOffer("one audio and one video section, then one to three pairs")
    media = tuple(_section(lines, index) for index, lines in enumerate(sections))
    mids = [each.mid for each in media]
    if len(set(mids)) != len(mids) or session.first("group").split() != ["BUNDLE", *mids]:
        raise BadOffer("all sections must be bundled, each with its own mid")
    ssrcs = [ssrc for each in media for ssrc in (each.ssrc, each.rtx_ssrc) if ssrc is not None]
    if len(set(ssrcs)) != len(ssrcs):
        raise BadOffer("an SSRC stands for two streams")
    transport = sections[0]
    if _either(transport, session, "setup") not in {"actpass", "active"}:
        raise BadOffer("the client must be able to start the DTLS handshake")
    ufrag = _either(transport, session, "ice-ufrag")
    if not _ICE.fullmatch(ufrag):
        raise BadOffer("no ICE username fragment")
    fingerprints = transport.all("fingerprint") or session.all("fingerprint")
    return Offer(
        session=session.head.split()[1] if len(session.head.split()) > 1 else "",
        ufrag=ufrag,
        fingerprints=_fingerprints(fingerprints),
        sections=media,
        reduced_size=all(each.has("rtcp-rsize") for each in sections),
    )


def _split(sdp: str) -> tuple[_Lines, list[_Lines]]:
    session = _Lines("")
    sections: list[_Lines] = []
    lines = sdp.replace("\r\n", "\n").split("\n")
    if len(lines) > _MOST_LINES:
        raise BadOffer(f"more than {_MOST_LINES} lines")
    for line in lines:
        if line.startswith("m="):
            sections.append(_Lines(line[2:]))
        elif line.startswith("o=") and not sections:
            session.head = line[2:]
        elif line.startswith("a="):
            (sections[-1] if sections else session).add(line[2:])
    return session, sections


def _either(section: _Lines, session: _Lines, name: str) -> str:
    return section.first(name) or session.first(name)


def _fingerprints(values: list[str]) -> tuple[tuple[str, str], ...]:
    found = []
    for value in values[:4]:
        match = _FINGERPRINT.fullmatch(value.strip().replace("SHA-", "sha-"))
        if match:
            found.append((match[1], match[2].upper()))
    if not found:
        raise BadOffer("no certificate fingerprint of a known kind")
    return tuple(found)


def _section(lines: _Lines, index: int) -> Section:
    head = lines.head.split()
    mid = lines.first("mid")
    if len(head) < 4 or head[2] != "UDP/TLS/RTP/SAVPF" or not _TOKEN.fullmatch(mid):
        raise BadOffer("a section without RTP over DTLS or without a mid")
    kind = head[0]
    if kind != _SHAPE[index % 2]:
        raise BadOffer("audio and video sections must alternate")
    allowed = {"sendonly", "inactive"} if index < 2 else {"recvonly", "inactive"}
    direction = next((each for each in allowed if lines.has(each)), "")
    if not direction or not lines.has("rtcp-mux"):
        raise BadOffer("a section with the wrong direction or without rtcp-mux")
    payload_type, rtx = _payload_types(lines, codecs.BY_KIND[kind])
    extensions = _extensions(lines)
    layers = _layers(lines) if index == 1 and codecs.LAYER in extensions else ()
    ssrc, rtx_ssrc = _ssrcs(lines) if index < 2 and not layers else (None, None)
    red = _red_payload_type(lines, payload_type) if kind == "audio" else None
    return Section(
        kind, mid, direction, payload_type, rtx,
        _feedback(lines, payload_type), extensions, ssrc, rtx_ssrc, red, layers,
    )  # fmt: skip


def _payload_types(lines: _Lines, codec: codecs.Codec) -> tuple[int, int | None]:
    chosen = None
    retransmissions = set()
    for value in lines.all("rtpmap"):
        number, _, name = value.partition(" ")
        if name.lower() == codec.rtpmap.lower() and chosen is None:
            chosen = _number(number, 127)
        elif name.lower() == "rtx/90000":
            retransmissions.add(number)
    if chosen is None:
        raise BadOffer(f"no {codec.rtpmap}")
    for value in lines.all("fmtp"):
        number, _, parameters = value.partition(" ")
        if number in retransmissions and f"apt={chosen}" in parameters.split(";"):
            return chosen, _number(number, 127)
    return chosen, None


def _red_payload_type(lines: _Lines, opus: int) -> int | None:
    """Give the number of RED whose blocks are all of this Opus."""
    redundant = {value.partition(" ")[0] for value in lines.all("rtpmap") if _is_red(value)}
    for value in lines.all("fmtp"):
        number, _, blocks = value.partition(" ")
        if number in redundant and set(blocks.split("/")) == {str(opus)}:
            return _number(number, 127)
    return None


def _is_red(rtpmap: str) -> bool:
    return rtpmap.partition(" ")[2].lower() == codecs.RED


def _layers(lines: _Lines) -> tuple[str, ...]:
    """Give the ids of `a=simulcast:send` (RFC 8853 section 5.1) that `a=rid` knows of.

    Of alternatives the first is taken; a tilde says that the layer is not sent for now.
    """
    sent = {rid.split()[0] for rid in lines.all("rid") if rid.split()[1:2] == ["send"]}
    words = lines.first("simulcast").split()
    listed = words[words.index("send") + 1 :][:1] if "send" in words else []
    ids = [each.split(",")[0].removeprefix("~") for each in "".join(listed).split(";")]
    known = [each for each in dict.fromkeys(ids) if each in sent and _RID.fullmatch(each)]
    return tuple(known[: codecs.MOST_LAYERS])


def _feedback(lines: _Lines, payload_type: int) -> frozenset[str]:
    prefixes = (f"{payload_type} ", "* ")
    return frozenset(
        value.partition(" ")[2] for value in lines.all("rtcp-fb") if value.startswith(prefixes)
    )


def _extensions(lines: _Lines) -> dict[str, int]:
    found: dict[str, int] = {}
    for value in lines.all("extmap"):
        number, _, uri = value.partition(" ")
        identifier = number.partition("/")[0]
        # Ids above 14 need the two-byte form (RFC 8285), which is never agreed to.
        if identifier.isascii() and identifier.isdigit() and 1 <= int(identifier[:4]) <= 14:
            found.setdefault(uri.split(" ")[0], int(identifier))
    return found


def _ssrcs(lines: _Lines) -> tuple[int | None, int | None]:
    for value in lines.all("ssrc-group"):
        parts = value.split()
        if len(parts) == 3 and parts[0] == "FID":
            return _number(parts[1], 0xFFFFFFFF), _number(parts[2], 0xFFFFFFFF)
    first = lines.first("ssrc").partition(" ")[0]
    return (_number(first, 0xFFFFFFFF), None) if first else (None, None)


def _number(text: str, most: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 10) or int(text) > most:
        raise BadOffer("a number that is none")
    return int(text)
