"""setuptools, with a C compiler asked for where the system has none (PEP 517, 660).

The forwarding plane of the relay is C. Where no compiler is installed, pip brings one (ziglang)
for the time of the build alone.
"""

import os
import shlex
import shutil
import sys

from setuptools import build_meta
from setuptools.build_meta import *  # noqa: F403  (the hooks that are not changed)

_COMPILERS = ("cc", "gcc", "clang")
_BROUGHT = "ziglang"


def compiler() -> list[str]:
    """Give the command of a C compiler: `CC`, the system's, or the one that pip brings."""
    if chosen := os.environ.get("CC"):
        return shlex.split(chosen)
    found = next((each for each in _COMPILERS if shutil.which(each)), None)
    return [found] if found else [sys.executable, "-m", _BROUGHT, "cc"]


def _needed() -> list[str]:
    return [_BROUGHT] if _BROUGHT in compiler() else []


def get_requires_for_build_wheel(config_settings=None):  # noqa: ANN001, ANN201
    """Give what building a wheel needs beyond setuptools."""
    return [*build_meta.get_requires_for_build_wheel(config_settings), *_needed()]


def get_requires_for_build_editable(config_settings=None):  # noqa: ANN001, ANN201
    """Give what an installation in place needs beyond setuptools."""
    return [*build_meta.get_requires_for_build_editable(config_settings), *_needed()]
