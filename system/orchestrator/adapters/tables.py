"""The orchestrator's tables. Statuses live in `orders`, how they came about in `order_history`, which nobody edits.

Keys, indexes, checks and triggers are written in the migration; a test holds the two together.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Identity,
    Integer,
    MetaData,
    Numeric,
    SmallInteger,
    String,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

APPEND_ONLY = ("order_history", "order_note", "legal_edge")
"""The application's role may read and add here, never change or delete."""

metadata = MetaData()

orders = Table(
    "orders",
    metadata,
    Column("order_id", Uuid, primary_key=True),
    Column("number", String(40), nullable=False, unique=True),
    Column("channel", String(20), nullable=False),
    Column("customer_id", Uuid, nullable=False),
    Column("customer_name", Text),
    Column("email", Text),
    Column("partner_reference", Text),
    Column("status", String(30), nullable=False),
    Column("status_since", DateTime(timezone=True), nullable=False),
    Column("version", Integer, nullable=False),
    Column("promise_at", DateTime(timezone=True), nullable=False),
    Column("budget_until", DateTime(timezone=True)),
    Column("at_risk_from", DateTime(timezone=True)),
    Column("step_is_stuck", Boolean, nullable=False),
    Column("reason", Text),
    Column("agreed_total", Numeric(14, 2)),
    Column("total", Numeric(14, 2)),
    Column("currency", String(3)),
    Column("price_valid_until", DateTime(timezone=True)),
    Column("approved_at", DateTime(timezone=True)),
    Column("consent", JSONB),
    Column("cancellation", JSONB),
    Column("deliveries", JSONB, nullable=False),
    Column("changed_at", DateTime(timezone=True), nullable=False),
)

order_line = Table(
    "order_line",
    metadata,
    Column("order_id", Uuid, primary_key=True),
    Column("line_id", Uuid, primary_key=True),
    Column("position", SmallInteger, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("title", Text, nullable=False),
    Column("material", String(60), nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("ring_size", String(20)),
    Column("file_id", Uuid),
    Column("sku", String(80)),
    Column("quote_id", Uuid, nullable=False),
    Column("agreed_total", Numeric(14, 2), nullable=False),
    Column("total", Numeric(14, 2)),
    Column("currency", String(3), nullable=False),
    Column("weight_g", Numeric),
    Column("stage", SmallInteger, nullable=False),
    Column("held_by", Text),
    Column("carrier", Text),
    Column("tracking_number", Text),
    Column("extras", JSONB(none_as_null=True)),
)

saga_step = Table(
    "saga_step",
    metadata,
    Column("order_id", Uuid, primary_key=True),
    Column("name", String(40), primary_key=True),
    Column("bucket", SmallInteger, nullable=False),
    Column("state", String(20), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("first_attempt", Integer, nullable=False),
    Column("since", DateTime(timezone=True), nullable=False),
    Column("deadline_at", DateTime(timezone=True)),
)

order_history = Table(
    "order_history",
    metadata,
    Column("order_id", Uuid, primary_key=True),
    Column("seq", Integer, primary_key=True),
    Column("version", Integer, nullable=False),
    Column("from_status", String(30)),
    Column("to_status", String(30), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text),
    Column("reason_code", Text),
)

order_note = Table(
    "order_note",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("order_id", Uuid, nullable=False),
    Column("kind", String(40), nullable=False),
    Column("at", DateTime(timezone=True), nullable=False),
    Column("title", Text, nullable=False),
    Column("details", JSONB, nullable=False),
    Column("traceparent", String(80)),
)

legal_edge = Table(
    "legal_edge",
    metadata,
    Column("from_status", String(30)),
    Column("to_status", String(30), nullable=False),
)
