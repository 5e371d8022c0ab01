"""Every metric is declared with what bounds its labels: otherwise one day a label takes its values from what strangers do."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from system.messages import catalogue
from system.orchestrator.domain.status import Status
from system.plumbing.measured import METHODS, ROLES, outcome_of
from system.plumbing.metrics import SAMPLES_MAX, TOPOLOGY_PARTS
from system.pricing.application.calculation import SIZES, size_of
from system.shop.domain.order import Channel

DEPLOY = Path(__file__).resolve().parents[1]
SYSTEM = DEPLOY.parent
DECLARED: dict[str, Any] = tomllib.loads((DEPLOY / "prometheus" / "metrics.toml").read_text(encoding="utf-8"))
MAKERS = ("Counter", "Gauge", "Histogram", "Summary", "GaugeQuery")


def metrics_of(code: str, *, file: str = "") -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every metric that the code makes, with its labels. Raises AssertionError for one whose name or labels are not written out."""
    imported = "prometheus_client" in code or "GaugeQuery" in code
    for node in ast.walk(ast.parse(code)) if imported else ():
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.func.id not in MAKERS:
            continue
        given = dict(zip(("name", "help", "labels"), node.args, strict=False))
        given |= {"labels" if word.arg == "labelnames" else word.arg or "": word.value for word in node.keywords}
        try:
            name, labels = ast.literal_eval(given["name"]), tuple(ast.literal_eval(given.get("labels", ast.Tuple([]))))
        except (KeyError, ValueError) as error:
            raise AssertionError(f"{file}:{node.lineno}: name and labels of a metric are written out") from error
        yield name, labels


def faults_of(found: dict[str, tuple[str, ...]], declared: dict[str, Any]) -> list[str]:
    """What the declarations and the code disagree about."""
    known, bounds = declared["metrics"], declared["bounds"]
    faults = [f"{name} is not declared" for name in found if name not in known]
    faults += [f"{name} is declared and nobody makes it" for name in known if name not in found]
    faults += [
        f"{name} has the labels {labels}, declared are {tuple(known[name])}"
        for name, labels in found.items()
        if name in known and set(labels) != set(known[name])
    ]
    for name, labels in known.items():
        faults += [f"{name}: nothing bounds {label}" for label, bound in labels.items() if bound not in bounds]
    for name, bound in bounds.items():
        if not bound.get("values") and not (0 < bound.get("most", 0) <= SAMPLES_MAX and bound.get("why")):
            faults.append(f"the bound {name} bounds nothing")
    return faults


def _found() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for path in SYSTEM.rglob("*.py"):
        if "tests" not in path.parts:
            found |= dict(metrics_of(path.read_text(encoding="utf-8"), file=str(path)))
    return found


def test_every_metric_is_declared_with_what_bounds_its_labels() -> None:
    found = _found()
    assert len(found) > 50
    assert faults_of(found, DECLARED) == []


GOOD = 'from prometheus_client import Counter\nSEEN = Counter("alexandrite_seen_total", "Seen.", ["kind"])\n'
SMALL = {"metrics": {"alexandrite_seen_total": {"kind": "kind"}}, "bounds": {"kind": {"values": ["a"]}}}


@pytest.mark.parametrize(
    ("code", "declared", "fault"),
    [
        (GOOD, SMALL | {"metrics": {}}, "alexandrite_seen_total is not declared"),
        ("", SMALL, "alexandrite_seen_total is declared and nobody makes it"),
        (GOOD.replace('"kind"', '"kind", "path"'), SMALL, "has the labels ('kind', 'path')"),
        (GOOD, SMALL | {"bounds": {}}, "nothing bounds kind"),
        (GOOD, SMALL | {"bounds": {"kind": {"most": 100_000, "why": "people"}}}, "bounds nothing"),
        (GOOD, SMALL | {"bounds": {"kind": {"most": 5}}}, "bounds nothing"),
    ],
    ids=["undeclared", "nobody-makes-it", "another-label", "no-bound", "too-many", "no-reason"],
)
def test_a_label_without_a_bound_is_found(code: str, declared: dict[str, Any], fault: str) -> None:
    faults = faults_of(dict(metrics_of(code)), declared)
    assert len(faults) == 1 and fault in faults[0]
    assert faults_of(dict(metrics_of(GOOD)), SMALL) == []


def test_a_metric_whose_name_is_made_up_at_run_time_is_found() -> None:
    with pytest.raises(AssertionError, match="written out"):
        list(metrics_of('from prometheus_client import Counter\nSEEN = Counter(f"alexandrite_{x}", "Seen.")\n'))


def test_bounds_are_those_of_the_code() -> None:
    bounds = {name: set(bound.get("values", ())) for name, bound in DECLARED["bounds"].items()}
    assert bounds["method"] == METHODS | {"other"}
    assert bounds["role"] == {*ROLES, "service", "visitor"}
    assert bounds["outcome"] == {outcome_of(status) for status in range(200, 600)}
    assert bounds["triangles"] == {*SIZES.values(), "more"} == {size_of(10**power) for power in range(3, 8)} | {"5M"}
    assert bounds["channel"] == set(Channel)
    assert bounds["mended"] == set(TOPOLOGY_PARTS)
    assert DECLARED["bounds"]["order_status"]["most"] >= len(Status)
    assert DECLARED["bounds"]["message"]["most"] > len(catalogue.BY_TYPE)
