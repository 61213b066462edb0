"""The numbers that docs/media.md tells are those of the code."""

import math
import re
from pathlib import Path

import pytest

from signaling.fleet import fleet, link, station, wire
from signaling.relay import (
    dtls,
    encoding,
    endpoint,
    gaps,
    ingress,
    layers,
    leg,
    path,
    repeats,
    rounds,
    send_queue,
    sink,
    slab,
    tcp_connection,
    tcp_line,
)  # fmt: skip
from signaling.relay.plane.library import lib

ROOT = Path(__file__).parents[2]
WORDS = {
    2: "two", 3: "three", 4: "four", 5: "five", 6: "six", 10: "ten", 16: "sixteen", 20: "twenty",
    30: "thirty",
}  # fmt: skip
KIB, MIB = 1024, 1024 * 1024
SERVER, RELAY = link.Patience(), station.Patience()


def compiled(name):
    """Give a number that the compiled part has for itself."""
    sources = (ROOT / "signaling/relay/plane").glob("*.c")
    found = [re.search(rf"#define {name} (\d+)", each.read_text()) for each in sources]
    [number] = [int(each[1]) for each in found if each]
    return number


def word(number):
    return WORDS[int(number)]


def milliseconds(seconds):
    return f"{round(seconds * 1000)} ms"


ARRIVED = tcp_connection._READ_AT_ONCE + tcp_connection._LONGEST_FRAME
ROUND_MS = milliseconds(rounds.TURNS * rounds.PAUSE)
EVENTS, AT_ONCE = compiled("EVENTS"), compiled("EVENTS_AT_ONCE")
SAID = [
    f"for each ufrag {AT_ONCE} of them at once are looked at, {EVENTS:,} a second",
    f"keep no more than {tcp_connection._UNSENT // KIB} KiB unsent",
    f"When pictures exceed {send_queue._MOST_PICTURES // KIB} KiB or wait longer than a second",
    (
        f"{tcp_line._MOST_STRANGERS} of them at a time, {tcp_line._MOST_STRANGERS_PER_NETWORK} from one"
        f" address (one /64 of IPv6), each for {word(tcp_line._PROOF_WITHIN)} seconds and "
        f"{word(tcp_connection._MOST_BEFORE_PROOF // KIB)} kilobytes"
    ),
    f"An admitted one ends {tcp_line._CONSENT:.0f} s after its last binding request",
    f"{lib.PLANE_INCOMING} slots for what arrives, {lib.PLANE_MADE} for what the relay makes",
    f"one copy, {lib.PLANE_HISTORY} packets back",
    "the port is looked at every millisecond",
    f"once in a round of {ROUND_MS}, a tenth of them every {milliseconds(rounds.PAUSE)}",
    f"After {path.CONSENT:.0f} s without a binding request nothing more is sent",
    f"transport-wide feedback every {ROUND_MS}; receiver reports every second",
    f"answered from the last {lib.PLANE_HISTORY} packets of the stream",
    f"then once per round trip, {word(gaps._TRIES)} times and one second in all",
    f"at most one per {milliseconds(encoding._KEY_FRAME_PAUSE)} and stream",
    f"if it is less than {milliseconds(encoding._KEY_FRAME_USABLE)} old",
    f"opened there since its last report counted as {word(fleet._PEOPLE)}",
    f"takes more than {fleet.FULL:.0%} of a core".replace("%", " %"),
    f"a JSON object of at most {wire.LONGEST // KIB} KiB",
    f"`version: {wire.VERSION}`",
    f"or {word(SERVER.silence)} seconds pass without a report",
    f"first after {SERVER.first_pause} s, then up to every second",
    f"an answer takes longer than {word(SERVER.answer)} seconds",
    f"a room lost {word(fleet._MOST_LOSSES)} relays within a minute",
    f"it rests for {word(fleet._REST)} seconds",
    f"or silent for {word(RELAY.silence)} seconds",
    f"its rooms live on for {word(RELAY.orphans)} seconds",
    f"at {wire.MOST_UNREAD // MIB} MiB unread the other side hangs up",
    (
        f"{word(RELAY.greeting)} seconds and frames of {wire.LONGEST_GREETING // KIB} KiB to prove the "
        f"secret; {station._MOST_STRANGERS} at a time"
    ),
    f"more than {station._MOST_SERVERS} servers, or {station._MOST_ROOMS:,} rooms of one server",
    f"with a pause of {sink._BREATH} s where a queue is in the way",
    f"after {layers._CALM:.0f} s without trouble ({layers._LONGEST_CALM:.0f} s at most",
    f"without the picture for {sink._SHORTEST_REST:.0f} s, then {sink._LONGEST_REST:.0f} s",
    f"with less than {layers.TOO_LITTLE // 1000} kbit/s for a picture, goes without it",
    f"keeps when its last {lib.PLANE_LEFT:,} packets left",
    (
        f"it keeps {lib.PLANE_HISTORY} packets, in at most {encoding._HISTORY_BYTES['video'] // KIB} KiB "
        f"for a picture and {encoding._HISTORY_BYTES['audio'] // KIB} KiB for a voice, and at most "
        f"{gaps._MOST} missing numbers"
    ),
    f"of each participant {lib.PLANE_HEARD} SSRCs beyond the declared ones",
    (
        f"{ingress._REMEMBERED_TRANSACTIONS:,} transaction ids "
        f"({ingress._REMEMBERED_TRANSACTIONS * ingress._RECORD // KIB} KiB)"
    ),
    (
        f"{word(ingress._ADDRESSES_PER_LEG)} addresses, {dtls._WAITING_DATAGRAMS} waiting handshake "
        f"datagrams, and {repeats._AT_ONCE:.0f} repeats per {ROUND_MS}"
    ),
    (
        f"of each connection {math.ceil(ARRIVED / KIB)} KiB that arrived, "
        f"{send_queue._MOST_URGENT // KIB} KiB of sound and {send_queue._MOST_PICTURES // KIB} KiB of "
        "pictures that wait to leave"
    ),
    (
        f"may send {compiled('BYTES') * 8 // 1_000_000} Mbit/s in all, a second of it at once, "
        f"{compiled('VOICE') * 8 // 1000} kbit/s of a voice, two seconds of it at once, and {AT_ONCE} "
        f"reports and packets of unknown SSRCs per {AT_ONCE * 1000 // EVENTS} ms"
    ),
    f"those of {word(ingress._SUSPECTS)} participants at most",
    f"handshake {AT_ONCE} datagrams at once are taken, {EVENTS:,} a second",
]
UNITS = {
    "longest wait of pictures": (send_queue._LONGEST_WAIT, 1.0),
    "pause between looks at the port": (endpoint._PAUSE, 0.001),
    "reports": (leg._TICKS_PER_REPORT * rounds.TURNS * rounds.PAUSE, 1.0),
    "estimates": (leg._TICKS_PER_ESTIMATE * rounds.TURNS * rounds.PAUSE, 0.5),
    "patience with what is missing": (gaps._PATIENCE, 1.0),
    "longest pause before connecting": (SERVER.longest_pause, 1.0),
    "a room's losses": (fleet._WITHIN, 60.0),
    "reports of the load": (station.BEAT, 1.0),
    "share that leaves nobody behind": (layers._LEFT_BEHIND, 0.5),
    "turns": (rounds.TURNS, 10),
    "slots": ((slab.INCOMING, slab.MADE), (lib.PLANE_INCOMING, lib.PLANE_MADE)),
}  # fmt: skip
"""What the document tells in words, such as "every second"."""


@pytest.fixture(scope="module")
def told():
    return " ".join((ROOT / "docs/media.md").read_text().split())


@pytest.mark.parametrize("said", SAID)
def test_the_document_tells_what_the_code_has(told, said):
    assert said in told


@pytest.mark.parametrize("what", UNITS)
def test_what_the_document_tells_in_words_is_what_the_code_has(what):
    ours, told = UNITS[what]

    assert ours == pytest.approx(told)
