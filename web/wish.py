"""What somebody wants to book, as addresses and forms say it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from scheduling import catalog
from scheduling.model import NotFound, Site, Topic, Way
from web import forms
from web.forms import Form, text


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to book. `site` is None where any site will do."""

    topic: Topic
    way: Way
    site: Site | None
    start: dt.datetime | None = None

    @property
    def at_site(self) -> bool:
        """Whether the claimant comes to a house of the office."""
        return self.topic.ways[self.way].at_site

    @property
    def times_address(self) -> str:
        """The page of free times for this wish."""
        site = f"?site={self.site.key}" if self.site and self.at_site else ""
        return f"/book/{self.topic.key}/{self.way}{site}"


async def wish_of(tx: AsyncConnection, form: Form) -> Wish:
    """Read the hidden fields of a form: topic, way, site and start."""
    wish = await wish_for(tx, text(form, "topic"), text(form, "way"), text(form, "site"))
    return Wish(wish.topic, wish.way, wish.site, forms.start(text(form, "start")))


async def bookable_topic(tx: AsyncConnection, key: str) -> Topic:
    """Return the topic of that `key` if people can book it themselves, or raise `NotFound`.

    Topics for the invited are not listed; whoever has their address may book.
    """
    topic = await catalog.topic(tx, key)
    if not topic.ways or topic.audience == "staff":
        raise NotFound
    return topic


async def wish_for(tx: AsyncConnection, topic_key: str, way_name: str, site_key: str) -> Wish:
    """Return the wish those keys name; raises `NotFound` for what is not offered."""
    topic = await bookable_topic(tx, topic_key)
    way = next((way for way in topic.ways if way == way_name), None)
    if way is None or topic.in_groups:
        raise NotFound
    sites = await catalog.sites(tx) if site_key else []
    return Wish(topic, way, next((site for site in sites if site.key == site_key), None))
