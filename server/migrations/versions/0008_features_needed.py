"""What people and topics need of a room, as a set of features."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("appointment", "topic_way"):
        op.add_column(table, sa.Column("features", sa.JSON(), nullable=False, server_default="[]"))
    op.execute("UPDATE appointment SET features = '[\"step_free\"]' WHERE step_free")
    op.drop_column("appointment", "step_free")
