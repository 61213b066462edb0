"""What keeps the program from starting, told in one line."""

from __future__ import annotations


class CannotStart(Exception):  # noqa: N818  (reads as what it says)
    """The program cannot start; the message is one line for the operator."""
