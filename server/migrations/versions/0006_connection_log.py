"""The connection log of video consultations."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from scheduling.schema import Id, Instant

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "connection",
        sa.Column("id", Id, nullable=False),
        sa.Column("appointment_id", Id, nullable=False),
        sa.Column("visit", sa.String(length=24), nullable=False),
        sa.Column("side", sa.String(length=12), nullable=False),
        sa.Column("arrived_at", Instant(), nullable=False),
        sa.Column("seen_at", Instant(), nullable=False),
        sa.Column("admitted_at", Instant(), nullable=True),
        sa.Column("connected_at", Instant(), nullable=True),
        sa.Column("interruptions", sa.Integer(), nullable=False),
        sa.Column("interrupted_seconds", sa.Integer(), nullable=False),
        sa.Column("ending", sa.String(length=12), nullable=False),
        sa.CheckConstraint("arrived_at <= seen_at", name=op.f("ck_connection_order")),
        sa.CheckConstraint(
            "interruptions >= 0 AND interrupted_seconds >= 0", name=op.f("ck_connection_counts")
        ),
        sa.ForeignKeyConstraint(
            ["appointment_id"],
            ["appointment.id"],
            name=op.f("fk_connection_appointment_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connection")),
        sa.UniqueConstraint("appointment_id", "visit", name=op.f("uq_connection_appointment_id")),
    )
    op.create_index("ix_connection_visit", "connection", ["visit"])
