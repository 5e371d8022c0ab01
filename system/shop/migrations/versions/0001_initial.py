"""Orders and their lines, the orchestrator's word on them, the catalogue and its stock."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from system.plumbing.schema import create_plumbing_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

RING_SIZES = [f"{half / 2:g}" for half in range(30, 45)]
"""Russian sizes, the inner diameter in mm: 15 to 22 in steps of 0.5."""

PLENTY = 1_000_000

PRODUCTS = [
    # sku, Russian title, English title, material, ring sizes, pieces in stock
    ("ring-classic-585", "Кольцо «Классика», золото 585", "Classic ring, 585 gold", "gold_585", RING_SIZES, PLENTY),
    ("ring-band-750", "Обручальное кольцо, золото 750", "Wedding band, 750 gold", "gold_750", RING_SIZES, PLENTY),
    ("earrings-drop-925", "Серьги-капли, серебро 925", "Drop earrings, 925 silver", "silver_925", [], PLENTY),
    ("pendant-drop-925", "Подвеска-капля, серебро 925", "Drop pendant, 925 silver", "silver_925", [], PLENTY),
    ("bracelet-chain-585", "Браслет-цепочка, золото 585", "Chain bracelet, 585 gold", "gold_585", [], PLENTY),
    (
        "ring-solitaire-950",
        "Кольцо «Солитер», платина 950",
        "Solitaire ring, 950 platinum",
        "platinum_950",
        RING_SIZES,
        3,
    ),
]


def _moment(name: str, **more: object) -> sa.Column:
    return sa.Column(name, sa.DateTime(timezone=True), **more)


def upgrade() -> None:
    """Creates the shop's tables and those of plumbing, and puts the first goods on the shelf."""
    create_plumbing_tables(op.get_bind())
    _orders()
    _catalogue()
    _stock()
    _fill()


def _orders() -> None:
    op.execute(sa.schema.CreateSequence(sa.Sequence("order_number", start=1)))
    op.create_table(
        "orders",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("number", sa.String(20), nullable=False, unique=True),
        sa.Column("channel", sa.String(10), nullable=False),
        sa.Column("customer_id", sa.Uuid, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        _moment("created_at", nullable=False),
        _moment("changed_at", nullable=False),
        _moment("model_attached_at"),
        _moment("submitted_at"),
        _moment("cancelled_at"),
        sa.Column("agreed_amount", sa.Numeric(14, 2)),
        sa.Column("agreed_currency", sa.String(3)),
        sa.Column("partner_reference", sa.String(100)),
        sa.Column("customer", postgresql.JSONB),
        sa.Column("delivery", postgresql.JSONB),
        _moment("consent_asked_at"),
        sa.Column("consent_accepted", sa.Boolean),
        sa.Column("consent_amount", sa.Numeric(14, 2)),
        sa.Column("consent_currency", sa.String(3)),
        _moment("consent_at"),
        sa.CheckConstraint("channel IN ('shop', 'partner')", name="orders_channel_known"),
        sa.CheckConstraint(
            "(submitted_at IS NULL) = (agreed_amount IS NULL) AND (submitted_at IS NULL) = (agreed_currency IS NULL)"
            " AND (submitted_at IS NULL) = (customer IS NULL) AND (submitted_at IS NULL) = (delivery IS NULL)",
            name="orders_terms_whole",
        ),
    )
    op.create_index("orders_of_customer", "orders", ["customer_id", "id"])
    op.create_index("orders_changed", "orders", ["changed_at"])
    op.create_table(
        "order_line",
        sa.Column("id", sa.Uuid, primary_key=True),
        sa.Column("order_id", sa.Uuid, sa.ForeignKey("orders.id"), nullable=False),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("title_ru", sa.String(200), nullable=False),
        sa.Column("title_en", sa.String(200), nullable=False),
        sa.Column("material", sa.String(40), nullable=False),
        sa.Column("quantity", sa.Integer, nullable=False),
        sa.Column("quote_id", sa.Uuid, nullable=False),
        sa.Column("ring_size", sa.String(12)),
        sa.Column("file_id", sa.Uuid),
        sa.Column("sku", sa.String(60)),
        sa.Column("agreed_amount", sa.Numeric(14, 2)),
        sa.Column("agreed_currency", sa.String(3)),
        sa.CheckConstraint("quantity > 0", name="order_line_quantity_positive"),
        sa.CheckConstraint(
            "(kind = 'custom' AND file_id IS NOT NULL AND sku IS NULL)"
            " OR (kind = 'ready_made' AND sku IS NOT NULL AND file_id IS NULL)",
            name="order_line_kind_whole",
        ),
        sa.UniqueConstraint("order_id", "quote_id", name="order_line_quote_once"),
    )
    op.create_table(
        "order_progress",
        sa.Column("order_id", sa.Uuid, sa.ForeignKey("orders.id"), primary_key=True),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("status", sa.String(30), nullable=False),
        sa.Column("state", postgresql.JSONB, nullable=False),
        _moment("told_at", nullable=False),
    )
    op.create_index("order_progress_told", "order_progress", ["told_at"])


def _catalogue() -> None:
    op.create_table(
        "product",
        sa.Column("sku", sa.String(60), primary_key=True),
        sa.Column("title_ru", sa.String(200), nullable=False),
        sa.Column("title_en", sa.String(200), nullable=False),
        sa.Column("material", sa.String(40), nullable=False),
        sa.Column("ring_sizes", postgresql.ARRAY(sa.String(12)), nullable=False),
        sa.Column("position", sa.SmallInteger, nullable=False),
        sa.Column("for_sale", sa.Boolean, nullable=False),
    )


def _stock() -> None:
    op.create_table(
        "stock",
        sa.Column("sku", sa.String(60), sa.ForeignKey("product.sku"), primary_key=True),
        sa.Column("stocked", sa.BigInteger, nullable=False),
        sa.Column("available", sa.BigInteger, nullable=False),
        sa.CheckConstraint("available BETWEEN 0 AND stocked", name="stock_available_real"),
    )
    op.create_table(
        "stock_reservation",
        sa.Column("order_id", sa.Uuid, primary_key=True),
        sa.Column("state", sa.String(10), nullable=False),
        _moment("decided_at", nullable=False),
        _moment("released_at"),
        sa.Column("short_sku", sa.Text),
        sa.Column("short_asked", sa.Integer),
        sa.Column("short_available", sa.BigInteger),
        sa.CheckConstraint("state IN ('reserved', 'refused', 'released')", name="stock_reservation_state_known"),
        sa.CheckConstraint("(state = 'refused') = (short_sku IS NOT NULL)", name="stock_reservation_shortage_whole"),
    )
    op.create_table(
        "stock_movement",
        sa.Column("order_id", sa.Uuid, sa.ForeignKey("stock_reservation.order_id"), primary_key=True),
        sa.Column("sku", sa.String(60), sa.ForeignKey("stock.sku"), primary_key=True),
        sa.Column("kind", sa.String(10), primary_key=True),
        sa.Column("pieces", sa.Integer, nullable=False),
        _moment("at", nullable=False),
        sa.CheckConstraint("kind IN ('reserve', 'release')", name="stock_movement_kind_known"),
        sa.CheckConstraint("pieces > 0", name="stock_movement_pieces_positive"),
    )


def _fill() -> None:
    goods = sa.table(
        "product",
        sa.column("sku"),
        sa.column("title_ru"),
        sa.column("title_en"),
        sa.column("material"),
        sa.column("ring_sizes", postgresql.ARRAY(sa.String(12))),
        sa.column("position"),
        sa.column("for_sale"),
    )
    shelf = sa.table("stock", sa.column("sku"), sa.column("stocked"), sa.column("available"))
    op.bulk_insert(
        goods,
        [
            {
                "sku": sku,
                "title_ru": russian,
                "title_en": english,
                "material": material,
                "ring_sizes": sizes,
                "position": position,
                "for_sale": True,
            }
            for position, (sku, russian, english, material, sizes, _) in enumerate(PRODUCTS, start=1)
        ],
    )
    op.bulk_insert(
        shelf, [{"sku": sku, "stocked": pieces, "available": pieces} for sku, _, _, _, _, pieces in PRODUCTS]
    )
