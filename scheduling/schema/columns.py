"""What columns of all tables are made of.

Instants are aware datetimes in Python, ``timestamptz`` on PostgreSQL and whole seconds since 1970
on SQLite, where they stay comparable as numbers.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    TypeDecorator,
    text,
)
from sqlalchemy.types import TypeEngine


class Instant(TypeDecorator[dt.datetime]):
    """An aware datetime, kept to the second."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Choose ``timestamptz`` or, on SQLite, an integer."""
        if dialect.name == "sqlite":
            return dialect.type_descriptor(BigInteger())
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> Any:
        """Refuse naive datetimes; drop what is below a second."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        if dialect.name == "sqlite":
            return int(value.timestamp())
        return value.astimezone(dt.UTC).replace(microsecond=0)

    def process_result_value(self, value: Any, dialect: Dialect) -> dt.datetime | None:
        """Return UTC."""
        if value is None:
            return None
        if dialect.name == "sqlite":
            return dt.datetime.fromtimestamp(value, dt.UTC)
        return value.astimezone(dt.UTC)  # type: ignore[no-any-return]


# SQLite numbers rows by itself for INTEGER PRIMARY KEY only.
Id = BigInteger().with_variant(Integer(), "sqlite")

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


def to(table: str, **options: Any) -> Column[int]:
    """Point at a row of another table; `options` are those of its foreign key."""
    nullable = options.pop("nullable", False)
    return Column(f"{table}_id", Id, ForeignKey(f"{table}.id", **options), nullable=nullable)


def rare(name: str, column: str) -> Index:
    """Index a column that is empty in most rows: those cost nothing."""
    filled = text(f"{column} IS NOT NULL")
    return Index(name, column, postgresql_where=filled, sqlite_where=filled)
