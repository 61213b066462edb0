"""The command ``sprechzeit``."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Coroutine
from typing import Annotated, Any, TypeVar

import structlog
import typer
import uvloop
from rich.console import Console

from scheduling import invariants
from server import accounts, data_folder, database, demo_office, journal
from server.config import Config, read_config, read_relay_config, table, unknown_variables
from server.failure import CannotStart
from server.relaying import relay as carry_calls
from server.serving import serve as serve_pages
from server.sign_in import hash_password
from web.sign_in import StaffRole

T = TypeVar("T")

app = typer.Typer(
    help="One plan for advice by video, in person and by phone.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
users = typer.Typer(help="Accounts of staff.", no_args_is_help=True)
app.add_typer(users, name="user")

SHORTEST_PASSWORD = 12


def main() -> None:
    """Run the command line; what keeps it from starting is one line and exit code 2."""
    try:
        app()
    except CannotStart as reason:
        sys.stderr.write(f"sprechzeit: {reason}\n")
        sys.exit(2)


def _prepared() -> Config:
    config = read_config()
    _begin_journal(config)
    data_folder.prepare(config)
    return config


def _begin_journal(config: Config) -> None:
    journal.configure(config)
    for name in unknown_variables(os.environ):
        structlog.get_logger().warning("variable is not a setting", variable=name)


def _run(work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


@app.command()
def serve() -> None:
    """Serve the pages and carry the calls; a demo office is filled and shown."""
    _run(serve_pages(_prepared(), _announce))


async def _announce(config: Config) -> None:
    structlog.get_logger().info("serving", origin=config.origin)
    if config.demo:
        demo_office.show(config, await demo_office.fill(config), Console())


@app.command()
def relay() -> None:
    """Carry calls for servers that name this process in SPRECHZEIT_RELAYS."""
    config = read_relay_config()
    _begin_journal(config)
    _run(carry_calls(config))


@app.command()
def migrate() -> None:
    """Bring the database to the version of this program."""
    _run(database.migrate(_prepared().store_url))


@app.command("seed-demo")
def seed_demo() -> None:
    """Fill a demo office; a second call changes nothing."""
    config = _prepared()
    if not config.demo:
        raise CannotStart("SPRECHZEIT_DEMO must be on: the demo's passwords are public")
    _run(demo_office.fill(config))


@users.command("add")
def add_user(
    email: str,
    name: Annotated[str, typer.Option(help="Name as colleagues and claimants read it.")],
    role: Annotated[StaffRole, typer.Option(help="What the account may do.")],
    caseworker: Annotated[
        str | None, typer.Option(help="Name of this person in the plan, if they advise.")
    ] = None,
) -> None:
    """Add an account, or give an existing one a new password.

    The password is asked for; without a terminal it is the first line of standard input.
    """
    password = _password()
    if len(password) < SHORTEST_PASSWORD:
        raise CannotStart(f"a password needs {SHORTEST_PASSWORD} characters or more")
    _run(_add_user(_prepared(), email, name, role, password, caseworker))


def _password() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\n")


async def _add_user(
    config: Config, email: str, name: str, role: StaffRole, password: str, caseworker: str | None
) -> None:
    store = await database.opened(config.store_url)
    try:
        await accounts.add(
            store,
            email=email,
            name=name,
            role=role,
            password_hash=hash_password(password),
            caseworker=caseworker,
        )
    finally:
        await store.close()


@app.command()
def check() -> None:
    """Verify the invariants of the plan; list what is broken and exit with 1."""
    broken = _run(_broken(_prepared()))
    for line in broken:
        typer.echo(line)
    if broken:
        raise typer.Exit(1)
    typer.echo("The plan is sound.")


async def _broken(config: Config) -> list[str]:
    store = await database.opened(config.store_url)
    try:
        async with store.reading() as tx:
            return await invariants.broken(tx)
    finally:
        await store.close()


@app.command()
def config(
    *,
    table_only: Annotated[
        bool, typer.Option("--table", help="Print the table of all variables.")
    ] = False,
) -> None:
    """Check the configuration, or print the table of all variables."""
    if table_only:
        typer.echo(table())
        return
    read_config()
    typer.echo("The configuration is sound.")
