"""The command line: exit codes, one clear line, a quick end."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import delete

from scheduling import booking, schema
from scheduling.model import Needs, Way
from server import database
from tests.copies import Copies
from tests.scheduling.office import PERSON, at, make_office

COMMAND = [sys.executable, "-m", "server"]
Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Return the environment of a demo office on free ports with its own data folder."""
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith("SPRECHZEIT_")
    }
    return inherited | {
        "SPRECHZEIT_DEMO": "on",
        "SPRECHZEIT_DATA": str(tmp_path / "data"),
        "SPRECHZEIT_PORT": "0",
        "SPRECHZEIT_RELAY_PORT": "0",
        "SPRECHZEIT_RELAY_HOST_V6": "none",
        "SPRECHZEIT_LOG_FORMAT": "json",
    }


@pytest.fixture
def run(environment: dict[str, str]) -> Run:
    """Run a command to its end, with changes to the environment."""

    def to_its_end(*arguments: str, typed: str = "", **changes: str):
        return subprocess.run(
            [*COMMAND, *arguments],
            input=typed,
            env=environment | changes,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return to_its_end


@pytest.fixture
def migrated_folder(environment: dict[str, str], migrated_copies: Copies) -> Path:
    """Return the data folder with a store that `sprechzeit migrate` need not make."""
    folder = Path(environment["SPRECHZEIT_DATA"])
    folder.mkdir(mode=0o700)
    asyncio.run(migrated_copies.fill(f"sqlite+prompt:///{folder}/sprechzeit.sqlite3"))
    return folder


def _refused(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one line with which a command refused to start."""
    lines = [line for line in done.stderr.splitlines() if not line.startswith("{")]
    assert done.returncode == 2, done.stderr
    assert len(lines) == 1, done.stderr
    return lines[0]


def test_a_wrong_setting_is_one_line_and_exit_code_2(run: Run) -> None:
    line = _refused(run("serve", SPRECHZEIT_PORT="eighty"))

    assert line.startswith("sprechzeit: SPRECHZEIT_PORT: ")


def test_a_relay_without_a_place_for_orders_says_so(run: Run) -> None:
    assert "RELAY_CONTROL" in _refused(run("relay"))


def test_control_over_tcp_without_a_secret_is_refused(run: Run) -> None:
    line = _refused(run("relay", SPRECHZEIT_RELAY_CONTROL="tcp://127.0.0.1:0"))

    assert "RELAY_SECRET" in line


def test_a_control_address_that_cannot_be_had_is_one_line(run: Run, tmp_path: Path) -> None:
    address = f"unix:{tmp_path}/no such folder/control.sock"

    line = _refused(run("relay", SPRECHZEIT_RELAY_CONTROL=address))

    assert line.startswith("sprechzeit: SPRECHZEIT_RELAY_CONTROL: ")


def test_relays_that_are_no_addresses_are_refused(run: Run) -> None:
    assert "SPRECHZEIT_RELAYS" in _refused(run("serve", SPRECHZEIT_RELAYS="10.0.0.5"))


def test_a_database_without_tables_says_what_to_do(run: Run) -> None:
    assert "run `sprechzeit migrate`" in _refused(run("serve"))


def test_a_data_folder_that_cannot_be_written_is_told(run: Run) -> None:
    assert "SPRECHZEIT_DATA" in _refused(run("serve", SPRECHZEIT_DATA="/proc/sprechzeit"))


def test_a_taken_page_port_is_told(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]

        line = _refused(run("serve", SPRECHZEIT_PORT=str(port), SPRECHZEIT_HOST="127.0.0.1"))

    assert f"SPRECHZEIT_PORT: TCP port {port}" in line


@pytest.mark.usefixtures("migrated_folder")
def test_a_taken_relay_port_is_told(run: Run) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("0.0.0.0", 0))
        port = other.getsockname()[1]

        line = _refused(run("serve", SPRECHZEIT_RELAY_PORT=str(port)))

    assert f"SPRECHZEIT_RELAY_PORT: UDP port {port}" in line


def test_a_demo_office_is_filled_in_a_demo_only(run: Run) -> None:
    done = run("seed-demo", SPRECHZEIT_DEMO="off", SPRECHZEIT_ORGANIZER_EMAIL="termine@example.org")

    assert "SPRECHZEIT_DEMO" in _refused(done)


@pytest.mark.usefixtures("migrated_folder")
def test_a_sound_plan_is_told_with_exit_code_0(run: Run) -> None:
    done = run("check")

    assert (done.returncode, done.stdout) == (0, "The plan is sound.\n")


async def test_a_broken_plan_is_listed_with_exit_code_1(run: Run, migrated_folder: Path) -> None:
    store = await database.opened(f"sqlite+prompt:///{migrated_folder}/sprechzeit.sqlite3")
    office = await make_office(store)
    async with store.writing() as tx:
        await booking.book(
            tx,
            topic=office.topic,
            way=Way.VIDEO,
            start=at(10),
            site_id=office.site_id,
            person=PERSON,
            needs=Needs(),
            locale="de",
            now=at(8),
            actor="test",
        )
        await tx.execute(delete(schema.claim))
    await store.close()

    done = run("check")

    assert done.returncode == 1
    assert done.stdout.strip()


@pytest.mark.usefixtures("migrated_folder")
def test_an_account_is_added_with_a_password_from_standard_input(run: Run) -> None:
    account = ("user", "add", "mara@example.org", "--name", "Mara Muster", "--role", "admin")

    short = run(*account, typed="short\n")
    added = run(*account, typed="correct horse battery\n")

    assert "12 characters" in _refused(short)
    assert added.returncode == 0, added.stderr


@pytest.mark.usefixtures("migrated_folder")
def test_an_account_of_an_unknown_caseworker_is_refused(run: Run) -> None:
    done = run(
        *("user", "add", "mara@example.org", "--name", "Mara", "--role", "caseworker"),
        *("--caseworker", "Nobody"),
        typed="correct horse battery\n",
    )

    assert "'Nobody'" in _refused(done)


@contextmanager
def _serving(environment: dict[str, str]) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Serve until the block is left; give what was printed up to the last line of the start."""
    process = subprocess.Popen(
        [*COMMAND, "serve"],
        env=environment | {"PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    watchdog = threading.Timer(300, process.kill)
    watchdog.start()
    try:
        assert process.stdout is not None
        shown = ""
        while "Ctrl+C" not in shown:
            line = process.stdout.readline()
            assert line, f"the server stopped after: {shown}"
            shown += line
        yield process, shown
    finally:
        watchdog.cancel()
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.mark.timed
def test_a_demo_shows_where_to_begin_and_ends_quickly_on_sigterm(
    run: Run, environment: dict[str, str]
) -> None:
    run("migrate")

    with _serving(environment) as (process, shown):
        address = re.search(r"http://localhost:(\d+)/demo/mail", shown)
        assert address is not None
        with socket.create_connection(("localhost", int(address[1])), timeout=5) as idle:
            idle.sendall(b"GET /staff/sign-in HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert idle.recv(12) == b"HTTP/1.1 200"
            began = time.monotonic()
            process.send_signal(signal.SIGTERM)
            code = process.wait(10)
            took = time.monotonic() - began

    assert "admin" in shown
    assert "sprechzeit-demo" in shown
    assert code == 0
    assert took <= 5
