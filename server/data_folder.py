"""The data folder: that it can be written, and the secret kept in it."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from pathlib import Path

from server.config import Config
from server.failure import CannotStart

KEY_FILE = "secret"


def prepare(config: Config) -> None:
    """Create the data folder for this user alone; raise `CannotStart` if it cannot be written."""
    try:
        config.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Permission bits do not tell of read-only file systems or quotas: try it.
        with tempfile.TemporaryFile(dir=config.data) as probe:
            probe.write(b"\0")
    except OSError as error:
        raise CannotStart(
            f"SPRECHZEIT_DATA: the folder {config.data} cannot be written ({error.strerror})"
        ) from None


def secret(config: Config) -> bytes:
    """Return the configured secret, or the one in the data folder, made at the first call."""
    if config.secret is not None:
        return config.secret.get_secret_value().encode()
    path = config.data / KEY_FILE
    with contextlib.suppress(FileExistsError):
        _write_once(path, secrets.token_hex(32).encode())
    return path.read_bytes()


def _write_once(path: Path, content: bytes) -> None:
    # Linked into place whole, so that a second process never reads half a secret.
    handle, draft = tempfile.mkstemp(dir=path.parent)  # mode 0600
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    finally:
        Path(draft).unlink()
