"""`python -m system.pricing analyse FILE`: what measuring a model finds, without a database."""

from __future__ import annotations

import argparse
import asyncio
import json
import tomllib
from pathlib import Path
from typing import Any

from system.pricing.adapters.mesh.supervisor import MeshSupervisor
from system.pricing.application.views import mesh_view
from system.pricing.domain.costing import weight_of
from system.pricing.domain.mesh import LengthUnit, MeshMeasure, Problem
from system.pricing.domain.price_book import PriceBook
from system.pricing.domain.quote import size_problem

FIRST_BOOK = Path(__file__).parents[1] / "adapters" / "price_book_1.toml"
TIMEOUT_S = 120.0
MEMORY_BYTES = 1_150 * 1024 * 1024


def analyse(arguments: list[str]) -> int:
    """Prints what is found. Exit status 0 for a model that can be made, 1 for one that cannot, 2 for wrong usage."""
    parser = argparse.ArgumentParser(prog="python -m system.pricing analyse", description=analyse.__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--unit", type=LengthUnit, default=LengthUnit.MM, choices=list(LengthUnit))
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(arguments)
    if not options.file.is_file():
        parser.error(f"there is no file {options.file}")
    with FIRST_BOOK.open("rb") as file:
        book = PriceBook.from_data(tomllib.load(file), version=1)
    findings = asyncio.run(_measure(options.file))
    report = _report(findings, options.unit, book)
    print(json.dumps(report, ensure_ascii=False, indent=2) if options.json else _text(report))
    return 0 if report["verdict"] == "ready" else 1


async def _measure(path: Path) -> list[MeshMeasure | Problem]:
    supervisor = MeshSupervisor(timeout_s=TIMEOUT_S, memory_bytes=MEMORY_BYTES)
    with path.open("rb") as file:
        findings = [finding async for finding in supervisor.measure(file)]
    return [finding for finding in findings if isinstance(finding, MeshMeasure | Problem)]


def _report(findings: list[MeshMeasure | Problem], unit: LengthUnit, book: PriceBook) -> dict[str, Any]:
    measures = [finding.in_unit(unit) for finding in findings if isinstance(finding, MeshMeasure)]
    last = findings[-1]
    problem = last if isinstance(last, Problem) else size_problem(measures[-1], book, unit=unit)
    report: dict[str, Any] = {
        "verdict": problem.code if problem else "ready",
        "closed": bool(measures) and measures[-1].checked,
    }
    if problem:
        report["problem"] = {"title": problem.title, "detail": problem.detail}
    if measures:
        report["mesh"] = mesh_view(measures[-1])
        report["first_look_volume_cm3"] = str(measures[0].volume_cm3)
    if measures and not problem:
        report["weight_g"] = {
            code: str(weight_of(measures[-1].volume_cm3, alloy)) for code, alloy in book.alloys.items()
        }
    return report


def _text(report: dict[str, Any]) -> str:
    lines = [f"verdict: {report['verdict']}"]
    if "problem" in report:
        lines.append(f"  {report['problem']['title']}. {report['problem']['detail']}")
    if "mesh" in report:
        mesh = report["mesh"]
        lines.append(f"volume:  {mesh['volume_cm3']} cm3 (first look {report['first_look_volume_cm3']})")
        lines.append(f"area:    {mesh['area_cm2']} cm2")
        lines.append(f"extents: {' x '.join(mesh['extents_mm'])} mm")
        lines.append(f"facets:  {mesh['triangle_count']} in {mesh['shell_count']} shells")
        lines.extend(f"note:    {found['detail']}" for found in mesh["disclosures"])
    lines.extend(f"weight:  {weight} g in {code}" for code, weight in report.get("weight_g", {}).items())
    return "\n".join(lines)
