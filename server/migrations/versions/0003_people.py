"""Appointments stranded by a change of the plan; hours that were split off from others."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from scheduling.schema import Id, Instant

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "stranded",
        sa.Column("id", Id, nullable=False),
        sa.Column("appointment_id", Id, nullable=False),
        sa.Column("noted_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["appointment_id"],
            ["appointment.id"],
            name=op.f("fk_stranded_appointment_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stranded")),
        sa.UniqueConstraint("appointment_id", name=op.f("uq_stranded_appointment_id")),
    )
    op.add_column("working_pattern", sa.Column("series", Id, nullable=True))
