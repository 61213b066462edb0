"""Group sessions with seats, outcomes, addresses of guests, letters that may be taken back."""

from __future__ import annotations

from contextlib import AbstractContextManager

import sqlalchemy as sa
from alembic import op
from alembic.operations import BatchOperations

from scheduling.schema import Id, Instant

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

OWNERS = ("appointment_id", "hold_id", "session_id")

OVERLAP = (
    (
        "CREATE TRIGGER claim_no_overlap_insert BEFORE INSERT ON claim WHEN ( SELECT "
        "ends_at FROM claim WHERE resource_id = NEW.resource_id AND starts_at < "
        "NEW.ends_at ORDER BY starts_at DESC LIMIT 1 ) > NEW.starts_at BEGIN SELECT "
        "RAISE(ABORT, 'claim_no_overlap'); END"
    ),
    (
        "CREATE TRIGGER claim_no_overlap_update BEFORE UPDATE ON claim WHEN ( SELECT "
        "ends_at FROM claim WHERE resource_id = NEW.resource_id AND starts_at < "
        "NEW.ends_at AND id <> NEW.id ORDER BY starts_at DESC LIMIT 1 ) > NEW.starts_at "
        "BEGIN SELECT RAISE(ABORT, 'claim_no_overlap'); END"
    ),
)
"""What refuses overlaps on SQLite; rebuilding the table to change it drops its triggers."""


def upgrade() -> None:
    op.create_table(
        "group_session",
        sa.Column("id", Id, nullable=False),
        sa.Column("topic_id", Id, nullable=False),
        sa.Column("way", sa.String(length=20), nullable=False),
        sa.Column("site_id", Id, nullable=False),
        sa.Column("caseworker_id", Id, nullable=False),
        sa.Column("room_id", Id, nullable=True),
        sa.Column("starts_at", Instant(), nullable=False),
        sa.Column("ends_at", Instant(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("seats", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("delete_after", Instant(), nullable=False),
        sa.CheckConstraint("way IN ('in_person', 'video')", name=op.f("ck_group_session_way")),
        sa.CheckConstraint(
            "0 <= seats AND seats <= capacity AND 0 < capacity", name=op.f("ck_group_session_seats")
        ),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_group_session_order")),
        sa.ForeignKeyConstraint(
            ["caseworker_id"], ["resource.id"], name=op.f("fk_group_session_caseworker_id")
        ),
        sa.ForeignKeyConstraint(
            ["room_id"], ["resource.id"], name=op.f("fk_group_session_room_id")
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_group_session_site_id")),
        sa.ForeignKeyConstraint(["topic_id"], ["topic.id"], name=op.f("fk_group_session_topic_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_group_session")),
    )
    op.create_index("ix_group_session_delete_after", "group_session", ["delete_after"])
    op.create_index("ix_group_session_ends_at", "group_session", ["ends_at"])
    _appointments()
    _claims()
    _letters()
    with _rebuilt("participant_link") as table:
        table.add_column(
            sa.Column("email", sa.String(length=320), server_default="", nullable=False)
        )
    with _rebuilt("topic") as table:
        table.add_column(
            sa.Column("in_groups", sa.Boolean(), server_default=sa.false(), nullable=False)
        )


def _appointments() -> None:
    with _rebuilt("appointment") as table:
        table.add_column(sa.Column("session_id", Id, nullable=True))
        table.add_column(
            sa.Column("outcome", sa.String(length=8), server_default="", nullable=False)
        )
        table.create_foreign_key(
            op.f("fk_appointment_session_id"),
            "group_session",
            ["session_id"],
            ["id"],
            ondelete="SET NULL",
        )
    _index("appointment", "session_id")


def _claims() -> None:
    with _rebuilt("claim") as table:
        table.add_column(sa.Column("session_id", Id, nullable=True))
        table.create_foreign_key(
            op.f("fk_claim_session_id"), "group_session", ["session_id"], ["id"], ondelete="CASCADE"
        )
        table.drop_constraint(op.f("ck_claim_one_owner"), type_="check")
        counted = (f"CASE WHEN {owner} IS NULL THEN 0 ELSE 1 END" for owner in OWNERS)
        table.create_check_constraint(op.f("ck_claim_one_owner"), f"{' + '.join(counted)} = 1")
    _index("claim", "session_id")
    if op.get_context().dialect.name == "sqlite":
        for statement in OVERLAP:
            op.execute(statement)


def _letters() -> None:
    with _rebuilt("outbox") as table:
        table.add_column(sa.Column("appointment_id", Id, nullable=True))
        table.add_column(sa.Column("not_before", Instant(), nullable=True))
        table.add_column(sa.Column("known", sa.JSON(), nullable=True))
        table.create_foreign_key(
            op.f("fk_outbox_appointment_id"),
            "appointment",
            ["appointment_id"],
            ["id"],
            ondelete="SET NULL",
        )
    _index("outbox", "appointment_id")


def _rebuilt(table: str) -> AbstractContextManager[BatchOperations]:
    # SQLite changes no constraints of a table that is there; others need no new table.
    sqlite = op.get_context().dialect.name == "sqlite"
    return op.batch_alter_table(table, recreate="always" if sqlite else "never")


def _index(table: str, column: str) -> None:
    filled = sa.text(f"{column} IS NOT NULL")
    op.create_index(
        f"ix_{table}_{column}", table, [column], postgresql_where=filled, sqlite_where=filled
    )
