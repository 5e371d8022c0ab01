"""The tables of MES. `migrations/` creates them; a test holds the two together."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    MetaData,
    Numeric,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

metadata = MetaData()
APPEND_ONLY = ("pay_ledger", "pay_rate", "pay_rate_withdrawal", "weighing", "work_order_history", "withdrawal")

# Predicates of partial indexes. Queries repeat them literally: a bound parameter would hide the index from a prepared plan.
ON_THE_BOARD = "state = 'RELEASED'"
CLAIMED = "state = 'CLAIMED'"
IN_WORK = "state IN ('CLAIMED', 'COMPLETED', 'PACKING')"
MADE = "state = 'COMPLETED'"
UNFINISHED = "state IN ('RELEASED', 'CLAIMED', 'COMPLETED', 'PACKING')"


def _moment(name: str, **more: Any) -> Column[Any]:
    return Column(name, DateTime(timezone=True), **more)


work_order = Table(
    "work_order",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("order_id", Uuid, nullable=False),
    Column("line_id", Uuid, nullable=False),
    Column("order_number", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("material", Text, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("ring_size", Text),
    Column("file_id", Uuid),
    Column("sku", Text),
    Column("weight_g", Numeric(14, 4)),
    _moment("approved_at", nullable=False),
    _moment("promise_at", nullable=False),
    _moment("released_at", nullable=False),
    Column("state", String(12), nullable=False),
    _moment("state_since", nullable=False),
    Column("claim_no", Integer, nullable=False, server_default="0"),
    Column("claimed_by", Uuid),
    Column("claimed_by_name", Text),
    _moment("claimed_at"),
    Column("rework_count", Integer, nullable=False, server_default="0"),
    Column("carrier", Text),
    Column("tracking_number", Text),
    Column("extras", JSONB(none_as_null=True)),
    CheckConstraint(
        "state IN ('RELEASED', 'CLAIMED', 'COMPLETED', 'PACKING', 'SHIPPED', 'WITHDRAWN')",
        name="work_order_state_known",
    ),
    CheckConstraint(
        "CASE state WHEN 'RELEASED' THEN claimed_by IS NULL WHEN 'WITHDRAWN' THEN true ELSE claimed_by IS NOT NULL END",
        name="work_order_claimed_when_in_work",
    ),
    CheckConstraint("quantity > 0", name="work_order_quantity_positive"),
    CheckConstraint("approved_at <= released_at", name="work_order_released_after_approval"),
    # The first three columns are the order of every tab; by the others what does not fit is passed over in the index itself.
    Index(
        "work_order_unfinished",
        "state",
        text("approved_at DESC"),
        text("id DESC"),
        "promise_at",
        "released_at",
        "material",
        "channel",
        postgresql_where=text(UNFINISHED),
    ),
    # By bytes, whatever the database's collation: the numbers that begin alike are a range.
    Index("work_order_unfinished_number", text('order_number COLLATE "C"'), postgresql_where=text(UNFINISHED)),
    Index(
        "work_order_board_material",
        "material",
        text("approved_at DESC"),
        text("id DESC"),
        postgresql_where=text(ON_THE_BOARD),
    ),
    Index(
        "work_order_board_channel",
        "channel",
        text("approved_at DESC"),
        text("id DESC"),
        postgresql_where=text(ON_THE_BOARD),
    ),
    Index("work_order_mine", "claimed_by", text("approved_at DESC"), text("id DESC"), postgresql_where=text(IN_WORK)),
    Index("work_order_number", "order_number"),
    Index("work_order_order", "order_id"),
    Index("work_order_state_since", "state_since"),
)

work_order_history = Table(
    "work_order_history",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("work_order_id", Uuid, ForeignKey("work_order.id"), nullable=False),
    _moment("at", nullable=False),
    Column("state", String(12), nullable=False),
    Column("claim_no", Integer, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text),
    Index("work_order_history_work_order", "work_order_id", "id"),
    Index("work_order_history_at", "at"),
    Index("work_order_history_made", "at", postgresql_where=text(MADE)),
)

parcel = Table(
    "parcel",
    metadata,
    Column("carrier", Text, nullable=False),
    Column("tracking_number", Text, nullable=False),
    Column("order_id", Uuid, nullable=False),
    _moment("at", nullable=False),
    PrimaryKeyConstraint("carrier", "tracking_number"),
)


def _rate_columns() -> tuple[Column[Any], ...]:
    return (
        Column("material", Text, nullable=False),
        _moment("valid_from", nullable=False),
        Column("per_piece", Numeric(14, 2), nullable=False),
        Column("per_gram", Numeric(14, 2), nullable=False),
        Column("currency", String(3), nullable=False),
        Column("set_by", Uuid),
        Column("set_by_name", Text),
        _moment("set_at"),
        Column("reason", Text),
    )


# The database shows the application no rate that was withdrawn: a policy of the table, made by migration 0004.
pay_rate = Table("pay_rate", metadata, *_rate_columns(), PrimaryKeyConstraint("material", "valid_from"))

# It repeats what the rate said, since the rate itself is not shown any more.
pay_rate_withdrawal = Table(
    "pay_rate_withdrawal",
    metadata,
    *_rate_columns(),
    Column("withdrawn_by", Uuid, nullable=False),
    Column("withdrawn_by_name", Text, nullable=False),
    _moment("withdrawn_at", nullable=False),
    Column("withdrawn_because", Text, nullable=False),
    PrimaryKeyConstraint("material", "valid_from"),
    ForeignKeyConstraint(["material", "valid_from"], ["pay_rate.material", "pay_rate.valid_from"]),
    CheckConstraint("withdrawn_at < valid_from", name="pay_rate_withdrawal_before_it_begins"),
)

pay_ledger = Table(
    "pay_ledger",
    metadata,
    Column("work_order_id", Uuid, ForeignKey("work_order.id"), nullable=False),
    Column("claim_no", Integer, nullable=False),
    Column("kind", String(8), nullable=False),
    Column("operator_id", Uuid, nullable=False),
    Column("operator_name", Text, nullable=False),
    Column("order_id", Uuid, nullable=False),
    Column("order_number", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("amount", Numeric(14, 2), nullable=False),
    Column("currency", String(3), nullable=False),
    _moment("at", nullable=False),
    PrimaryKeyConstraint("work_order_id", "claim_no", "kind"),
    CheckConstraint(
        "CASE kind WHEN 'earn' THEN amount >= 0 WHEN 'reverse' THEN amount <= 0 ELSE false END",
        name="pay_ledger_sign_fits_kind",
    ),
    Index(
        "pay_ledger_operator",
        "operator_id",
        text("at DESC"),
        text("work_order_id DESC"),
        text("claim_no DESC"),
        text("kind DESC"),
    ),
)

weighing = Table(
    "weighing",
    metadata,
    Column("work_order_id", Uuid, ForeignKey("work_order.id"), nullable=False),
    Column("stage", String(8), nullable=False),
    Column("no", Integer, nullable=False),
    Column("claim_no", Integer, nullable=False),
    Column("grams", Numeric(10, 2), nullable=False),
    Column("operator_id", Uuid, nullable=False),
    Column("operator_name", Text, nullable=False),
    _moment("at", nullable=False),
    Column("in_doubt", Boolean, nullable=False),
    PrimaryKeyConstraint("work_order_id", "stage", "no"),
    CheckConstraint("stage IN ('cast', 'finished')", name="weighing_stage_known"),
    CheckConstraint("grams > 0", name="weighing_grams_positive"),
)

withdrawal = Table(
    "withdrawal",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("order_id", Uuid, nullable=False),
    Column("requested_by", Text, nullable=False),
    Column("by_seller", Boolean, nullable=False),
    Column("reason", Text),
    Column("accepted", Boolean, nullable=False),
    Column("held_by", Text),
    _moment("decided_at", nullable=False),
    Index("withdrawal_order", "order_id"),
)

order_status = Table(
    "order_status",
    metadata,
    Column("order_id", Uuid, primary_key=True),
    Column("number", String(40), nullable=False),
    Column("version", Integer, nullable=False),
    Column("status", String(40), nullable=False),
    _moment("status_since", nullable=False),
    _moment("promise_at", nullable=False),
    Column("cancellation_requested", Boolean, nullable=False),
    Column("allowed", ARRAY(String(40)), nullable=False),
    _moment("heard_at", nullable=False),
    Index("order_status_heard", "heard_at"),
)

operator = Table(
    "operator",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    _moment("seen_at", nullable=False),
)
