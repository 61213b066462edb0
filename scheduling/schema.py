"""The tables of the store, and the constraints that settle every race.

One metadata serves both engines. Instants are aware datetimes in Python, ``timestamptz`` on
PostgreSQL and whole seconds since 1970 on SQLite, where they stay comparable as numbers.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    TypeDecorator,
    UniqueConstraint,
    event,
    false,
    text,
    true,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import TypeEngine


class Instant(TypeDecorator[dt.datetime]):
    """An aware datetime, kept to the second."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose ``timestamptz`` or, on SQLite, an integer."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(BigInteger())
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> Any:
        """Refuse naive datetimes; drop what is below a second."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        if dialect.name == "sqlite":
            return int(value.timestamp())
        return value.astimezone(dt.UTC).replace(microsecond=0)

    def process_result_value(self, value: Any, dialect: Dialect) -> dt.datetime | None:
        """Return UTC."""
        if value is None:
            return None
        if dialect.name == "sqlite":
            return dt.datetime.fromtimestamp(value, dt.UTC)
        return value.astimezone(dt.UTC)  # type: ignore[no-any-return]


# SQLite numbers rows by itself for INTEGER PRIMARY KEY only.
Id = BigInteger().with_variant(Integer(), "sqlite")

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


def _to(table: str, **options: Any) -> Column[int]:
    nullable = options.pop("nullable", False)
    return Column(f"{table}_id", Id, ForeignKey(f"{table}.id", **options), nullable=nullable)


def _rare(name: str, column: str) -> Index:
    """Index a column that is empty in most rows: those cost nothing."""
    filled = text(f"{column} IS NOT NULL")
    return Index(name, column, postgresql_where=filled, sqlite_where=filled)


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
    _to("site", ondelete="CASCADE"),
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
    _to("topic", ondelete="CASCADE"),
    Column("way", String(20), nullable=False),
    # A way that is withdrawn keeps its terms for what was booked under them.
    Column("offered", Boolean, nullable=False, server_default=true()),
    Column("minutes", Integer, nullable=False),
    Column("buffer_minutes", Integer, nullable=False),
    Column("notice_minutes", Integer, nullable=False),
    Column("earliest_day", Integer, nullable=False),
    Column("horizon_days", Integer, nullable=False),
    UniqueConstraint("topic_id", "way"),
    CheckConstraint("minutes > 0 AND minutes % 5 = 0", name="minutes"),
    CheckConstraint("buffer_minutes >= 0 AND buffer_minutes % 5 = 0", name="buffer"),
    CheckConstraint("minutes + buffer_minutes <= 1440", name="one_day"),
)

resource = Table(
    "resource",
    metadata,
    Column("id", Id, primary_key=True),
    _to("site"),
    Column("kind", String(20), nullable=False),
    Column("name", String(200), nullable=False),
    Column("features", JSON, nullable=False),
    Column("skills", JSON, nullable=False),
    Column("languages", JSON, nullable=False),
    Column("active", Boolean, nullable=False),
    _to("team", nullable=True, ondelete="SET NULL"),
    Column("ways", JSON, nullable=False, server_default="[]"),
    Column("setup_minutes", Integer, nullable=False, server_default="0"),
    Column("return_minutes", Integer, nullable=False, server_default="0"),
    # Rises with every change of the resource's claims.
    Column("claims_version", Integer, nullable=False, server_default="0"),
    UniqueConstraint("site_id", "kind", "name"),
    CheckConstraint("setup_minutes % 5 = 0 AND return_minutes % 5 = 0", name="on_grid"),
)

working_pattern = Table(
    "working_pattern",
    metadata,
    Column("id", Id, primary_key=True),
    _to("resource", ondelete="CASCADE"),
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
    _to("site", nullable=True, ondelete="CASCADE"),
    _to("resource", nullable=True, ondelete="CASCADE"),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("ways", JSON, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("note", String(200), nullable=False),
    Index("ix_closure_ends_at", "ends_at"),
    CheckConstraint("starts_at < ends_at", name="order"),
    CheckConstraint("(site_id IS NULL) <> (resource_id IS NULL)", name="one_subject"),
)

group_session = Table(
    "group_session",
    metadata,
    Column("id", Id, primary_key=True),
    _to("topic"),
    Column("way", String(20), nullable=False),
    _to("site"),
    Column("caseworker_id", Id, ForeignKey("resource.id"), nullable=False),
    Column("room_id", Id, ForeignKey("resource.id")),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("capacity", Integer, nullable=False),
    # How many seats are taken; the appointments of the session are these seats.
    Column("seats", Integer, nullable=False),
    Column("status", String(12), nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("delete_after", Instant, nullable=False),
    Index("ix_group_session_ends_at", "ends_at"),
    Index("ix_group_session_delete_after", "delete_after"),
    CheckConstraint("starts_at < ends_at", name="order"),
    CheckConstraint("way IN ('in_person', 'video')", name="way"),
    CheckConstraint("0 <= seats AND seats <= capacity AND 0 < capacity", name="seats"),
)

appointment = Table(
    "appointment",
    metadata,
    Column("id", Id, primary_key=True),
    Column("uid", String(80), nullable=False, unique=True),
    Column("reference", String(12), nullable=False, unique=True),
    _to("topic"),
    Column("way", String(20), nullable=False),
    _to("site"),
    Column("caseworker_id", Id, ForeignKey("resource.id"), nullable=False),
    Column("room_id", Id, ForeignKey("resource.id")),
    Column("device_id", Id, ForeignKey("resource.id")),
    Column("interpreter_id", Id, ForeignKey("resource.id")),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("status", String(12), nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("name", String(200), nullable=False),
    Column("email", String(320), nullable=False),
    Column("phone", String(20), nullable=False),
    Column("step_free", Boolean, nullable=False),
    Column("interpreter", String(8), nullable=False),
    Column("companion", Boolean, nullable=False),
    Column("locale", String(8), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("delete_after", Instant, nullable=False),
    # Set for a seat in a group session; the session has the claims.
    Column("session_id", Id, ForeignKey("group_session.id", ondelete="SET NULL")),
    # What the office noted afterwards: held, missed or failed; empty until then.
    Column("outcome", String(8), nullable=False, server_default=""),
    Index("ix_appointment_site_id_starts_at", "site_id", "starts_at"),
    Index("ix_appointment_caseworker_id_starts_at", "caseworker_id", "starts_at"),
    Index("ix_appointment_delete_after", "delete_after"),
    _rare("ix_appointment_session_id", "session_id"),
    CheckConstraint("starts_at < ends_at", name="order"),
)

hold = Table(
    "hold",
    metadata,
    Column("id", Id, primary_key=True),
    Column("token_hash", String(64), nullable=False, unique=True),
    _to("topic"),
    Column("way", String(20), nullable=False),
    _to("site"),
    Column("caseworker_id", Id, ForeignKey("resource.id"), nullable=False),
    Column("room_id", Id, ForeignKey("resource.id")),
    Column("device_id", Id, ForeignKey("resource.id")),
    Column("interpreter_id", Id, ForeignKey("resource.id")),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    _to("appointment", nullable=True, ondelete="CASCADE"),
    Index("ix_hold_expires_at", "expires_at"),
)

claim = Table(
    "claim",
    metadata,
    Column("id", Id, primary_key=True),
    _to("resource"),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    _to("appointment", nullable=True, ondelete="CASCADE"),
    _to("hold", nullable=True, ondelete="CASCADE"),
    Column("session_id", Id, ForeignKey("group_session.id", ondelete="CASCADE")),
    # Set for holds: from then on anybody may sweep the claim away.
    Column("expires_at", Instant),
    # With all that a search asks, so that it reads the index alone.
    Index("ix_claim_search", "resource_id", "starts_at", "ends_at", "expires_at"),
    Index("ix_claim_appointment_id", "appointment_id"),
    Index("ix_claim_hold_id", "hold_id"),
    _rare("ix_claim_session_id", "session_id"),
    CheckConstraint("starts_at < ends_at", name="order"),
    CheckConstraint(
        "CASE WHEN appointment_id IS NULL THEN 0 ELSE 1 END"
        " + CASE WHEN hold_id IS NULL THEN 0 ELSE 1 END"
        " + CASE WHEN session_id IS NULL THEN 0 ELSE 1 END = 1",
        name="one_owner",
    ),
    CheckConstraint("(hold_id IS NULL) = (expires_at IS NULL)", name="holds_expire"),
)

# Caseworkers who take part beside the one who advises.
colleague = Table(
    "colleague",
    metadata,
    Column(
        "appointment_id", Id, ForeignKey("appointment.id", ondelete="CASCADE"), primary_key=True
    ),
    Column("resource_id", Id, ForeignKey("resource.id"), primary_key=True),
    Index("ix_colleague_resource_id", "resource_id"),
)

participant_link = Table(
    "participant_link",
    metadata,
    Column("id", Id, primary_key=True),
    Column("token_hash", String(64), nullable=False, unique=True),
    _to("appointment", ondelete="CASCADE"),
    Column("part", String(12), nullable=False),
    Column("name", String(200), nullable=False),
    # Where a companion or interpreter is told of changes; empty where nobody knows.
    Column("email", String(320), nullable=False, server_default=""),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Index("ix_participant_link_appointment_id", "appointment_id"),
)

waiting = Table(
    "waiting",
    metadata,
    Column("id", Id, primary_key=True),
    _to("appointment", ondelete="CASCADE"),
    Column("created_at", Instant, nullable=False),
    # The slot that is offered right now, exclusively; without one, the person waits.
    _to("hold", nullable=True, ondelete="SET NULL"),
    Column("offer_expires_at", Instant),
    # Starts that were offered and not taken: nobody is asked twice for the same one.
    Column("declined", JSON, nullable=False),
    UniqueConstraint("appointment_id"),
)

loan = Table(
    "loan",
    metadata,
    Column("id", Id, primary_key=True),
    Column("device_id", Id, ForeignKey("resource.id", ondelete="CASCADE"), nullable=False),
    Column("borrower_id", Id, ForeignKey("resource.id", ondelete="CASCADE"), nullable=False),
    Column("out_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("returned_at", Instant),
    CheckConstraint("out_at < due_at", name="order"),
    Index(
        "uq_loan_device_out",
        "device_id",
        unique=True,
        postgresql_where=text("returned_at IS NULL"),
        sqlite_where=text("returned_at IS NULL"),
    ),
)

history = Table(
    "history",
    metadata,
    Column("id", Id, primary_key=True),
    _to("appointment", ondelete="CASCADE"),
    Column("at", Instant, nullable=False),
    Column("actor", String(80), nullable=False),
    Column("change", String(20), nullable=False),
    Column("detail", JSON, nullable=False),
    Index("ix_history_appointment_id", "appointment_id"),
)

# Who was connected to a consultation from when to when; nothing of what was said. It is deleted
# with its appointment.
connection = Table(
    "connection",
    metadata,
    Column("id", Id, primary_key=True),
    _to("appointment", ondelete="CASCADE"),
    # Names one stay; that of a caseworker in a group belongs to every seat.
    Column("visit", String(24), nullable=False),
    Column("side", String(12), nullable=False),
    Column("arrived_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("admitted_at", Instant),
    Column("connected_at", Instant),
    Column("interruptions", Integer, nullable=False),
    Column("interrupted_seconds", Integer, nullable=False),
    Column("ending", String(12), nullable=False),
    UniqueConstraint("appointment_id", "visit"),
    Index("ix_connection_visit", "visit"),
    CheckConstraint("arrived_at <= seen_at", name="order"),
    CheckConstraint("interruptions >= 0 AND interrupted_seconds >= 0", name="counts"),
)

# Booked appointments to which a change of the plan has taken what they need.
stranded = Table(
    "stranded",
    metadata,
    Column("id", Id, primary_key=True),
    _to("appointment", ondelete="CASCADE"),
    Column("noted_at", Instant, nullable=False),
    UniqueConstraint("appointment_id"),
)

staff = Table(
    "staff",
    metadata,
    Column("id", Id, primary_key=True),
    Column("email", String(320), nullable=False, unique=True),
    Column("name", String(200), nullable=False),
    Column("password_hash", String(200), nullable=False),
    Column("role", String(12), nullable=False),
    _to("resource", nullable=True),
    Column("active", Boolean, nullable=False),
)

staff_session = Table(
    "staff_session",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    _to("staff", ondelete="CASCADE"),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Id, primary_key=True),
    Column("created_at", Instant, nullable=False),
    # Recipient and message are emptied once sent: they hold links and names.
    Column("recipient", String(320), nullable=False),
    Column("message", LargeBinary, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt_at", Instant),
    Column("sent_at", Instant),
    Column("last_error", String(200), nullable=False),
    # Set while a letter may still be taken back: about which appointment it is, until when it
    # waits, and what its reader knows without it.
    Column("appointment_id", Id, ForeignKey("appointment.id", ondelete="SET NULL")),
    Column("not_before", Instant),
    Column("known", JSON(none_as_null=True)),
    Index("ix_outbox_next_attempt_at", "next_attempt_at"),
    _rare("ix_outbox_appointment_id", "appointment_id"),
)

_EXCLUSION = """
ALTER TABLE claim ADD CONSTRAINT ex_claim_no_overlap
EXCLUDE USING gist (resource_id WITH =, tstzrange(starts_at, ends_at, '[)') WITH &&)
"""

# Stored claims of a resource are disjoint, so the one that starts last before the new end is
# the only one that can reach into it: one look into the index instead of a scan.
_TRIGGER = """
CREATE TRIGGER claim_no_overlap_{name} BEFORE {moment} ON claim
WHEN (
  SELECT ends_at FROM claim
  WHERE resource_id = NEW.resource_id AND starts_at < NEW.ends_at {others}
  ORDER BY starts_at DESC LIMIT 1
) > NEW.starts_at
BEGIN SELECT RAISE(ABORT, 'claim_no_overlap'); END
"""

OVERLAP_DDL: dict[str, tuple[str, ...]] = {
    "postgresql": ("CREATE EXTENSION IF NOT EXISTS btree_gist", _EXCLUSION),
    "sqlite": (
        _TRIGGER.format(name="insert", moment="INSERT", others=""),
        _TRIGGER.format(name="update", moment="UPDATE", others="AND id <> NEW.id"),
    ),
}
"""What refuses two claims on one resource at one time, by engine."""


@event.listens_for(claim, "after_create")
def _refuse_overlap(_target: Table, connection: Any, **_options: Any) -> None:
    for statement in OVERLAP_DDL[connection.dialect.name]:
        connection.execute(text(statement))


async def create_all(connection: AsyncConnection) -> None:
    """Create every table with its constraints in an empty store."""
    await connection.run_sync(metadata.create_all)
