"""Builds the forwarding plane, plain C, with whatever compiler is there (see pyproject.toml)."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

PLANE = Path("signaling/relay/plane")
SOURCES = sorted(str(each) for each in PLANE.glob("*.c"))
HEADERS = sorted(str(each) for each in PLANE.glob("*.h"))
FLAGS = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-shared", "-fPIC"]


def compiler() -> list[str]:
    """Give the command of a C compiler: `CC`, the system's, or the one that pip has brought."""
    if chosen := os.environ.get("CC"):
        return shlex.split(chosen)
    found = next((each for each in ("cc", "gcc", "clang") if shutil.which(each)), None)
    return [found] if found else [sys.executable, "-m", "ziglang", "cc"]


class BuildPlane(build_ext):
    """One shared library, which needs neither Python's headers nor its compiler flags."""

    def build_extension(self, ext: Extension) -> None:
        """Compile everything in one go."""
        target = Path(self.get_ext_fullpath(ext.name))
        target.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([*compiler(), *FLAGS, "-o", str(target), *ext.sources], check=True)  # noqa: S603


setup(
    ext_modules=[Extension("signaling.relay.plane._plane", SOURCES, depends=HEADERS)],
    cmdclass={"build_ext": BuildPlane},
)
