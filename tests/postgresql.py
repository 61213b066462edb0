"""A PostgreSQL server of the tests' own, on a free port, gone with them."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg

MEMORY = Path("/dev/shm")
ROOMY = 2 * 1024**3  # bytes


def quick_folder() -> str | None:
    """Return where files need not wait for a disk, if there is room; else where all go.

    Containers often have 64 MB of shared memory.
    """
    roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOMY
    return str(MEMORY) if roomy else None


async def command(server: str, *statements: str) -> None:
    """Say something to the server at `server` (a URL up to the database's name)."""
    connection = await asyncpg.connect(f"{server.replace('+asyncpg', '')}postgres")
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


@contextmanager
def running_server(*, durable: bool = False) -> Iterator[str]:
    """Start a server; yield its URL up to the database's name (``…@127.0.0.1:54321/``).

    A `durable` one waits for the disk at every commit, as an office's does; tests do without.
    """
    place = None if durable else quick_folder()
    folder = Path(tempfile.mkdtemp(prefix="sprechzeit-postgresql-", dir=place))
    port = _free_port()
    _owned_by_server(folder)
    _run("initdb", "-D", str(folder / "data"), "-U", "postgres", "-A", "trust", "-E", "UTF8", "-N")
    options = [
        f"-c port={port}", "-c listen_addresses=127.0.0.1", f"-c unix_socket_directories={folder}",
        "-c max_connections=120", "-c shared_buffers=64MB",
    ]  # fmt: skip
    if not durable:
        options += [
            "-c fsync=off", "-c synchronous_commit=off", "-c full_page_writes=off",
            "-c wal_level=minimal", "-c max_wal_senders=0",
        ]  # fmt: skip
    log = folder / "server.log"
    try:
        _run(
            "pg_ctl",
            "-D",
            str(folder / "data"),
            "-w",
            "-l",
            str(log),
            "-o",
            " ".join(options),
            "start",
        )
        yield f"postgresql+asyncpg://postgres@127.0.0.1:{port}/"
    finally:
        _run("pg_ctl", "-D", str(folder / "data"), "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _owned_by_server(folder: Path) -> None:
    # PostgreSQL refuses to run as root; Debian's package brings the user postgres.
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    folder.chmod(0o700)


def _run(program: str, *arguments: str) -> None:
    command = [str(_program(program)), *arguments]
    if os.geteuid() == 0:
        command = ["runuser", "-u", "postgres", "--", *command]
    done = subprocess.run(  # the server must not keep our pipes open
        command, cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, timeout=60, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{program} ended with {done.returncode}")


def _program(name: str) -> Path:
    candidates = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    if candidates:
        return candidates[0]
    found = shutil.which(name)
    if found is None:
        raise RuntimeError(f"{name} is missing: install postgresql (make test does)")
    return Path(found)
