"""The tables of what is booked, and the constraint that settles every race."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
    event,
    text,
)

from scheduling.schema.columns import Id, Instant, metadata, rare, to


def _consultation() -> list[Column[Any]]:
    """Say what a hold keeps, and what the appointment has that it becomes."""
    return [
        to("topic"),
        Column("way", String(20), nullable=False),
        to("site"),
        Column("caseworker_id", Id, ForeignKey("resource.id"), nullable=False),
        Column("room_id", Id, ForeignKey("resource.id")),
        # The tablet before the claimant, and the pool's camera before the caseworker.
        Column("tablet_id", Id, ForeignKey("resource.id")),
        Column("camera_id", Id, ForeignKey("resource.id")),
        Column("interpreter_id", Id, ForeignKey("resource.id")),
        Column("starts_at", Instant, nullable=False),
        Column("ends_at", Instant, nullable=False),
    ]


group_session = Table(
    "group_session",
    metadata,
    Column("id", Id, primary_key=True),
    to("topic"),
    Column("way", String(20), nullable=False),
    to("site"),
    Column("caseworker_id", Id, ForeignKey("resource.id"), nullable=False),
    Column("room_id", Id, ForeignKey("resource.id")),
    Column("camera_id", Id, ForeignKey("resource.id")),
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
    *_consultation(),
    Column("status", String(12), nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("name", String(200), nullable=False),
    Column("email", String(320), nullable=False),
    Column("phone", String(20), nullable=False),
    # What the room must have for whoever comes: ["hearing_loop", "step_free"].
    Column("features", JSON, nullable=False, server_default="[]"),
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
    rare("ix_appointment_session_id", "session_id"),
    CheckConstraint("starts_at < ends_at", name="order"),
)

hold = Table(
    "hold",
    metadata,
    Column("id", Id, primary_key=True),
    Column("token_hash", String(64), nullable=False, unique=True),
    *_consultation(),
    Column("expires_at", Instant, nullable=False),
    to("appointment", nullable=True, ondelete="CASCADE"),
    Index("ix_hold_expires_at", "expires_at"),
)

claim = Table(
    "claim",
    metadata,
    Column("id", Id, primary_key=True),
    to("resource"),
    Column("starts_at", Instant, nullable=False),
    Column("ends_at", Instant, nullable=False),
    to("appointment", nullable=True, ondelete="CASCADE"),
    to("hold", nullable=True, ondelete="CASCADE"),
    Column("session_id", Id, ForeignKey("group_session.id", ondelete="CASCADE")),
    # Set for holds: from then on anybody may sweep the claim away.
    Column("expires_at", Instant),
    # With all that a search asks, so that it reads the index alone.
    Index("ix_claim_search", "resource_id", "starts_at", "ends_at", "expires_at"),
    Index("ix_claim_appointment_id", "appointment_id"),
    Index("ix_claim_hold_id", "hold_id"),
    rare("ix_claim_session_id", "session_id"),
    CheckConstraint("starts_at < ends_at", name="order"),
    CheckConstraint(
        "CASE WHEN appointment_id IS NULL THEN 0 ELSE 1 END"
        " + CASE WHEN hold_id IS NULL THEN 0 ELSE 1 END"
        " + CASE WHEN session_id IS NULL THEN 0 ELSE 1 END = 1",
        name="one_owner",
    ),
    CheckConstraint("(hold_id IS NULL) = (expires_at IS NULL)", name="holds_expire"),
    # A search reads the index alone where a vacuum has seen the page since its last change.
    postgresql_with={
        "autovacuum_vacuum_scale_factor": 0.01, "autovacuum_vacuum_insert_scale_factor": 0.01,
    },
)  # fmt: skip

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
    to("appointment", ondelete="CASCADE"),
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
    to("appointment", ondelete="CASCADE"),
    Column("created_at", Instant, nullable=False),
    # The slot that is offered right now, exclusively; without one, the person waits.
    to("hold", nullable=True, ondelete="SET NULL"),
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
    to("appointment", ondelete="CASCADE"),
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
    to("appointment", ondelete="CASCADE"),
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
    to("appointment", ondelete="CASCADE"),
    Column("noted_at", Instant, nullable=False),
    UniqueConstraint("appointment_id"),
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
