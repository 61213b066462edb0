"""Withdrawn ways of a topic keep their terms."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "topic_way",
        sa.Column("offered", sa.Boolean(), server_default=sa.true(), nullable=False),
    )
