"""Pricing's tables. The migration creates them; this is how the code names them."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Identity,
    Integer,
    MetaData,
    Numeric,
    String,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

metadata = MetaData()
NULLABLE_JSON = JSONB(none_as_null=True)
"""An absent document is SQL NULL, which constraints see, and not the JSON word null."""
APPEND_ONLY = ("price_book", "price_book_plan", "price_book_plan_end", "mesh_analysis")


def _moment(name: str, **more: Any) -> Column[Any]:
    return Column(name, DateTime(timezone=True), **more)


price_book = Table(
    "price_book",
    metadata,
    Column("version", Integer, primary_key=True),
    Column("book", JSONB, nullable=False),
    Column("made_by", String(200), nullable=False),
    _moment("made_at", nullable=False),
    Column("reason", Text),
)

price_book_plan = Table(
    "price_book_plan",
    metadata,
    Column("plan_id", Uuid, primary_key=True),
    Column("made_from", Integer, nullable=False),
    Column("changes", JSONB, nullable=False),
    Column("reason", Text, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("actor_id", Uuid, nullable=False),
    _moment("made_at", nullable=False),
    _moment("starts_at", nullable=False),
)

price_book_plan_end = Table(
    "price_book_plan_end",
    metadata,
    Column("plan_id", Uuid, primary_key=True),
    Column("outcome", String(12), nullable=False),
    Column("version", Integer),
    Column("told", Text),
    Column("ended_by", Text),
    _moment("ended_at", nullable=False),
)

mesh_analysis = Table(
    "mesh_analysis",
    metadata,
    Column("mesh_sha256", String(64), primary_key=True),
    Column("analyser_version", Integer, primary_key=True),
    Column("first_look", NULLABLE_JSON),
    Column("measure", NULLABLE_JSON),
    Column("problem", NULLABLE_JSON),
    _moment("analysed_at", nullable=False),
)

quote = Table(
    "quote",
    metadata,
    Column("quote_id", Uuid, primary_key=True),
    Column("owner_id", Uuid, nullable=False),
    Column("status", String(12), nullable=False),
    Column("kind", String(12), nullable=False),
    Column("material", String(60), nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("ring_size", String(20)),
    Column("file_id", Uuid),
    Column("mesh_sha256", String(64)),
    Column("sku", String(80)),
    Column("unit", String(4), nullable=False),
    # Whoever asked named it; else it is the one that the file says, once it is known, or mm.
    Column("unit_named", Boolean, nullable=False, server_default=text("true")),
    Column("stones", JSONB, nullable=False),
    Column("plating", String(60)),
    Column("engraving", NULLABLE_JSON),
    Column("estimate_amount", Numeric(14, 2)),
    Column("total_amount", Numeric(14, 2)),
    Column("currency", String(3)),
    Column("breakdown", NULLABLE_JSON),
    Column("weight_g", Numeric(12, 2)),
    Column("mesh", NULLABLE_JSON),
    Column("problem", NULLABLE_JSON),
    Column("price_book_version", Integer, nullable=False),
    Column("spot_per_g", Numeric(14, 4), nullable=False),
    Column("replaces", Uuid),
    Column("remade_because", ARRAY(Text), nullable=False),
    _moment("created_at", nullable=False),
    _moment("finished_at"),
    _moment("valid_until"),
    Column("difference", NULLABLE_JSON),
    # Set by the database whenever a row is updated, whichever release does it; never since a quote was added.
    _moment("changed_at"),
)

calculation = Table(
    "calculation",
    metadata,
    Column("quote_id", Uuid, primary_key=True),
    Column("file_bytes", BigInteger),
    Column("asked_by", String(20), nullable=False),
    _moment("started_at"),
    _moment("finished_at"),
    Column("stage", String(20)),
    _moment("stage_at"),
    Column("triangle_count", BigInteger),
    # What its turn is decided by (domain/fairness.py); the release before notes none of it.
    Column("triangles", BigInteger),
    Column("place", BigInteger),
    Column("clock", BigInteger),
)

fair_clock = Table(
    "fair_clock", metadata, Column("clock", BigInteger, nullable=False), Column("advance", BigInteger, nullable=False)
)

fair_share = Table(
    "fair_share", metadata, Column("asker", Uuid, primary_key=True), Column("served_to", BigInteger, nullable=False)
)

calculation_setback = Table(
    "calculation_setback",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("quote_id", Uuid, nullable=False),
    _moment("at", nullable=False),
    Column("code", String(40), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("details", JSONB, nullable=False),
)

price_request = Table(
    "price_request",
    metadata,
    Column("order_id", Uuid, primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("lines", JSONB, nullable=False),
    Column("state", String(12), nullable=False),
    Column("outcome", String(12)),
    _moment("requested_at", nullable=False),
    _moment("settled_at"),
)

price_request_quote = Table(
    "price_request_quote",
    metadata,
    Column("order_id", Uuid, primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("quote_id", Uuid, primary_key=True),
)
