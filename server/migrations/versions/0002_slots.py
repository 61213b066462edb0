"""Release shares of sites, colleagues of appointments, and an index that answers searches."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from scheduling.schema import Id

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "site", sa.Column("release_shares", sa.JSON(), server_default="{}", nullable=False)
    )
    op.create_table(
        "colleague",
        sa.Column("appointment_id", Id, nullable=False),
        sa.Column("resource_id", Id, nullable=False),
        sa.ForeignKeyConstraint(
            ["appointment_id"],
            ["appointment.id"],
            name=op.f("fk_colleague_appointment_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["resource_id"], ["resource.id"], name=op.f("fk_colleague_resource_id")
        ),
        sa.PrimaryKeyConstraint("appointment_id", "resource_id", name=op.f("pk_colleague")),
    )
    op.create_index("ix_colleague_resource_id", "colleague", ["resource_id"], unique=False)
    op.drop_index("ix_claim_resource_id_starts_at", table_name="claim")
    op.create_index(
        "ix_claim_search",
        "claim",
        ["resource_id", "starts_at", "ends_at", "expires_at"],
        unique=False,
    )
