"""Many rows in one parameter."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

import orjson
import pytest
from sqlalchemy import Column, DateTime, MetaData, Numeric, String, Table, Uuid

from system.plumbing.rows import as_rows, given, inserting, saving

PIECE = Table(
    "piece",
    MetaData(),
    Column("id", Uuid),
    Column("weight_g", Numeric(14, 2)),
    Column("made_at", DateTime(timezone=True)),
    Column("metal", String(20)),
)


class Metal(StrEnum):
    SILVER = "silver_925"


def test_the_text_names_each_column_with_its_type_and_keeps_the_order_of_the_rows() -> None:
    assert str(inserting(PIECE, "id", "weight_g", "made_at")) == (
        "INSERT INTO piece (id, weight_g, made_at) SELECT id, weight_g, made_at FROM ROWS FROM"
        " (jsonb_to_recordset(CAST(:rows AS jsonb)) AS (id UUID, weight_g NUMERIC(14, 2), made_at TIMESTAMP WITH TIME ZONE))"
        " WITH ORDINALITY AS given (id, weight_g, made_at, place) ORDER BY place "
    )


def test_a_row_that_is_there_keeps_its_key_and_gets_the_other_values() -> None:
    text = str(saving(PIECE, "id", "weight_g", "metal", key=("id",)))
    assert text.endswith("ON CONFLICT (id) DO UPDATE SET weight_g = excluded.weight_g, metal = excluded.metal")


def test_a_column_can_be_given_under_another_name() -> None:
    assert "(id UUID, read_metal VARCHAR(20))" in given(PIECE.c.id, read_metal=PIECE.c.metal)


def test_values_go_over_exactly() -> None:
    row = {
        "id": UUID(int=7),
        "weight_g": Decimal("12345678901234567890.10"),
        "made_at": datetime(2026, 3, 2, 9, 0, 0, 1, tzinfo=UTC),
        "metal": Metal.SILVER,
        "details": {"parts": [1, None, "a\"b'c:\\d"]},
    }
    assert orjson.loads(as_rows([row])["rows"]) == [
        {
            "id": "00000000-0000-0000-0000-000000000007",
            "weight_g": "12345678901234567890.10",
            "made_at": "2026-03-02T09:00:00.000001+00:00",
            "metal": "silver_925",
            "details": {"parts": [1, None, "a\"b'c:\\d"]},
        }
    ]


def test_what_no_column_holds_is_refused() -> None:
    with pytest.raises(TypeError, match="object"):
        as_rows([{"id": object()}])
