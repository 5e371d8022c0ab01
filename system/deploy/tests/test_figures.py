"""Dashboards say what the figures say, and every question put to Prometheus is about a metric that somebody has."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from system.observability.application.dashboards import outdated, write_dashboards, written
from system.observability.domain.figures import FIGURES
from system.observability.domain.watch import WATCHDOG
from system.observability.settings import ObservabilitySettings
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


def test_what_goes_on_firing_is_told_of_again_before_it_counts_as_unheard() -> None:
    settings = yaml.safe_load((DEPLOY / "prometheus" / "alertmanager.yaml").read_text(encoding="utf-8"))
    routes = [settings["route"], *settings["route"].get("routes", ())]
    repeated = [str(route["repeat_interval"]) for route in routes if "repeat_interval" in route]
    assert repeated
    unheard_after_s = ObservabilitySettings.model_fields["alerts_unheard_after_s"].default
    for interval in repeated:
        assert (found := re.fullmatch(r"(\d+)([smh])", interval)), interval
        assert int(found[1]) * {"s": 1, "m": 60, "h": 3600}[found[2]] < unheard_after_s


def watchdog_every_s(group_interval_s: int, repeat_interval_s: int) -> int:
    """How often Alertmanager tells again of what goes on firing: at the first of its looks after `repeat_interval`, never at it."""
    return (repeat_interval_s // group_interval_s + 1) * group_interval_s


def test_the_alert_that_always_fires_is_missed_only_after_it_failed_to_come_twice() -> None:
    settings = yaml.safe_load((DEPLOY / "prometheus" / "alertmanager.yaml").read_text(encoding="utf-8"))
    [route] = [one for one in settings["route"]["routes"] if one["matchers"] == [f'alertname="{WATCHDOG}"']]
    seconds = {name: int(route[name].removesuffix("s")) for name in ("group_interval", "repeat_interval")}
    every_s = watchdog_every_s(seconds["group_interval"], seconds["repeat_interval"])
    assert every_s == 60 and watchdog_every_s(60, 60) == 120
    silent_s = ObservabilitySettings.model_fields["watchdog_silent_s"].default
    assert 2 * every_s < silent_s
    for durations in DEPLOY.glob("durations*.env"):
        told = re.search(r"^ALEXANDRITE_WATCHDOG_SILENT_S=(\d+)$", durations.read_text(encoding="utf-8"), re.MULTILINE)
        assert told is None or int(told[1]) > 2 * every_s, durations.name


def test_observability_writes_to_whom_alertmanager_writes_from_whom_it_does() -> None:
    settings = yaml.safe_load((DEPLOY / "prometheus" / "alertmanager.yaml").read_text(encoding="utf-8"))
    [letter] = [one for receiver in settings["receivers"] for one in receiver.get("email_configs", ())]
    fields = ObservabilitySettings.model_fields
    assert fields["on_call_address"].default == letter["to"]
    assert settings["global"]["smtp_from"] in fields["mail_from"].default
    told = SYSTEM["services"]["observability"]["environment"]
    assert f"{told['ALEXANDRITE_SMTP_HOST']}:{told['ALEXANDRITE_SMTP_PORT']}" == settings["global"]["smtp_smarthost"]


TELEMETRY: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.telemetry.yaml").read_text(encoding="utf-8"))
SYSTEM: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))


def test_beside_the_system_everybody_who_tells_our_store_tells_the_collector() -> None:
    telling = {
        name
        for name, spec in SYSTEM["services"].items()
        if spec.get("restart") != "no" and (spec.get("environment") or {}).get("ALEXANDRITE_OTLP_ENDPOINT")
    }
    told = {
        name
        for name, spec in TELEMETRY["services"].items()
        if "ALEXANDRITE_OTLP_ENDPOINT" in spec.get("environment", {})
    }
    assert telling == told


def test_beside_the_system_no_image_is_named_by_us_and_nothing_is_open_to_the_network() -> None:
    for name, spec in TELEMETRY["services"].items():
        if name in SYSTEM["services"]:
            continue
        assert spec["image"].startswith("${ALEXANDRITE_IMAGE_"), name
        assert spec["read_only"] and spec["cap_drop"] == ["ALL"] and spec["mem_limit"], name
        assert all(port.startswith("127.0.0.1:") for port in spec.get("ports", ())), name


def test_beside_the_system_every_mounted_file_is_there_and_the_collector_tells_our_store_first() -> None:
    for spec in TELEMETRY["services"].values():
        for volume in spec.get("volumes", ()):
            source = volume.split(":")[0]
            assert not source.startswith("./") or (DEPLOY / source).exists(), volume
    collector = yaml.safe_load((DEPLOY / "otel" / "collector.yaml").read_text(encoding="utf-8"))
    for pipeline in collector["service"]["pipelines"].values():
        assert pipeline["exporters"][0] == "otlphttp/observability"
        assert set(pipeline["exporters"]) <= collector["exporters"].keys()
