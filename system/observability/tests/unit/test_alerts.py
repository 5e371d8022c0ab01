"""Alerts: what their state is, who may take one, how runbooks are named and shown."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from system.kernel.ids import new_id
from system.observability.adapters.runbooks import Runbooks
from system.observability.domain.alerts import (
    Alert,
    AlertIsOver,
    AlertState,
    AlertTaken,
    RunbookMissing,
    may_take,
    runbook_of,
)

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
ADA, BORIS = new_id(), new_id()
FIRING = Alert(
    alert_id=new_id(),
    fingerprint="ab",
    name="OrderPastBudget",
    severity="page",
    labels={"alertname": "OrderPastBudget", "severity": "page", "stage": "SUBMITTED"},
    annotations={"summary": "2 orders are stuck"},
    started_at=NOON,
    ended_at=None,
    told_at=NOON + timedelta(seconds=7),
    last_told_at=NOON + timedelta(seconds=7),
    end_told_at=None,
    taken_by_id=None,
    taken_by=None,
    taken_at=None,
)
TAKEN = replace(FIRING, taken_by_id=ADA, taken_by="Ada", taken_at=NOON)


@pytest.mark.parametrize(
    ("alert", "later", "state"),
    [
        (FIRING, timedelta(hours=4), AlertState.FIRING),
        (FIRING, timedelta(hours=6), AlertState.UNHEARD),
        (replace(FIRING, ended_at=NOON), timedelta(hours=6), AlertState.RESOLVED),
    ],
)
def test_an_alert_that_nobody_tells_of_any_more_does_not_fire_for_ever(
    alert: Alert, later: timedelta, state: AlertState
) -> None:
    assert alert.state(now=NOON + later, unheard_after=timedelta(hours=5)) is state


def test_how_long_it_took_until_we_were_told() -> None:
    assert FIRING.told_after == timedelta(seconds=7)
    assert replace(FIRING, told_at=NOON - timedelta(seconds=1)).told_after == timedelta(), "clocks differ"


def test_what_it_is_about_leaves_out_what_is_said_elsewhere() -> None:
    assert FIRING.where == {"stage": "SUBMITTED"}


def test_one_person_takes_an_alert_that_fires() -> None:
    may_take(FIRING, ADA)
    may_take(TAKEN, ADA)
    with pytest.raises(AlertTaken) as refused:
        may_take(TAKEN, BORIS)
    assert refused.value.extra["taken_by"] == "Ada"
    with pytest.raises(AlertIsOver):
        may_take(replace(FIRING, ended_at=NOON), ADA)


@pytest.mark.parametrize(
    ("alert", "runbook"),
    [
        ("OrderPastBudget", "order-past-budget"),
        ("NoData", "no-data"),
        ("order-past-budget", "order-past-budget"),
        ("ErrorBudgetBurns", "error-budget-burns"),
    ],
)
def test_a_runbook_is_called_as_its_alert(alert: str, runbook: str) -> None:
    assert runbook_of(alert) == runbook


@pytest.fixture
def runbooks(tmp_path: Path) -> Runbooks:
    (tmp_path / "no-data.md").write_text(
        "# NoData: nothing is measured\n\n## What it means\n\n<script>alert(1)</script> & [dead](dead-letters.md#why), "
        "[all](README.md), [plan](../plan.md), [bad](javascript:alert(1)), [page](/operations/).\n\n"
        "```\ndocker compose ps\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n",
        encoding="utf-8",
    )
    (tmp_path / "README.md").write_text("# All\n", encoding="utf-8")
    (tmp_path / "untitled.md").write_text("Just text.\n", encoding="utf-8")
    return Runbooks("/observability/runbooks", tmp_path)


def test_a_runbook_is_shown_beneath_the_headings_of_its_page(runbooks: Runbooks) -> None:
    shown = runbooks.read("no-data")
    assert shown.title == "NoData: nothing is measured" and "<h1>" not in shown.html
    assert "<h3>What it means</h3>" in shown.html and "<table>" in shown.html
    assert '<pre><code tabindex="0">docker compose ps' in shown.html


def test_nothing_in_a_runbook_is_run(runbooks: Runbooks) -> None:
    html = runbooks.read("no-data").html
    assert "<script>" not in html and "&lt;script&gt;" in html and 'href="javascript' not in html


def test_links_of_a_runbook_lead_to_pages_or_nowhere(runbooks: Runbooks) -> None:
    html = runbooks.read("no-data").html
    assert '<a href="/observability/runbooks/dead-letters#why">dead</a>' in html
    assert '<a href="/observability/runbooks">all</a>' in html and '<a href="/operations/">page</a>' in html
    assert "plan.md" not in html and "plan" in html


def test_runbooks_are_listed_by_their_titles(runbooks: Runbooks) -> None:
    assert runbooks.titles() == [("no-data", "NoData: nothing is measured"), ("untitled", "untitled")]


@pytest.mark.parametrize("name", ["nothing", "README", "../no-data", "no-data.md", "", "%2e%2e", "a/b"])
def test_a_runbook_that_is_none_is_refused(runbooks: Runbooks, name: str) -> None:
    with pytest.raises(RunbookMissing):
        runbooks.read(name)
