"""Builds the forwarding plane, plain C, with whatever compiler is there (see pyproject.toml)."""

import subprocess
import sys
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

sys.path.append("tools")  # there already when pip builds, not when this is called by itself
from build_backend import compiler

PLANE = Path("signaling/relay/plane")
SOURCES = sorted(str(each) for each in PLANE.glob("*.c"))
HEADERS = sorted(str(each) for each in PLANE.glob("*.h"))
FLAGS = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-shared", "-fPIC"]


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
