"""How fast a model is measured, beside trimesh, meshlib and vtk, in one interleaved run: `python -m perf.mesh`.

Each program parses a file and finds volume, area, whether it is closed, and its bodies: each with volume, area and
box (ours, trimesh), or how many (meshlib, vtk). At 5 M also everything a price needs, wall thickness and shared metal too, beside
meshlib with as many rays. Only ratios of one run hold. `--peers DIR` is an environment that has them (`requirements/bench.txt`);
without it they are left out, which is a missed bar. Files below 10 MB are measured nine times by each process, below
1 MB eighty-one times.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from perf.mesh_files import SIZES, Model, models
from tools.prepare import state

PEERS = state.STATE / "bench"
_SIDE = Path(__file__).with_name("mesh_side.py")
FOLDER = state.STATE / "perf" / "meshes"
IDLE_BYTES = 32 << 20
"""What a coherent file may take beside its share."""
_MEMORY_SHARE, _MEMORY_SHARE_SHUFFLED = 0.15, 1.2
_TRIMESH_MIN, _TRIMESH_SHUFFLED_MIN, _MESHLIB_MIN = 30.0, 15.0, 4.0
_GROWTH_MAX, _TEXT_MIN, _PACKAGE_MIN, _WHOLE_MIN = 6.0, 7.0, 10.0, 3.0
_SMALL_BYTES, _SMALL_TIMES, _LEAST_BYTES = 10 << 20, 9, 1 << 20
_OURS = {"ours": "system.meshes.engine", "ours-whole": "system.pricing.adapters.mesh"}


@dataclass(frozen=True, slots=True)
class Figure:
    """Seconds by the clock and of processor time for one program and one file, and the memory it took over idle, in bytes."""

    seconds: float
    processor_s: float
    memory_bytes: int


def sides(peers: Path) -> dict[str, str]:
    """The interpreter of each program that is there."""
    found = {"read": sys.executable, **dict.fromkeys(_OURS, sys.executable)}
    python = peers / "bin" / "python"
    if python.exists():
        found |= dict.fromkeys(("trimesh", "meshlib", "meshlib-rays", "vtk"), str(python))
    return found


def measured(side: str, python: str, path: Path, rounds: int) -> Figure:
    """One side on one file in a process of its own. Raises CalledProcessError when it fails."""
    # Ours says of itself what the others are asked by `mesh_side.py`: judges do not import what they judge.
    command = ["-m", _OURS[side], "time"] if side in _OURS else [str(_SIDE), side]
    told = subprocess.run(
        [python, *command, str(path), str(rounds)],
        capture_output=True,
        text=True,
        check=True,
        cwd=state.ROOT,
    ).stdout
    found = json.loads(told.splitlines()[-1])
    return Figure(median(found["seconds"]), median(found["processor"]), int(found["memory_bytes"]))


def _times(path: Path) -> int:
    """How often a file is measured in one process: a small one is over before a fresh process has touched its memory once, and the
    smallest before a processor has come to its pace."""
    size_bytes = path.stat().st_size
    if size_bytes < _LEAST_BYTES:
        return _SMALL_TIMES * _SMALL_TIMES
    return _SMALL_TIMES if size_bytes < _SMALL_BYTES else 1


def compare(names: Sequence[str], chosen: Sequence[Model], rounds: int, peers: Path) -> dict[tuple[str, str], Figure]:
    """Every program on every file, round by round, so that a busy minute is everybody's."""
    present = {side: python for side, python in sides(peers).items() if side in names}
    told: dict[tuple[str, str], list[Figure]] = {}
    for model in chosen:
        for _ in range(rounds):
            for side, python in present.items():
                if side in model.sides:
                    figure = measured(side, python, model.path, _times(model.path))
                    told.setdefault((model.name, side), []).append(figure)
        line = [f"{model.name:>14}"]
        for side in present:
            if figures := told.get((model.name, side)):
                whole = _whole(figures)
                line.append(
                    f"{side} {whole.seconds * 1e3:.1f} ms ({whole.processor_s * 1e3:.1f} of a core)"
                    f" {whole.memory_bytes / 1e6:.0f} MB"
                )
        print(" | ".join(line), flush=True)
    return {key: _whole(figures) for key, figures in told.items()}


def _whole(figures: Sequence[Figure]) -> Figure:
    """The medians of all rounds, and the most memory of any."""
    return Figure(
        median(each.seconds for each in figures),
        median(each.processor_s for each in figures),
        max(each.memory_bytes for each in figures),
    )


def verdict(found: dict[tuple[str, str], Figure], chosen: Sequence[Model]) -> tuple[str, list[str]]:
    """The last line, and every bar that was missed."""
    missed: list[str] = []

    def ratio(name: str, side: str, least: float, ours: str = "ours") -> float | None:
        if (name, side) not in found or (name, ours) not in found:
            missed.append(f"{name}: {side} was not measured")
            return None
        value = found[name, side].seconds / found[name, ours].seconds
        if value < least:
            missed.append(f"{name}: {value:.1f} times as fast as {side}, not {least:g}")
        return value

    beside: dict[str, list[float]] = {"trimesh": [], "meshlib": []}
    memory = 0.0
    for model in chosen:
        if model.kind == "whole":
            if (value := ratio(model.name, "meshlib-rays", _WHOLE_MIN, "ours-whole")) is not None:
                print(f"{model.name}: {value:.1f} times as fast as meshlib with rays")
            continue
        least = {"text": _TEXT_MIN, "3mf": _PACKAGE_MIN, "shuffled": _TRIMESH_SHUFFLED_MIN}.get(
            model.kind, _TRIMESH_MIN
        )
        value = ratio(model.name, "trimesh", least)
        if value is not None and model.kind == "coherent":
            beside["trimesh"].append(value)
        if model.kind in ("coherent", "shuffled") and (value := ratio(model.name, "meshlib", _MESHLIB_MIN)) is not None:
            beside["meshlib"].append(value)
        if model.kind in ("coherent", "shuffled") and (model.name, "ours") in found:
            share, room = (_MEMORY_SHARE, IDLE_BYTES) if model.kind == "coherent" else (_MEMORY_SHARE_SHUFFLED, 0)
            # Of a small shuffled file what Python itself moves counts more than the file.
            allowed = max(share * model.path.stat().st_size + room, IDLE_BYTES)
            taken = found[model.name, "ours"].memory_bytes / allowed
            memory = max(memory, taken)
            if taken > 1:
                missed.append(f"{model.name}: {taken:.2f} of the memory it may take")
    growth = None
    if ("5m", "ours") in found and ("1m", "ours") in found:
        growth = found["5m", "ours"].seconds / found["1m", "ours"].seconds
        if growth >= _GROWTH_MAX:
            missed.append(f"five times the triangles took {growth:.2f} times as long")
    least_of = {side: f"{min(values):.1f}x" if values else "none" for side, values in beside.items()}
    grown = f"{growth:.2f}x" if growth is not None else "none"
    return (
        f"mesh: trimesh={least_of['trimesh']} meshlib={least_of['meshlib']} growth={grown} memory={memory:.2f}x",
        missed,
    )


def main(arguments: list[str]) -> int:
    """Exit status 0 when every bar that could be looked at is held."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="10k,100k,1m,5m", help=f"of {', '.join(SIZES)}")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sides", default="read,ours,ours-whole,trimesh,meshlib,meshlib-rays,vtk")
    parser.add_argument("--peers", type=Path, default=PEERS)
    asked = parser.parse_args(arguments)
    chosen = models(asked.sizes.split(","), FOLDER)
    found = compare(asked.sides.split(","), chosen, asked.rounds, asked.peers)
    line, missed = verdict(found, chosen)
    for bar in missed:
        print(f"missed: {bar}")
    print(line)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
