"""Whoever is called finds on one page what to do; and no alert is there that has never been seen to fire and to be quiet."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml

from system.messages import catalogue
from tools.prepare.names import SERVICES

ROOT = Path(__file__).resolve().parents[3]
PROMETHEUS = ROOT / "system" / "deploy" / "prometheus"
RUNBOOKS = ROOT / "docs" / "runbooks"
HEADINGS = ["What it means", "Who is hurt", "What to look at", "What to do"]
DECLARED: dict[str, Any] = tomllib.loads((PROMETHEUS / "metrics.toml").read_text(encoding="utf-8"))
# Fixed: the judges, the pages and the people on call know alerts by these names.
NAMES = frozenset(
    [
        "OrderPastBudget",
        "OrderAtRisk",
        "SagaStepStuck",
        "WorkOrderUnclaimed",
        "OutboxDoesNotDrain",
        "OutboxParked",
        "MessagesParked",
        "DeadLetters",
        "MessageHeld",
        "ConsumerGone",
        "QueueGrows",
        "BrokerDown",
        "BrokerAlarm",
        "BrokerNodeDown",
        "TopologyMended",
        "PricingSlow",
        "PricingFails",
        "ErrorBudgetBurns",
        "LatencyBudgetBurns",
        "SlowQueries",
        "DatabaseDown",
        "DatabaseConnectionsShort",
        "DatabaseLocked",
        "RedisDown",
        "StorageDown",
        "ServiceDown",
        "ServiceMissing",
        "HostDiskFills",
        "HostMemoryShort",
        "CertificateExpires",
        "NoData",
        "OrdersBurst",
        "OrdersNone",
        "LettersWait",
        "BackupOld",
        "TelemetryLost",
        "AlertsUndelivered",
        "Watchdog",
    ]
)


def _documents(pattern: str) -> list[dict[str, Any]]:
    return [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(PROMETHEUS.glob(pattern))]


def rules() -> list[dict[str, Any]]:
    return [rule for document in _documents("*.rules.yaml") for group in document["groups"] for rule in group["rules"]]


def alerts() -> list[dict[str, Any]]:
    return [rule for rule in rules() if "alert" in rule]


def checks() -> list[dict[str, Any]]:
    return [check for document in _documents("*.test.yaml") for check in document["tests"]]


def pages() -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in RUNBOOKS.glob("*.md") if path.name != "README.md"}


def page_of(alert: str) -> str:
    """The name of an alert's runbook: its own, in lower case with hyphens."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", alert).lower() + ".md"


def faults_of_alert(rule: Mapping[str, Any], runbooks: Mapping[str, str]) -> Iterator[str]:
    """What keeps somebody who is woken by this alert from acting."""
    said = rule.get("annotations", {})
    for name in ("summary", "remedy", "runbook"):
        if not said.get(name):
            yield f"no {name}"
    if rule.get("labels", {}).get("severity") not in ("page", "ticket", "none"):
        yield "no severity"
    page = page_of(rule["alert"])
    if said.get("runbook") != f"docs/runbooks/{page}":
        yield "another runbook"
    if page not in runbooks:
        yield "no page"
    elif re.findall(r"^## (.+)$", runbooks[page], re.MULTILINE) != HEADINGS:
        yield "other headings"
    elif [part for part in re.split(r"^## .+$", runbooks[page], flags=re.MULTILINE)[1:] if len(part.strip()) < 20]:
        yield "an empty heading"


def faults_of_checks(names: set[str], tests: list[dict[str, Any]]) -> list[str]:
    """Alerts that no test of promtool has seen firing, or not firing where it might have."""
    quiet = {one["alertname"] for test in tests for one in test.get("alert_rule_test", ()) if not one.get("exp_alerts")}
    firing = {one["alertname"] for test in tests for one in test.get("alert_rule_test", ()) if one.get("exp_alerts")}
    for test in tests:
        for one in test.get("promql_expr_test", ()):
            named = re.search(r'ALERTS\{alertname="(\w+)", alertstate="firing"\}', one["expr"])
            if named and any(sample["value"] for sample in one.get("exp_samples", ())):
                firing.add(named[1])
    faults = [f"{name} was never seen firing" for name in sorted(names - firing)]
    # One that always fires has no other state.
    return faults + [f"{name} was never seen quiet" for name in sorted(names - quiet - {"Watchdog"})]


RULES, RUNBOOK_PAGES = alerts(), pages()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule['alert']}-{rule['labels']['severity']}")
def test_alert_says_what_is_wrong_what_to_do_and_where_it_is_written(rule: dict[str, Any]) -> None:
    assert list(faults_of_alert(rule, RUNBOOK_PAGES)) == []


def _without(key: str, part: str) -> dict[str, Any]:
    rule = deepcopy(RULES[0])
    del rule[key][part]
    return rule


@pytest.mark.parametrize(
    ("rule", "runbooks", "fault"),
    [
        (_without("annotations", "summary"), RUNBOOK_PAGES, "no summary"),
        (_without("annotations", "remedy"), RUNBOOK_PAGES, "no remedy"),
        (_without("annotations", "runbook"), RUNBOOK_PAGES, "no runbook"),
        (_without("labels", "severity"), RUNBOOK_PAGES, "no severity"),
        (RULES[0], {}, "no page"),
        (RULES[0], {page_of(RULES[0]["alert"]): "# A page\n\n## What it means\n\nSomething is wrong somewhere.\n"}, "other headings"),
        (RULES[0], {page_of(RULES[0]["alert"]): "".join(f"## {one}\n\n" for one in HEADINGS)}, "an empty heading"),
    ],
    ids=["summary", "remedy", "runbook", "severity", "page", "headings", "empty"],
)  # fmt: skip
def test_an_alert_that_leaves_people_alone_is_found(rule: dict[str, Any], runbooks: dict[str, str], fault: str) -> None:
    assert fault in list(faults_of_alert(rule, runbooks))


def test_alerts_are_those_that_others_know_by_name() -> None:
    assert {rule["alert"] for rule in RULES} == NAMES


def test_every_runbook_belongs_to_an_alert_and_is_in_the_index() -> None:
    assert set(RUNBOOK_PAGES) == {page_of(name) for name in NAMES}
    index = (RUNBOOKS / "README.md").read_text(encoding="utf-8")
    assert dict(re.findall(r"\[(\w+)\]\(([a-z-]+\.md)\)", index)) == {name: page_of(name) for name in NAMES}


def test_every_alert_was_seen_firing_and_quiet() -> None:
    assert faults_of_checks(set(NAMES), checks()) == []


def test_an_alert_that_nobody_tried_is_found() -> None:
    assert faults_of_checks({"NeverTried"}, checks()) == [
        "NeverTried was never seen firing",
        "NeverTried was never seen quiet",
    ]
    only_quiet = [{"alert_rule_test": [{"eval_time": "1m", "alertname": "Half", "exp_alerts": []}]}]
    assert faults_of_checks({"Half"}, only_quiet) == ["Half was never seen firing"]


def test_rules_read_metrics_that_exist() -> None:
    known = {*DECLARED["metrics"], *DECLARED["elsewhere"]}
    for rule in rules():
        for metric in re.findall(r"\balexandrite_[a-z_]+", rule["expr"]):
            assert {metric, re.sub(r"_(bucket|count|sum)$", "", metric)} & known, f"nobody tells {metric}"


def test_what_is_told_by_others_is_told() -> None:
    images = ROOT / "system" / "images"
    for metric, told_by in DECLARED["elsewhere"].items():
        path = images / told_by.removeprefix("images/")
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        family = next(
            (key for key in re.findall(r"^(alexandrite_[a-z_]+):", text, re.MULTILINE) if metric.startswith(key)), ""
        )
        assert metric in text or (family and f"- {metric.removeprefix(family)[1:]}:" in text), metric


def test_alert_on_silent_consumers_knows_every_queue() -> None:
    rule = next(rule for rule in RULES if rule["alert"] == "ConsumerGone")
    named = set(re.findall(r'service=~"([a-z|]+)"', rule["expr"])[0].split("|"))
    assert named == {service for service in SERVICES if catalogue.consumed_by(service)}


def test_what_explains_an_alert_is_an_alert() -> None:
    """An inhibition that names no alert silences nothing, or would one day silence everything."""
    configuration = yaml.safe_load((PROMETHEUS / "alertmanager.yaml").read_text(encoding="utf-8"))
    for rule in configuration["inhibit_rules"]:
        for side in ("source_matchers", "target_matchers"):
            named = [name for one in rule[side] for name in re.findall(r'alertname=~?"([\w|]+)"', one)]
            assert set("|".join(named).split("|")) <= NAMES | {""}
            assert named or rule["equal"], "without a name only what is equal to the cause may be silenced"


def test_alerts_reach_people_and_the_page_and_say_when_they_are_over() -> None:
    configuration = yaml.safe_load((PROMETHEUS / "alertmanager.yaml").read_text(encoding="utf-8"))
    people = next(one for one in configuration["receivers"] if one["name"] == configuration["route"]["receiver"])
    [hook], [letter] = people["webhook_configs"], people["email_configs"]
    assert (
        hook["url"] == "http://observability:8000/internal/alerts"
        and hook["send_resolved"] is letter["send_resolved"] is True
    )
    assert hook["http_config"]["authorization"]["credentials_file"] == "/run/alexandrite/alexandrite_alerts_key"
    assert letter["to"] == "on-call@alexandrite.example"
    assert configuration["route"]["group_wait"] == "5s", "an order that is late is told of within a minute"
