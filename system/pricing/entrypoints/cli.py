"""`python -m system.pricing analyse FILE ...`: what measuring models finds, without a database."""

from __future__ import annotations

import argparse
import asyncio
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

from system.pricing.adapters.mesh.supervisor import MeshSupervisor
from system.pricing.application.ports import MeasuringKilled
from system.pricing.application.views import mesh_view, problem_view, thickness_view, verdicts_view
from system.pricing.domain.costing import weight_of
from system.pricing.domain.mesh import Character, LengthUnit, MeshMeasure, Problem
from system.pricing.domain.price_book import PriceBook
from system.pricing.domain.quote import size_problem
from system.pricing.domain.verdict import verdicts_of, wall_problem

FIRST_BOOK = Path(__file__).parents[1] / "adapters" / "price_book_1.toml"
TIMEOUT_S = 120.0
MEMORY_BYTES = 1_150 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Found:
    """What measuring one file found, in mm: its first look, the last measure, and why it has no price."""

    first_look: MeshMeasure | None
    measure: MeshMeasure | None
    problem: Problem | None


def analyse(arguments: list[str]) -> int:
    """Prints what is found of each file; of several as blocks, or as one JSON array. A file that cannot be read has its problem told.

    Exit status 0 when every model can be priced, 1 when one cannot, 2 for wrong usage.
    """
    parser = argparse.ArgumentParser(prog="python -m system.pricing analyse", description=analyse.__doc__)
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE")
    parser.add_argument("--unit", type=LengthUnit, choices=list(LengthUnit), help="else what the file says, or mm")
    parser.add_argument("--json", action="store_true", help="print a JSON object, or an array of several")
    parser.add_argument(
        "--points", action="store_true", help="with --json: also x, y, z and thickness of measured points"
    )
    options = parser.parse_args(arguments)
    with FIRST_BOOK.open("rb") as file:
        book = PriceBook.from_data(tomllib.load(file), version=1)
    reports = []
    for path in options.files:
        found = _measured(path, options.unit, book)
        reports.append({"file": str(path)} | _report(found, book, points=options.points))
    if options.json:
        print(json.dumps(reports if len(reports) > 1 else reports[0], ensure_ascii=False, indent=2))
    else:
        titled = len(reports) > 1
        print("\n\n".join((f"{report['file']}\n" if titled else "") + _text(report) for report in reports))
    return 0 if all(report["verdict"] == "ready" for report in reports) else 1


def _measured(path: Path, named: LengthUnit | None, book: PriceBook) -> Found:
    try:
        # Opened only when it is a file: a pipe would be waited for.
        if not path.is_file():
            raise FileNotFoundError(path)
        with path.open("rb") as file:
            findings = asyncio.run(_findings(file))
    except MeasuringKilled as error:
        return Found(None, None, replace(Problem.of("analysis-crashed", reason="killed"), detail=f"{path}: {error}"))
    except OSError as error:
        said = error.strerror or "there is no file of this name"
        return Found(None, None, replace(Problem.of("file-unavailable"), detail=f"{path}: {said}."))
    unit = named or next((each.unit for each in findings if isinstance(each, MeshMeasure) and each.unit), LengthUnit.MM)
    measures = [finding.in_unit(unit) for finding in findings if isinstance(finding, MeshMeasure)]
    problem = next((finding for finding in findings if isinstance(finding, Problem)), None)
    if problem is None:
        problem = size_problem(measures[-1], book, unit=unit) or _uncastable(measures[-1], book)
    return Found(measures[0] if measures else None, measures[-1] if measures else None, problem)


async def _findings(file: BinaryIO) -> list[Any]:
    supervisor = MeshSupervisor(timeout_s=TIMEOUT_S, memory_bytes=MEMORY_BYTES)
    return [finding async for finding in supervisor.measure(file)]


def _uncastable(measure: MeshMeasure, book: PriceBook) -> Problem | None:
    """The problem of a piece that no alloy of the book fills."""
    problems = [wall_problem(measure, verdict) for verdict in verdicts_of(measure, book).values()]
    return problems[0] if problems and all(problems) else None


def _report(found: Found, book: PriceBook, *, points: bool) -> dict[str, Any]:
    measure, problem = found.measure, found.problem
    report: dict[str, Any] = {
        "verdict": problem.code if problem else "ready",
        "closed": measure is not None and measure.checked,
        "problems": [problem_view(problem)] if problem else [],
        **dict.fromkeys(("volume_mm3", "priced_volume_mm3", "area_mm2", "oriented", "bodies", "thickness_mm")),
        "verdicts": {},
    }
    if problem:
        report["problem"] = {"title": problem.title, "detail": problem.detail}
    if measure is None or found.first_look is None:
        return report
    report |= {
        "triangle_count": measure.triangle_count,
        "area_mm2": _number(measure.area_mm2),
        "extents_mm": [_number(extent) for extent in measure.extents_mm],
        "first_look_volume_mm3": _number(found.first_look.volume_mm3),
        "mesh": mesh_view(measure),
        "first_look_volume_cm3": str(found.first_look.volume_cm3),
    }
    if measure.character is not None:
        report |= _character(measure, measure.character, points=points)
        report["verdicts"] = verdicts_view(verdicts_of(measure, book))
    if not problem:
        report["weight_g"] = {code: str(weight_of(measure.volume_cm3, alloy)) for code, alloy in book.alloys.items()}
    return report


def _character(measure: MeshMeasure, character: Character, *, points: bool) -> dict[str, Any]:
    """`volume_mm3` counts each body whole, `priced_volume_mm3` shared metal once."""
    told: dict[str, Any] = {
        "volume_mm3": _number(measure.volume_mm3 + character.overlap_mm3),
        "priced_volume_mm3": _number(measure.volume_mm3),
        "oriented": character.oriented,
        "bodies": character.bodies,
        "cavities": character.cavities,
        "apart": character.apart,
        "degenerate_facets": character.degenerate_facets,
        "duplicate_facets": character.duplicate_facets,
        "hull_volume_mm3": _number(character.hull_volume_mm3),
        "roughness": _number(character.roughness),
        "thickness_mm": None,
    }
    thickness = character.thickness
    if thickness is not None:
        told["thickness_mm"] = {
            **thickness_view(thickness),
            **{name: _number(getattr(thickness, f"{name}_mm")) for name in ("p1", "p5", "median")},
            "samples": thickness.samples,
            "histogram": [[_number(upto), _number(share)] for upto, share in thickness.histogram],
        }
        if points:
            told["thickness_points"] = [list(point) for point in thickness.points]
    return told


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


def _text(report: Mapping[str, Any]) -> str:
    lines = [f"verdict: {report['verdict']}"]
    if "problem" in report:
        lines.append(f"  {report['problem']['title']}. {report['problem']['detail']}")
    if "mesh" in report:
        mesh = report["mesh"]
        lines.append(f"volume:  {mesh['volume_cm3']} cm3 (first look {report['first_look_volume_cm3']})")
        lines.append(f"area:    {mesh['area_cm2']} cm2")
        lines.append(f"extents: {' x '.join(mesh['extents_mm'])} mm")
        lines.append(f"facets:  {mesh['triangle_count']} in {mesh['shell_count']} shells")
    if report["bodies"] is not None:
        lines.append(f"bodies:  {report['bodies']}, {report['cavities']} hollows")
        if walls := report["thickness_mm"]:
            lines.append(
                f"walls:   1 % below {walls['p1']:.2f} mm, 5 % below {walls['p5']:.2f}, half below {walls['median']:.2f}"
            )
            place = ", ".join(f"{value:g}" for value in walls["min_place"])
            lines.append(f"         thinnest at {place} (units of the file)")
    lines.extend(f"note:    {found['detail']}" for found in report.get("mesh", {}).get("disclosures", ()))
    for code, said in report["verdicts"].items():
        lines.append(f"casting: {said['verdict']} in {code}")
        lines.extend(f"         {reason['detail']}" for reason in said["reasons"])
    lines.extend(f"weight:  {weight} g in {code}" for code, weight in report.get("weight_g", {}).items())
    return "\n".join(lines)
