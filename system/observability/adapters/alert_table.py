"""The table of alerts; keys and indexes are written in the migration."""

from __future__ import annotations

from sqlalchemy import Column, DateTime, String, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from system.observability.adapters.tables import metadata

alert = Table(
    "alert",
    metadata,
    Column("alert_id", Uuid, primary_key=True),
    Column("fingerprint", String(32), nullable=False),
    Column("name", String(100), nullable=False),
    Column("severity", String(20), nullable=False),
    Column("labels", JSONB, nullable=False),
    Column("annotations", JSONB, nullable=False),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("ended_at", DateTime(timezone=True)),
    Column("told_at", DateTime(timezone=True), nullable=False),
    Column("last_told_at", DateTime(timezone=True), nullable=False),
    Column("end_told_at", DateTime(timezone=True)),
    Column("taken_by_id", Uuid),
    Column("taken_by", Text),
    Column("taken_at", DateTime(timezone=True)),
)
