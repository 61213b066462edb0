"""Networks that people call from, as numbers; each says where its numbers come from.

Rates and delays without another source are those of the connectivity profiles of WebPageTest
(`www/settings/connectivity.ini.sample`), half of their round trip in each direction. Loss, delay
and queue lengths lie within what RFC 8868 section 4 asks a congestion control to be tried with:
losses of 0 to 20 %, one-way delays of 0 to 300 ms, drop-tail queues of 70 ms (short), 300 to
500 ms (usual) and 1 to 2 s (bloated). Bursts follow the Gilbert-Elliott model (Hasslinger and
Hohlfeld, "The Gilbert-Elliott Model for Packet Loss in Real Time Services on the Internet", MMB
2008); their mean length is 1 / `burst_ends` packets.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.impairment.link import CLEAR, Conditions


@dataclass(frozen=True, slots=True)
class Profile:
    """A participant's network: `up` towards the relay, `down` from it.

    With `udp` False no datagram passes, TCP does. Where `outage` is set, nothing passes for that
    many seconds, again and again every `outage_every` seconds.
    """

    name: str
    up: Conditions = CLEAR
    down: Conditions = CLEAR
    udp: bool = True
    outage: float = 0.0
    outage_every: float = 0.0


VILLAGE_DSL = Profile(
    "village_dsl",
    up=Conditions(rate_kbit=384, delay_ms=25, jitter_ms=2, queue_ms=500, loss=0.002),
    down=Conditions(rate_kbit=1500, delay_ms=25, jitter_ms=2, queue_ms=300, loss=0.002),
)
"""A long copper line: WebPageTest "DSL" (1.5 Mbit/s, 384 kbit/s, 50 ms).

The queue of the modem is the longer one; a little loss stays after the line's own repair.
"""

LTE_EDGE = Profile(
    "lte_edge",
    up=Conditions(
        rate_kbit=768, delay_ms=75, jitter_ms=15, queue_ms=1000, burst_begins=0.01, burst_ends=0.4
    ),
    down=Conditions(
        rate_kbit=1600, delay_ms=75, jitter_ms=15, queue_ms=1000, burst_begins=0.01, burst_ends=0.4
    ),
)
"""A phone at the edge of its cell: WebPageTest "3G Fast" (1.6 Mbit/s, 768 kbit/s, 150 ms).

The radio layer repeats what is lost, which makes jitter and, in front of it, bloated queues; what
is lost all the same comes in bursts of two and a half packets, 2.4 % in all.
"""

CROWDED_WIFI = Profile(
    "crowded_wifi",
    up=Conditions(
        rate_kbit=5000, delay_ms=14, jitter_ms=10, queue_ms=300, burst_begins=0.02,
        burst_ends=0.25, burst_loss=0.8, reorder=0.005, reorder_ms=15, duplicate=0.002,
    ),
    down=Conditions(
        rate_kbit=5000, delay_ms=14, jitter_ms=10, queue_ms=300, burst_begins=0.02,
        burst_ends=0.25, burst_loss=0.8, reorder=0.005, reorder_ms=15, duplicate=0.002,
    ),
)  # fmt: skip
"""A full waiting area on one access point: WebPageTest "Cable" (28 ms) behind it, both ways.

Collisions lose runs of four packets, 6 % in all; repeats of the radio layer whose acknowledgement
was lost arrive twice, and some overtake others (RFC 8868 asks for both).
"""

TRAIN = Profile(
    "train",
    up=Conditions(
        rate_kbit=1500, delay_ms=35, jitter_ms=20, queue_ms=500, burst_begins=0.01, burst_ends=0.2
    ),
    down=Conditions(
        rate_kbit=3000, delay_ms=35, jitter_ms=20, queue_ms=500, burst_begins=0.01, burst_ends=0.2
    ),
    outage=1.0,
    outage_every=10.0,
)
"""A moving train: the delay of WebPageTest "LTE" (70 ms), a share of its rate for each passenger.

Bursts of five packets, 4.8 % in all; a handover or a cutting takes everything for a second, every
ten seconds: more often than on most lines, so that a short run meets several.
"""

HALF_MEGABIT = Profile(
    "rate_500_kbit",
    up=Conditions(rate_kbit=500, delay_ms=25, queue_ms=300),
    down=Conditions(rate_kbit=500, delay_ms=25, queue_ms=300),
)
"""500 kbit/s both ways with the usual queue of RFC 8868: a home whose line others use too."""

UDP_BLOCKED = Profile(
    "udp_blocked",
    up=Conditions(rate_kbit=9000, delay_ms=25),
    down=Conditions(rate_kbit=9000, delay_ms=25),
    udp=False,
)
"""An office or hotel whose firewall lets TCP pass alone."""

RANDOM_LOSS = Profile(
    "loss_20_percent",
    up=Conditions(loss=0.2, delay_ms=25),
    down=Conditions(loss=0.2, delay_ms=25),
)
"""The highest loss of RFC 8868, independent from packet to packet, both ways."""

PROFILES = {
    each.name: each
    for each in (VILLAGE_DSL, LTE_EDGE, CROWDED_WIFI, TRAIN, HALF_MEGABIT, UDP_BLOCKED)
}
