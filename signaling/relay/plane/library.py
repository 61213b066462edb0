"""Loads the compiled forwarding plane; `plane.h` is its one description, read by both sides."""

import re
import sysconfig
from pathlib import Path
from typing import Any

from cffi import FFI

_HERE = Path(__file__).parent
_DESCRIBED = ("struct plane", "struct leg", "struct stream", "struct sink", "struct event")


class NotBuilt(ImportError):
    """The compiled part is missing, or is of another version than its description."""


def _load() -> tuple[FFI, Any]:
    ffi = FFI()
    header = (_HERE / "plane.h").read_text()
    ffi.cdef(re.sub(r"/\*.*?\*/", "", header, flags=re.DOTALL))
    path = _HERE / f"_plane{sysconfig.get_config_var('EXT_SUFFIX')}"
    try:
        library = ffi.dlopen(str(path))
    except OSError as error:
        raise NotBuilt(f"{path.name} is not there: install the program (make setup)") from error
    sizes = ffi.new("int32_t[5]")
    library.plane_sizes(sizes)
    if list(sizes) != [ffi.sizeof(each) for each in _DESCRIBED]:
        raise NotBuilt(f"{path.name} is of another version: install the program (make setup)")
    return ffi, library


ffi, lib = _load()
