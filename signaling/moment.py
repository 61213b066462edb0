"""Moments: what the clock on the wall tells, and how much time really lies between two of them."""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment of this process. Clocks on walls are set; what lasts is told by `steady` alone."""

    wall: datetime
    """Aware."""
    steady: float
    """Monotonic seconds."""

    def __sub__(self, earlier: "Moment") -> timedelta:
        """Give the time since an earlier moment, whatever became of the clock meanwhile."""
        return timedelta(seconds=self.steady - earlier.steady)
