"""The demo office: filled, and shown to whoever starts it."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from scheduling import demo, outbox
from scheduling.model import Change
from scheduling.store import Store
from server import database
from server.app import present, settings_of
from server.config import Config
from server.sign_in import hash_password
from web.letters import Letters


async def fill(config: Config) -> demo.DemoOffice:
    """Fill the office where it is empty, and post the letters of what was booked just now."""
    store = await database.opened(config.store_url)
    try:
        office = await demo.seed(store, present(), hash_password)
        await _post_invitations(store, Letters(settings_of(config)), office)
    finally:
        await store.close()
    return office


async def _post_invitations(store: Store, letters: Letters, office: demo.DemoOffice) -> None:
    async with store.writing() as tx:
        for booked in office.fresh:
            now = present()
            letter = letters.to_claimant(
                booked.appointment, Change.BOOKED, token=booked.link_token, now=now
            )
            await outbox.post(tx, booked.appointment.person.email, letter, now)


def show(config: Config, office: demo.DemoOffice, console: Console) -> None:
    """Print where to begin: pages, mail view and sign-ins."""
    places = Table.grid(padding=(0, 3))
    places.add_row("Booking page", config.origin)
    places.add_row("Staff pages", f"{config.origin}/staff")
    places.add_row("Mail view", f"{config.origin}/demo/mail")
    accounts = Table.grid(padding=(0, 3))
    for account in office.sign_ins:
        accounts.add_row(account.role, account.email, account.password)
    console.print()
    console.print(places, soft_wrap=True)
    console.print("\nStaff sign-ins")
    console.print(accounts, soft_wrap=True)
    console.print("\nCtrl+C ends it.")
