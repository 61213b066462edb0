"""Run the migrations over the connection that `server.database` opened."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlalchemy import BigInteger

from scheduling.schema import Instant, metadata


def spelled(kind: str, value: Any, autogen: AutogenContext) -> str | Literal[False]:
    """Spell our own types in a new migration."""
    if kind == "type" and isinstance(value, Instant):
        autogen.imports.add("from scheduling.schema import Instant")
        return "Instant()"
    if kind == "type" and isinstance(value, BigInteger):
        autogen.imports.add("from scheduling.schema import Id")
        return "Id"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    compare_type=False,
    render_item=spelled,
)
with context.begin_transaction():
    context.run_migrations()
