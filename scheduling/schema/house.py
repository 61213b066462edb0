"""The tables of what can be booked: sites, topics, people and things, their hours."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    true,
)

from scheduling.schema.columns import Id, Instant, metadata, to

site = Table(
    "site",
    metadata,
    Column("id", Id, primary_key=True),
    Column("key", String(40), nullable=False, unique=True),
    Column("name", String(200), nullable=False),
    Column("address", String(300), nullable=False),
    Column("phone", String(40), nullable=False),
    Column("state", String(2), nullable=False),
    # [[weekday, starts_minute, ends_minute], …]; an empty list means always open.
    Column("opening", JSON, nullable=False, server_default="[]"),
    Column("urgent_opens_minute", Integer, nullable=False, server_default="0"),
    # Per cent of the hours by release class, adding up to 100: {"online": 70, …}; an empty
    # object leaves it to the working patterns alone.
    Column("release_shares", JSON, nullable=False, server_default="{}"),
    # Rises with every change of the site's people, things, hours and closures.
    Column("version", Integer, nullable=False, server_default="0"),
)

team = Table(
    "team",
    metadata,
    Column("id", Id, primary_key=True),
    to("site", ondelete="CASCADE"),
    Column("name", String(200), nullable=False),
    UniqueConstraint("site_id", "name"),
)

topic = Table(
    "topic",
    metadata,
    Column("id", Id, primary_key=True),
    Column("key", String(40), nullable=False, unique=True),
    Column("position", Integer, nullable=False),
    Column("title", JSON, nullable=False),
    Column("official_name", JSON, nullable=False),
    Column("explanation", JSON, nullable=False),
    Column("bring", JSON, nullable=False),
    Column("skill", String(40), nullable=False),
    Column("audience", String(12), nullable=False, server_default="public"),
    Column("urgent", Boolean, nullable=False, server_default=false()),
    # Advised on in group sessions, never one by one.
    Column("in_groups", Boolean, nullable=False, server_default=false()),
)

topic_way = Table(
    "topic_way",
    metadata,
    Column("id", Id, primary_key=True),
    to("topic", ondelete="CASCADE"),
    Column("way", String(20), nullable=False),
    # A way that is withdrawn keeps its terms for what was booked under them.
    Column("offered", Boolean, nullable=False, server_default=true()),
    Column("minutes", Integer, nullable=False),
    Column("buffer_minutes", Integer, nullable=False),
    Column("notice_minutes", Integer, nullable=False),
    Column("earliest_day", Integer, nullable=False),
    Column("horizon_days", Integer, nullable=False),
    # What the room must have, whoever comes.
    Column("features", JSON, nullable=False, server_default="[]"),
    UniqueConstraint("topic_id", "way"),
    CheckConstraint("minutes > 0 AND minutes % 5 = 0", name="minutes"),
    CheckConstraint("buffer_minutes >= 0 AND buffer_minutes % 5 = 0", name="buffer"),
    CheckConstraint("minutes + buffer_minutes <= 1440", name="one_day"),
)

resource = Table(
    "resource",
    metadata,
    Column("id", Id, primary_key=True),
    to("site"),
    Column("kind", String(20), nullable=False),
    Column("name", String(200), nullable=False),
    Column("features", JSON, nullable=False),
    Column("skills", JSON, nullable=False),
    Column("languages", JSON, nullable=False),
    Column("active", Boolean, nullable=False),
    to("team", nullable=True, ondelete="SET NULL"),
    Column("ways", JSON, nullable=False, server_default="[]"),
    Column("setup_minutes", Integer, nullable=False, server_default="0"),
    Column("return_minutes", Integer, nullable=False, server_default="0"),
    # Rises with every change of the resource's claims, by one for each that is added.
    Column("claims_version", Integer, nullable=False, server_default="0"),
    # Those that were added last, up to a version (`scheduling.added`).
    Column("added_claims", Text, nullable=False, server_default=""),
    Column("added_version", Integer, nullable=False, server_default="0"),
    UniqueConstraint("site_id", "kind", "name"),
    CheckConstraint("setup_minutes % 5 = 0 AND return_minutes % 5 = 0", name="on_grid"),
)

working_pattern = Table(
    "working_pattern",
    metadata,
    Column("id", Id, primary_key=True),
    to("resource", ondelete="CASCADE"),
    Column("weekday", Integer, nullable=False),
    Column("starts_minute", Integer, nullable=False),
    Column("ends_minute", Integer, nullable=False),
    Column("ways", JSON, nullable=False),
    Column("valid_from", Date, nullable=False),
    Column("valid_until", Date),
    Column("every_weeks", Integer, nullable=False, default=1),
    Column("release", String(12), nullable=False, server_default="online"),
    # The first row of the hours that this row was split off from; none: it is the first itself.
    Column("series", Id),
    Index("ix_working_pattern_resource_id", "resource_id"),
    CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday"),
    CheckConstraint("0 <= starts_minute AND starts_minute < ends_minute", name="order"),
    CheckConstraint("ends_minute <= 1440", name="one_day"),
)

closure = Table(
    "closure",
    metadata,
    Column("id", Id, primary_key=True),
    to("site", nullable=True, ondelete="CASCADE"),
    to("resource", nullable=True, ondelete="CASCADE"),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("ways", JSON, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("note", String(200), nullable=False),
    Index("ix_closure_ends_at", "ends_at"),
    CheckConstraint("starts_at < ends_at", name="order"),
    CheckConstraint("(site_id IS NULL) <> (resource_id IS NULL)", name="one_subject"),
)
