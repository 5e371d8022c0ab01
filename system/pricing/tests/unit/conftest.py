"""What the unit tests share: the first price book, and a way to measure triangles."""

from __future__ import annotations

import io
import tomllib
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fixtures.models3d.generate import binary_stl
from system.pricing.adapters.mesh.analyse import analyse
from system.pricing.domain.mesh import MeshMeasure
from system.pricing.domain.price_book import PriceBook
from system.pricing.tests.unit.hurting import Asked, nursery

FIRST_BOOK = Path(__file__).parents[2] / "adapters" / "price_book_1.toml"
Findings = dict[str, dict[str, Any]]


@pytest.fixture(scope="session")
def book_data() -> dict[str, Any]:
    """The first price book as plain data."""
    with FIRST_BOOK.open("rb") as file:
        return tomllib.load(file)


@pytest.fixture
def book(book_data: dict[str, Any]) -> PriceBook:
    """The first price book."""
    return PriceBook.from_data(book_data, version=1)


@pytest.fixture
def torus() -> MeshMeasure:
    """The golden ring, from its formulas: inner diameter 17.35 mm, wire 2 mm."""
    return MeshMeasure(
        volume_mm3=Decimal("190.9696"),
        area_mm2=Decimal("381.939"),
        extents_mm=(Decimal("21.35"), Decimal("21.35"), Decimal("2")),
        triangle_count=1024,
        shell_count=1,
        checked=True,
    )


@pytest.fixture
def find() -> Callable[[bytes | np.ndarray], Findings]:
    """Measures a file's bytes, or triangles, and returns the findings by stage."""

    def measured(what: bytes | np.ndarray) -> Findings:
        body = what if isinstance(what, bytes) else binary_stl(what, title="test")
        findings: list[dict[str, Any]] = []
        analyse(io.BytesIO(body), findings.append)
        return {finding["stage"]: finding for finding in findings}

    return measured


@pytest.fixture(scope="session")
def answer_to(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    """Measures a file in a fork of a process that has the limits of the measuring one."""
    with nursery(tmp_path_factory.mktemp("hurting")) as asked:
        yield asked
