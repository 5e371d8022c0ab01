"""The models of the manifest: what is found is what formulas say, and what trimesh says where it says anything."""

from __future__ import annotations

import io
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
import trimesh

from fixtures.models3d import expected, faults, manifest, model
from system.pricing.domain.mesh import LengthUnit
from system.pricing.domain.price_book import PriceBook

COMMITTED = sorted(name for name, entry in manifest().items() if entry.get("committed"))
MADE = sorted(set(manifest()) - set(COMMITTED))
QUICK = {"block", "box-shell-0.5", "cable-chain", "filigree-pendant", "flat-band", "pave-band", "sleeve-0.3"}
"""Of the models that are made when asked for, one of each kind; the others are for the night."""
SMALL = [*COMMITTED, *(name if name in QUICK else pytest.param(name, marks=pytest.mark.long) for name in MADE)]
LARGER = ["torus-ring-100k", "pave-ring-100k", "inside-out-ring-100k", "signet-ring-100k", "band-ring-100k"]


@pytest.mark.parametrize("name", [*SMALL, *LARGER, *(f"comfort-band-{fault}" for fault in sorted(faults()))])
def test_model_measures_as_its_manifest_says(name: str, find: Callable[..., dict[str, dict[str, Any]]]) -> None:
    told = expected(name)
    found = find(model(name).read_bytes())
    if told.verdict not in ("ready", "size-implausible"):
        assert found["refused"]["code"] == told.verdict
        assert "checked" not in found
        return
    checked = found["checked"]
    scale = float(LengthUnit(told.unit).in_mm)
    if told.volume_mm3 is not None:
        assert float(checked["volume"]) * scale**3 == pytest.approx(told.volume_mm3, rel=told.tolerance)
        assert float(checked["area"]) * scale**2 == pytest.approx(told.area_mm2, rel=told.area_tolerance)
    if told.bodies is not None:
        assert checked["shell_count"] == told.bodies + told.cavities
    assert tuple(disclosed["code"] for disclosed in checked["disclosures"]) == told.discloses


def test_golden_ring_is_0_191_cm3_from_its_file(find: Callable[..., Any], book: PriceBook) -> None:
    found = find(model("torus-ring-100k").read_bytes())
    assert round(Decimal(found["checked"]["volume"]) / 1000, 3) == Decimal("0.191")


@pytest.mark.parametrize("name", ["torus-ring", "band-ring", "signet-ring", "hollow-pendant", "ascii-ring"])
def test_trimesh_agrees(name: str, find: Callable[..., Any]) -> None:
    oracle: Any = trimesh.load(io.BytesIO(model(name).read_bytes()), file_type="stl")
    checked = find(model(name).read_bytes())["checked"]
    assert float(checked["volume"]) == pytest.approx(oracle.volume, rel=1e-5)
    assert float(checked["area"]) == pytest.approx(oracle.area, rel=1e-5)
    assert np.allclose([float(side) for side in checked["extents"]], oracle.extents, rtol=1e-6)


def test_facets_turned_hide_metal_from_the_first_look_only(find: Callable[..., Any]) -> None:
    whole = find(model("torus-ring").read_bytes())["checked"]["volume"]
    found = find(model("inside-out-ring").read_bytes())
    assert float(found["measured"]["volume"]) < 0.5 * float(whole)
    assert found["checked"]["volume"] == whole


def test_ring_inside_out_as_a_whole_is_estimated_right_at_once(find: Callable[..., Any]) -> None:
    found = find(model("inverted-ring").read_bytes())
    assert found["measured"]["volume"] == found["checked"]["volume"]
