"""The claims that were added last, beside their version."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "resource", sa.Column("added_claims", sa.Text(), nullable=False, server_default="")
    )
    op.add_column(
        "resource", sa.Column("added_version", sa.Integer(), nullable=False, server_default="0")
    )
