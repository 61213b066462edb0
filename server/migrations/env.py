"""Run the migrations over the connection that `server.database` opened."""

from __future__ import annotations

from alembic import context

from scheduling.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
