"""What is wrong with a message, drawn from a seed."""

import re


def damaged(chance, captured):
    """Give a captured message with something wrong: bits, length, a splice, or all of it old."""
    message = bytearray(chance.choice(captured))
    way = chance.randrange(6)
    if way == 0:
        for _ in range(chance.randint(1, 4)):
            message[chance.randrange(len(message))] ^= 1 << chance.randrange(8)
    elif way == 1:
        del message[chance.randrange(len(message)) :]
    elif way == 2:
        message += chance.randbytes(chance.randint(1, 300))
    elif way == 3:
        start = chance.randrange(len(message))
        message[start : start + 8] = chance.randbytes(chance.randint(0, 16))
    elif way == 4:
        other = chance.choice(captured)
        message = message[: chance.randrange(len(message))] + other[chance.randrange(len(other)) :]
    return bytes(message)


_NUMBERS = ("-1", "0", "65536", "4294967296", "9" * 400, "1e9", "٤٢", "")
_LONGEST_OFFER = 60_000  # characters: what a frame of signaling holds, with what JSON adds


def damaged_offer(chance, offers):
    """Give an offer with one to three things wrong in its lines, its numbers or its bytes."""
    lines = chance.choice(offers).split("\r\n")
    for _ in range(chance.randint(1, 3)):
        chance.choice(_WAYS)(chance, lines, offers)
    return "\r\n".join(lines)[:_LONGEST_OFFER]


def _drop(chance, lines, _offers):
    for _ in range(min(chance.randint(1, 8), len(lines) - 1)):
        del lines[chance.randrange(len(lines))]


def _double(chance, lines, _offers):
    for _ in range(chance.randint(1, 8)):
        lines.insert(chance.randrange(len(lines)), chance.choice(lines))


def _swap(chance, lines, _offers):
    for _ in range(chance.randint(1, 8)):
        one, other = chance.randrange(len(lines)), chance.randrange(len(lines))
        lines[one], lines[other] = lines[other], lines[one]


def _renumber(chance, lines, _offers):
    """Put a number where another one stands: too large, none, or one of another line."""
    digits = [(at, found) for at, line in enumerate(lines) for found in re.finditer(r"\d+", line)]
    for at, found in chance.sample(digits, min(chance.randint(1, 4), len(digits))):
        other = chance.choice(digits)[1][0]
        number = chance.choice((other, *_NUMBERS))
        lines[at] = lines[at][: found.start()] + number + lines[at][found.end() :]


def _repeat_one(chance, lines, _offers):
    """Repeat one line until nothing more fits: sections, codecs, SSRCs by the thousand."""
    beginning = chance.choice(("m=", "a=mid", "a=ssrc", "a=rtpmap", "a=fingerprint", "a=", "o="))
    at = [index for index, line in enumerate(lines) if line.startswith(beginning)]
    if at:
        line = lines[chance.choice(at)]
        lines[at[0] : at[0]] = [line] * chance.choice((10, _LONGEST_OFFER // (len(line) + 2)))


def _take_anothers(chance, lines, _offers):
    """Give a line the value of another one of its kind: MIDs, SSRCs, directions, payload types."""
    kind = re.match(r"[a-z]=(?:[\w-]+:?)?", chance.choice(lines) or "a=mid:0")
    alike = [at for at, line in enumerate(lines) if kind and line.startswith(kind[0])]
    if len(alike) > 1:
        one, other = chance.sample(alike, 2)
        lines[one] = lines[other]


def _rearrange(chance, lines, _offers):
    """Drop, add, exchange or rename whole sections, and bundle what comes of it."""
    starts = [at for at, line in enumerate(lines) if line.startswith("m=")] or [len(lines)]
    ends = [*starts[1:], len(lines)]
    sections = [lines[start:end] for start, end in zip(starts, ends, strict=True)]
    way = chance.randrange(4)
    if way == 0:
        del sections[-chance.randint(1, len(sections)) :]
    elif way == 1:
        sections += [list(each) for each in sections[-chance.randint(1, 4) :]]
    elif way == 2:
        chance.shuffle(sections)
    for number, section in enumerate(sections if way else ()):
        name = f"m{number}" if way == 3 and chance.randrange(4) == 0 else f"{number}"
        mid = f"a=mid:{name}"
        section[:] = [mid if line.startswith("a=mid:") else line for line in section]
    lines[starts[0] :] = [line for section in sections for line in section]
    mids = [line.partition(":")[2] for line in lines if line.startswith("a=mid:")]
    for at, line in enumerate(lines):
        if line.startswith("a=group:"):
            lines[at] = " ".join(("a=group:BUNDLE", *mids))


def _forge(chance, lines, _offers):
    """Name another certificate, another kind of digest, or one of the wrong length."""
    for at, line in enumerate(lines):
        if line.startswith("a=fingerprint:"):
            digest = ":".join([f"{chance.randrange(256):02X}"] * chance.choice((31, 32, 48, 65)))
            lines[at] = f"a=fingerprint:{chance.choice(('sha-256', 'sha-384', 'md5'))} {digest}"


def _lengthen(chance, lines, _offers):
    at = chance.randrange(len(lines))
    lines[at] += chance.choice(("x", "\0", " ", ";", ":", "é", "\ud800", "\u2028")) * chance.choice(
        (1, 300, 50_000)
    )


def _splice(chance, lines, offers):
    other = chance.choice(offers).split("\r\n")
    lines[chance.randrange(len(lines)) :] = other[chance.randrange(len(other)) :]


def _garble(chance, lines, _offers):
    text = damaged(chance, ["\r\n".join(lines).encode("utf-8", "surrogatepass")])
    lines[:] = text.decode("utf-8", "replace").split("\r\n")


_WAYS = (
    _drop, _double, _swap, _renumber, _repeat_one, _take_anothers, _rearrange, _forge, _lengthen,
    _splice, _garble,
)  # fmt: skip
