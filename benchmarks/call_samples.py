"""What a call was like for one participant, from statistics their page takes ten times a second.

Names and units are those of W3C webrtc-stats. A stretch of audio counts as lost when the player
had to invent it (`concealedSamples`): frames that redundancy brought back do not count.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from playwright.async_api import Page

SAMPLE = """
window.samples = [];
const of = (entries, name) => entries.reduce((sum, each) => sum + (each[name] ?? 0), 0);
const sampled = async () => {
  const connection = window.connections.at(-1);
  if (connection) {
    const found = [...(await connection.getStats()).values()];
    const pair = found.find((each) => each.type === "candidate-pair" && each.nominated);
    const shown = found.filter((each) => each.type === "inbound-rtp" && each.kind === "video"
      && each.framesDecoded);
    const heard = found.filter((each) => each.type === "inbound-rtp" && each.kind === "audio"
      && each.packetsReceived);
    const sending = found.filter((each) => each.type === "outbound-rtp" && each.kind === "video");
    const sent = sending.sort((one, other) => (other.frameWidth ?? 0) - (one.frameWidth ?? 0))[0];
    window.samples.push({
      at: (performance.timeOrigin + performance.now()) / 1000,
      audio_total: of(heard, "totalSamplesReceived"),
      audio_concealed: of(heard, "concealedSamples"),
      audio_packets: of(heard, "packetsReceived"),
      audio_delay: of(heard, "jitterBufferDelay") / Math.max(of(heard, "jitterBufferEmittedCount"), 1),
      frames: of(shown, "framesDecoded"),
      freezes: of(shown, "totalFreezesDuration"),
      pictures: shown.map((each) => [each.ssrc, each.bytesReceived]),
      width: shown[0]?.frameWidth ?? 0,
      height: shown[0]?.frameHeight ?? 0,
      sent: of(found.filter((each) => each.type === "outbound-rtp"), "bytesSent"),
      pictures_sent: of(sending, "bytesSent"),
      limited_by: sent?.qualityLimitationReason ?? "",
      sent_width: sent?.frameWidth ?? 0,
      sent_frames: sent?.framesEncoded ?? 0,
      allowed: pair?.availableOutgoingBitrate ?? 0,
      round_trip: pair?.currentRoundTripTime ?? 0,
    });
  }
  setTimeout(sampled, 100);
};
sampled();
"""

SAMPLE_RATE = 48_000  # Hz, of Opus
_STEADY = 1.0  # seconds that something must last
_TOLERATED = 0.05  # of a tenth of a second
_FLUENT = 0.85  # of the camera's frames: a browser on a busy machine drops some
_INVENTED = 0.7  # of a tenth of a second: with that a gap begins and goes on


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch without the other's sound: from `begin` to `end` (epoch), `seconds` invented."""

    begin: float
    end: float
    seconds: float


@dataclass(frozen=True)
class Samples:
    """The samples of one participant, in order."""

    taken: Sequence[dict[str, Any]]

    @classmethod
    async def of(cls, page: Page, begin: float) -> Samples:
        """Fetch what the page has taken from `begin` on, in seconds since the epoch."""
        return cls(await page.evaluate("(at) => samples.filter((each) => each.at >= at)", begin))

    def since(self, begin: float) -> Samples:
        """Return those taken from `begin` on, in seconds since the epoch."""
        return Samples([each for each in self.taken if each["at"] >= begin])

    def growth(self, name: str) -> float:
        """Return by how much a counter has grown."""
        return float(self.taken[-1][name] - self.taken[0][name]) if self.taken else 0.0

    @property
    def seconds(self) -> float:
        """How long these samples span."""
        return max(self.growth("at"), 0.001)

    @property
    def concealment(self) -> float:
        """The part of the sound that was invented, 0 to 1."""
        total = self.growth("audio_total")
        return self.growth("audio_concealed") / total if total else 1.0

    @property
    def frame_rate(self) -> float:
        """Pictures a second."""
        return self.growth("frames") / self.seconds

    @property
    def bitrate(self) -> float:
        """What was sent, in bit/s, without headers."""
        return self.growth("sent") * 8 / self.seconds

    @property
    def video_bitrate(self) -> float:
        """What was sent of pictures, repeats included, in bit/s, without headers."""
        return self.growth("pictures_sent") * 8 / self.seconds

    def sounds_well_since(self, began: float) -> float | None:
        """Give from when on, after `began`, no more sound was invented than speech tolerates.

        None when that has not lasted a second yet.
        """
        since = began
        for before, after in itertools.pairwise(self.taken):
            total = after["audio_total"] - before["audio_total"]
            concealed = after["audio_concealed"] - before["audio_concealed"]
            if not total or concealed > _TOLERATED * total:
                since = max(since, after["at"])
        return since if self.taken and self.taken[-1]["at"] - since >= _STEADY else None

    def shows_well_since(self, began: float, width: int, rate: float) -> float | None:
        """Give from when on, after `began`, the picture had its full width and nearly its rate.

        None when that has not lasted a second yet.
        """
        since = began
        for index, each in enumerate(self.taken):
            earlier = [one for one in self.taken[:index] if one["at"] <= each["at"] - _STEADY]
            if not earlier or each["width"] < width:
                since = max(since, each["at"])
                continue
            fluent = _FLUENT * rate * (each["at"] - earlier[-1]["at"])
            if each["frames"] - earlier[-1]["frames"] < fluent:
                since = max(since, each["at"])
        return since if self.taken and self.taken[-1]["at"] - since >= _STEADY else None

    def gaps(self) -> list[Gap]:
        """Return the stretches in which most of the sound was invented.

        What was invented just before and just after belongs to the gap.
        """
        found: list[Gap] = []
        begin, missing, margin = 0.0, 0.0, 0.0
        for before, after in itertools.pairwise(self.taken):
            total = after["audio_total"] - before["audio_total"]
            concealed = (after["audio_concealed"] - before["audio_concealed"]) / SAMPLE_RATE
            if concealed * SAMPLE_RATE >= _INVENTED * total:
                # A page that played nothing at all had no sound either.
                begin = begin or before["at"]
                missing += concealed if total else after["at"] - before["at"]
            elif begin:
                found.append(Gap(begin, before["at"], margin + missing + concealed))
                begin, missing = 0.0, 0.0
            if not begin:
                margin = concealed
        if begin:
            found.append(Gap(begin, self.taken[-1]["at"], margin + missing))
        return found

    @property
    def longest_gap(self) -> float:
        """The longest stretch without sound, in seconds."""
        return max((each.seconds for each in self.gaps()), default=0.0)

    def sending_rates(self, window: float = 0.5) -> Iterator[tuple[float, float]]:
        """Yield (moment, bit/s sent in the window before it)."""
        for index, each in enumerate(self.taken):
            earlier = [one for one in self.taken[:index] if one["at"] <= each["at"] - window]
            if earlier:
                elapsed = each["at"] - earlier[-1]["at"]
                yield each["at"], (each["sent"] - earlier[-1]["sent"]) * 8 / elapsed
