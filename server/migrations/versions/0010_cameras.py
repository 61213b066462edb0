"""A camera of the pool beside the claimant's tablet, for appointments, holds and group sessions."""

from __future__ import annotations

from contextlib import AbstractContextManager

import sqlalchemy as sa
from alembic import op
from alembic.operations import BatchOperations

from scheduling.schema import Id

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("appointment", "hold"):
        # Only tablets could be booked, so that is what the devices are.
        op.execute(f"ALTER TABLE {name} RENAME COLUMN device_id TO tablet_id")
        with _rebuilt(name) as table:
            table.drop_constraint(op.f(f"fk_{name}_device_id"), type_="foreignkey")
            _refer(table, name, "tablet_id")
            _add_camera(table, name)
            if name == "appointment":
                # As it was: reading it back from SQLite adds brackets.
                table.alter_column("outcome", server_default="", existing_type=sa.String(8))
    with _rebuilt("group_session") as table:
        _add_camera(table, "group_session")


def _add_camera(table: BatchOperations, name: str) -> None:
    table.add_column(sa.Column("camera_id", Id, nullable=True))
    _refer(table, name, "camera_id")


def _refer(table: BatchOperations, name: str, column: str) -> None:
    table.create_foreign_key(op.f(f"fk_{name}_{column}"), "resource", [column], ["id"])


def _rebuilt(table: str) -> AbstractContextManager[BatchOperations]:
    # SQLite changes no constraints of a table that is there; others need no new table.
    sqlite = op.get_context().dialect.name == "sqlite"
    return op.batch_alter_table(table, recreate="always" if sqlite else "never")
