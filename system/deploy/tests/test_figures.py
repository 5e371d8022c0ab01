"""Dashboards say what the figures say, and every question put to Prometheus is about a metric that somebody has."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from system.observability.application.dashboards import outdated, write_dashboards, written
from system.observability.domain.figures import FIGURES
from tools import metrics
from tools.promql import names_in

DEPLOY = Path(__file__).resolve().parents[1]
DASHBOARDS = DEPLOY / "grafana" / "dashboards"


def test_the_dashboards_are_up_to_date() -> None:
    assert outdated(DASHBOARDS) == [], "run: python -m system.observability dashboards"


def test_a_dashboard_that_somebody_edits_adds_or_loses_is_noticed(tmp_path: Path) -> None:
    write_dashboards(tmp_path)
    assert outdated(tmp_path) == []
    (tmp_path / "broker.json").write_text("{}", encoding="utf-8")
    (tmp_path / "pricing.json").unlink()
    (tmp_path / "mine.json").write_text("{}", encoding="utf-8")
    assert [path.name for path in outdated(tmp_path)] == ["broker.json", "mine.json", "pricing.json"]
    write_dashboards(tmp_path)
    assert outdated(tmp_path) == []


@pytest.mark.parametrize("name", sorted(written()))
def test_every_panel_has_words_a_unit_and_a_place_of_its_own(name: str) -> None:
    panels: list[dict[str, Any]] = json.loads(written()[name])["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken
        taken |= cells
        if panel["type"] == "row":
            continue
        assert panel["title"] and panel["description"].endswith((".", ")")) and panel["fieldConfig"]["defaults"]["unit"]
        assert all("runbooks/" in link["url"] for link in panel["links"]) and panel["links"]


def test_every_figure_is_on_a_dashboard() -> None:
    shown = {panel["title"] for text in written().values() for panel in json.loads(text)["panels"]}
    assert {figure.title for figure in FIGURES} <= shown


def test_every_metric_that_is_read_is_somebodys() -> None:
    assert metrics.unknown(metrics.Place()) == []


def test_what_may_be_empty_is_asked_for_by_somebody() -> None:
    place = metrics.Place()
    asked = {name for question in place.questions() for name in names_in(question.promql)}
    assert place.may_be_empty.keys() <= asked
    assert all(place.may_be_empty.values()), "each has its reason"
