"""The tables of the office around the plan: its staff, and letters that are to leave."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, ForeignKey, Index, Integer, LargeBinary, String, Table

from scheduling.schema.columns import Id, Instant, metadata, rare, to

staff = Table(
    "staff",
    metadata,
    Column("id", Id, primary_key=True),
    Column("email", String(320), nullable=False, unique=True),
    Column("name", String(200), nullable=False),
    Column("password_hash", String(200), nullable=False),
    Column("role", String(12), nullable=False),
    to("resource", nullable=True),
    Column("active", Boolean, nullable=False),
)

staff_session = Table(
    "staff_session",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    to("staff", ondelete="CASCADE"),
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
    rare("ix_outbox_appointment_id", "appointment_id"),
)
