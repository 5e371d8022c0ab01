"""The table of notices. It stands beside procrastinate's own, in the database of each service that writes letters."""

from __future__ import annotations

from typing import Any

from procrastinate.schema import SchemaManager
from sqlalchemy import CheckConstraint, Column, DateTime, Index, Integer, MetaData, String, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

mail_metadata = MetaData()

notice = Table(
    "notice",
    mail_metadata,
    Column("notice_id", Uuid, primary_key=True),
    Column("kind", String(40), nullable=False),
    Column("about", Uuid, nullable=False),
    Column("occasion", String(80), nullable=False),
    Column("address", String(254), nullable=False),
    Column("language", String(2), nullable=False),
    # Emptied when the notice is settled: what was needed to write it is needed no more.
    Column("facts", JSONB, nullable=False),
    Column("state", String(10), nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("said", Text),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("settled_at", DateTime(timezone=True)),
    CheckConstraint("state IN ('waiting', 'sent', 'refused', 'given_up', 'withdrawn')", name="notice_state_known"),
    CheckConstraint("(state = 'waiting') = (settled_at IS NULL)", name="notice_settled_whole"),
    CheckConstraint("language IN ('ru', 'en')", name="notice_language_known"),
    Index("notice_about", "about"),
    Index("notice_waiting", "created_at", postgresql_where=text("state = 'waiting'")),
    Index("notice_sent_to", "address", "settled_at", postgresql_where=text("state = 'sent'")),
)


def create_mail_tables(connection: Any) -> None:
    """Creates the table and the queue; called by a migration with `op.get_bind()`, where there was neither."""
    mail_metadata.create_all(connection)
    # Several statements with percent signs: the driver takes them as they are.
    connection.connection.driver_connection.execute(SchemaManager.get_schema())
