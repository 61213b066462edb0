"""Real-time text: lines as they are typed, and what a line may hold. None of it is kept here."""

from dataclasses import dataclass
from unicodedata import category

LONGEST_LINE = 500  # characters (Unicode code points)
MOST_LINES = 20  # in one message
_HIGHEST_NUMBER = 2**53 - 1  # of what every JSON reader takes exactly (RFC 8259 section 6)

# Control characters, halves of surrogate pairs (no UTF-8 can be made of them), and separators
# that would let one line look like several. Format characters (Cf) stay: scripts need them.
_REFUSED = frozenset({"Cc", "Cs", "Zl", "Zp"})


@dataclass(frozen=True, slots=True)
class Line:
    """A line as it stands now, in place of what was told of the same number before."""

    number: int
    text: str
    done: bool

    @property
    def acceptable(self) -> bool:
        """Whether the line is short enough and has nothing in it that is not text."""
        return (
            0 <= self.number <= _HIGHEST_NUMBER
            and len(self.text) <= LONGEST_LINE
            and _REFUSED.isdisjoint(map(category, self.text))
        )


@dataclass(frozen=True, slots=True)
class Text:
    """`text` from a client: lines for everybody in the room, or for the one they are repeated to."""

    lines: tuple[Line, ...]
    to: str | None


@dataclass(frozen=True, slots=True)
class Written:
    """`text` from the server: lines, and who wrote them."""

    participant: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Returned:
    """`returned`: somebody's socket was lost meanwhile, and with it perhaps what was told them."""

    participant: str
