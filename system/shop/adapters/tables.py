"""The shop's tables."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Numeric,
    Sequence,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

metadata = MetaData()

APPEND_ONLY: tuple[str, ...] = ("stock_movement",)
"""The application may read and add, never change or remove."""

order_number = Sequence("order_number", start=1, metadata=metadata)


def _moment(name: str, **more: Any) -> Column[Any]:
    return Column(name, DateTime(timezone=True), **more)


orders = Table(
    "orders",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("number", String(20), nullable=False, unique=True),
    Column("channel", String(10), nullable=False),
    Column("customer_id", Uuid, nullable=False),
    Column("revision", Integer, nullable=False),
    _moment("created_at", nullable=False),
    _moment("changed_at", nullable=False),
    _moment("model_attached_at"),
    _moment("submitted_at"),
    _moment("cancelled_at"),
    Column("agreed_amount", Numeric(14, 2)),
    Column("agreed_currency", String(3)),
    Column("partner_reference", String(100)),
    Column("customer", JSONB(none_as_null=True)),
    Column("delivery", JSONB(none_as_null=True)),
    _moment("consent_asked_at"),
    Column("consent_accepted", Boolean),
    Column("consent_amount", Numeric(14, 2)),
    Column("consent_currency", String(3)),
    _moment("consent_at"),
    CheckConstraint("channel IN ('shop', 'partner')", name="orders_channel_known"),
    CheckConstraint(
        "(submitted_at IS NULL) = (agreed_amount IS NULL) AND (submitted_at IS NULL) = (agreed_currency IS NULL)"
        " AND (submitted_at IS NULL) = (customer IS NULL) AND (submitted_at IS NULL) = (delivery IS NULL)",
        name="orders_terms_whole",
    ),
    Index("orders_of_customer", "customer_id", "id"),
    Index("orders_changed", "changed_at"),
)

order_line = Table(
    "order_line",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("order_id", Uuid, ForeignKey("orders.id"), nullable=False),
    Column("kind", String(12), nullable=False),
    Column("title_ru", String(200), nullable=False),
    Column("title_en", String(200), nullable=False),
    Column("material", String(40), nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("quote_id", Uuid, nullable=False),
    Column("ring_size", String(12)),
    Column("file_id", Uuid),
    Column("sku", String(60)),
    Column("agreed_amount", Numeric(14, 2)),
    Column("agreed_currency", String(3)),
    Column("extras", JSONB(none_as_null=True)),
    CheckConstraint("quantity > 0", name="order_line_quantity_positive"),
    CheckConstraint(
        "(kind = 'custom' AND file_id IS NOT NULL AND sku IS NULL)"
        " OR (kind = 'ready_made' AND sku IS NOT NULL AND file_id IS NULL)",
        name="order_line_kind_whole",
    ),
    UniqueConstraint("order_id", "quote_id", name="order_line_quote_once"),
)

order_progress = Table(
    "order_progress",
    metadata,
    Column("order_id", Uuid, ForeignKey("orders.id"), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("status", String(30), nullable=False),
    Column("state", JSONB, nullable=False),
    _moment("told_at", nullable=False),
    Index("order_progress_told", "told_at"),
)

product = Table(
    "product",
    metadata,
    Column("sku", String(60), primary_key=True),
    Column("title_ru", String(200), nullable=False),
    Column("title_en", String(200), nullable=False),
    Column("material", String(40), nullable=False),
    Column("ring_sizes", ARRAY(String(12)), nullable=False),
    Column("position", SmallInteger, nullable=False),
    Column("for_sale", Boolean, nullable=False),
    Column("design", String(60), nullable=False, server_default=""),
    Column("kind", String(12), nullable=False, server_default=""),
    Column("about_ru", Text, nullable=False, server_default=""),
    Column("about_en", Text, nullable=False, server_default=""),
)

stock = Table(
    "stock",
    metadata,
    Column("sku", String(60), ForeignKey("product.sku"), primary_key=True),
    Column("stocked", BigInteger, nullable=False),
    Column("available", BigInteger, nullable=False),
    CheckConstraint("available BETWEEN 0 AND stocked", name="stock_available_real"),
)

stock_reservation = Table(
    "stock_reservation",
    metadata,
    Column("order_id", Uuid, primary_key=True),
    Column("state", String(10), nullable=False),
    _moment("decided_at", nullable=False),
    _moment("released_at"),
    Column("short_sku", Text),
    Column("short_asked", Integer),
    Column("short_available", BigInteger),
    CheckConstraint("state IN ('reserved', 'refused', 'released')", name="stock_reservation_state_known"),
    CheckConstraint("(state = 'refused') = (short_sku IS NOT NULL)", name="stock_reservation_shortage_whole"),
)

stock_movement = Table(
    "stock_movement",
    metadata,
    Column("order_id", Uuid, ForeignKey("stock_reservation.order_id"), primary_key=True),
    Column("sku", String(60), ForeignKey("stock.sku"), primary_key=True),
    Column("kind", String(10), primary_key=True),
    Column("pieces", Integer, nullable=False),
    _moment("at", nullable=False),
    CheckConstraint("kind IN ('reserve', 'release')", name="stock_movement_kind_known"),
    CheckConstraint("pieces > 0", name="stock_movement_pieces_positive"),
)
