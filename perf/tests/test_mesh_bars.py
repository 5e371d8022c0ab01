"""What `make bench-mesh` says of figures, whatever they are: each bar held, missed, or not looked at, which is missed too."""

from __future__ import annotations

from pathlib import Path

import pytest

from perf.mesh import Figure, verdict
from perf.mesh_files import WHOLE_SIDES, Model

MB = 1_000_000
FILE_BYTES = {"1m": 50 * MB, "1m-shuffled": 50 * MB, "1m-text": 250 * MB, "1m.3mf": 10 * MB, "5m": 250 * MB}
KINDS = {"1m": "coherent", "1m-shuffled": "shuffled", "1m-text": "text", "1m.3mf": "3mf", "5m": "coherent"}
OURS_S = {"1m": 0.1, "1m-shuffled": 0.3, "1m-text": 1.0, "1m.3mf": 1.0, "5m": 0.55}
PEERS_S = {
    "1m": {"trimesh": 4.0, "meshlib": 0.5},
    "1m-shuffled": {"trimesh": 5.0, "meshlib": 1.5},
    "1m-text": {"trimesh": 8.0},
    "1m.3mf": {"trimesh": 12.0},
    "5m": {"trimesh": 20.0, "meshlib": 2.5},
}


@pytest.fixture
def chosen(tmp_path: Path) -> list[Model]:
    """The files, by their sizes alone."""
    made = []
    for name, size_bytes in FILE_BYTES.items():
        path = tmp_path / name
        with path.open("wb") as file:
            file.truncate(size_bytes)
        made.append(Model(name, path, KINDS[name]))
    return [*made, Model("5m whole", tmp_path / "5m", "whole", WHOLE_SIDES)]


@pytest.fixture
def found() -> dict[tuple[str, str], Figure]:
    """Figures that hold every bar."""
    figures = {(name, "ours"): Figure(seconds, seconds, 1 * MB) for name, seconds in OURS_S.items()}
    figures |= {
        (name, side): Figure(seconds, seconds, 0) for name, peers in PEERS_S.items() for side, seconds in peers.items()
    }
    return figures | {
        ("5m whole", "ours-whole"): Figure(2.0, 2.0, 0),
        ("5m whole", "meshlib-rays"): Figure(7.0, 7.0, 0),
    }


def test_every_bar_is_held(found: dict[tuple[str, str], Figure], chosen: list[Model]) -> None:
    line, missed = verdict(found, chosen)
    assert missed == []
    assert line == "mesh: trimesh=36.4x meshlib=4.5x growth=5.50x memory=0.02x"


@pytest.mark.parametrize(
    ("name", "side", "figure", "said"),
    [
        ("1m", "trimesh", Figure(2.9, 2.9, 0), "29.0 times as fast as trimesh, not 30"),
        ("1m-shuffled", "trimesh", Figure(4.2, 4.2, 0), "14.0 times as fast as trimesh, not 15"),
        ("1m-text", "trimesh", Figure(6.0, 6.0, 0), "6.0 times as fast as trimesh, not 7"),
        ("1m.3mf", "trimesh", Figure(9.0, 9.0, 0), "9.0 times as fast as trimesh, not 10"),
        ("1m-shuffled", "meshlib", Figure(0.9, 0.9, 0), "3.0 times as fast as meshlib, not 4"),
        ("5m whole", "meshlib-rays", Figure(5.0, 5.0, 0), "2.5 times as fast as meshlib-rays, not 3"),
        ("5m", "ours", Figure(0.61, 0.61, 0), "five times the triangles took 6.10 times as long"),
        ("5m", "ours", Figure(0.55, 0.55, 75 * MB), "of the memory it may take"),
        ("1m-shuffled", "ours", Figure(0.3, 0.3, 61 * MB), "of the memory it may take"),
    ],
)
def test_a_bar_that_is_missed_is_named(
    found: dict[tuple[str, str], Figure], chosen: list[Model], name: str, side: str, figure: Figure, said: str
) -> None:
    _, missed = verdict(found | {(name, side): figure}, chosen)
    [bar] = missed
    assert bar.startswith(f"{name}: ") or name == "5m"
    assert said in bar


@pytest.mark.parametrize(("name", "side"), [("1m", "trimesh"), ("1m.3mf", "trimesh"), ("5m whole", "meshlib-rays")])
def test_what_was_not_measured_is_missed(
    found: dict[tuple[str, str], Figure], chosen: list[Model], name: str, side: str
) -> None:
    del found[name, side]
    assert verdict(found, chosen)[1] == [f"{name}: {side} was not measured"]
