"""Observability's tables. Spans and log lines lie in a partition for each day; keys and partitions are written in the migration.

A trace of an order has the order's id as its own, so that both are kept as the same type.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Integer,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

APPEND_ONLY: tuple[str, ...] = ()
"""None: days are dropped as a whole, by functions of the owner, and failures are counted on."""

metadata = MetaData()

span = Table(
    "span",
    metadata,
    Column("trace_id", Uuid, nullable=False),
    Column("span_id", String(16), nullable=False),
    Column("parent_span_id", String(16)),
    Column("is_entry", Boolean, nullable=False),
    Column("order_id", Uuid),
    Column("service", String(60), nullable=False),
    Column("name", Text, nullable=False),
    Column("kind", String(10), nullable=False),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("duration_us", BigInteger, nullable=False),
    Column("is_error", Boolean, nullable=False),
    Column("status_text", Text),
    Column("release", String(120)),
    Column("attributes", JSONB, nullable=False),
    Column("events", JSONB),
    Column("links", JSONB),
)

log_line = Table(
    "log_line",
    metadata,
    Column("digest", Uuid, nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("trace_id", Uuid),
    Column("span_id", String(16)),
    Column("order_id", Uuid),
    Column("service", String(60), nullable=False),
    Column("severity", SmallInteger, nullable=False),
    Column("body", Text, nullable=False),
    Column("attributes", JSONB, nullable=False),
)

failure = Table(
    "failure",
    metadata,
    Column("fingerprint", String(16), primary_key=True),
    Column("service", String(60), nullable=False),
    Column("place", Text, nullable=False),
    Column("exception", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("frame", Text, nullable=False),
    Column("first_at", DateTime(timezone=True), nullable=False),
    Column("last_at", DateTime(timezone=True), nullable=False),
    Column("hits", BigInteger, nullable=False),
    Column("state", String(10), nullable=False, server_default="new"),
    Column("state_since", DateTime(timezone=True), nullable=False),
    Column("state_by", Text),
    Column("note", Text),
    Column("reopened", Integer, nullable=False, server_default="0"),
)

failure_hit = Table(
    "failure_hit",
    metadata,
    Column("trace_id", Uuid, primary_key=True),
    Column("span_id", String(16), primary_key=True),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("fingerprint", String(16), nullable=False),
    Column("order_id", Uuid),
    Column("told_by", String(4), nullable=False),
)
