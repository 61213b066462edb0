"""What keeps the program from starting, told in one line."""

from __future__ import annotations


class CannotStart(Exception):
    """The program cannot start; the message is one line for the operator."""
