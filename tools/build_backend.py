"""setuptools, with a C compiler asked for where the system has none (PEP 517, 660).

The forwarding plane of the relay is C. Where no compiler is installed, pip brings one (ziglang)
for the time of the build alone.
"""

import os
import shutil

from setuptools import build_meta
from setuptools.build_meta import *  # noqa: F403  (the hooks that are not changed)

_COMPILERS = ("cc", "gcc", "clang")


def _compiler() -> list[str]:
    known = os.environ.get("CC") or any(shutil.which(each) for each in _COMPILERS)
    return [] if known else ["ziglang"]


def get_requires_for_build_wheel(config_settings=None):  # noqa: ANN001, ANN201
    """Give what building a wheel needs beyond setuptools."""
    return [*build_meta.get_requires_for_build_wheel(config_settings), *_compiler()]


def get_requires_for_build_editable(config_settings=None):  # noqa: ANN001, ANN201
    """Give what an installation in place needs beyond setuptools."""
    return [*build_meta.get_requires_for_build_editable(config_settings), *_compiler()]
