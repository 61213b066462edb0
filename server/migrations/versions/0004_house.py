"""Withdrawn ways keep their terms, and sites remember when their hours last changed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from scheduling.schema import Instant

revision = "0004"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("site", sa.Column("hours_changed_at", Instant(), nullable=True))
    op.add_column(
        "topic_way",
        sa.Column("offered", sa.Boolean(), server_default=sa.true(), nullable=False),
    )
