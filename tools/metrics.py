"""Every question that dashboards and rules put to Prometheus is about something that is there.

    python -m tools.metrics                     each metric that is read is registered by a service or recorded from a live system
    python -m tools.metrics --record [--url U]  records the metrics of everything that is not ours, from a running Prometheus
    python -m tools.metrics --check [--url U]   asks a running Prometheus every question: each is answered, or may be empty

The page of figures asks what the dashboards ask: both are written from `system/observability/domain/figures.py`. What a rule compares
is empty until it fires, so of a rule each metric is asked for. `empty.yaml` says what may be empty, and until when.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import yaml

from tools.prepare import ports
from tools.promql import names_in

ROOT = Path(__file__).resolve().parent.parent
OUR_PREFIX = "alexandrite_"
KINDS = {
    "Counter": ("",),
    "Gauge": ("",),
    "GaugeQuery": ("",),
    "GaugeMetricFamily": ("",),
    "CounterMetricFamily": ("",),
    "Histogram": ("_bucket", "_sum", "_count", "_created"),
    "Summary": ("_sum", "_count", "_created"),
}
ALWAYS = frozenset({"up", "ALERTS", "ALERTS_FOR_STATE", "scrape_duration_seconds", "scrape_samples_scraped"})
"""What Prometheus itself writes down."""
LIBRARIES = ("go_", "python_", "promhttp_", "net_conntrack_", "erlang_", "telemetry_scrape_", "scrape_")
"""What libraries tell of themselves, in every process: nobody asks for it, so it is not recorded."""
SETTLES_WITHIN_S = 45.0
"""A process that has just started is scraped, and asks its database, within seconds."""
WINDOW = {"$__rate_interval": "5m"}
ASK_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Question:
    """One expression and where it stands. `is_rule`: it is empty as long as all is well."""

    where: str
    promql: str
    is_rule: bool


@dataclass(frozen=True)
class Place:
    """Where the files lie; tests give their own."""

    root: Path = ROOT

    @property
    def prometheus(self) -> Path:
        return self.root / "system" / "deploy" / "prometheus"

    @property
    def recorded_file(self) -> Path:
        return self.prometheus / "names.json"

    @cached_property
    def may_be_empty(self) -> Mapping[str, str]:
        """Metrics that a running system need not have, and why."""
        path = self.prometheus / "empty.yaml"
        return dict(yaml.safe_load(path.read_text(encoding="utf-8")) or {}) if path.is_file() else {}

    def questions(self) -> Iterator[Question]:
        """Of every dashboard and every rule."""
        for path in sorted((self.root / "system" / "deploy" / "grafana" / "dashboards").glob("*.json")):
            for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]:
                for target in panel.get("targets", ()):
                    yield Question(f"{path.name}: {panel['title']}", target["expr"], is_rule=False)
        for path, rule in self._rules():
            yield Question(f"{path.name}: {rule.get('alert') or rule['record']}", str(rule["expr"]), is_rule=True)

    def known(self) -> frozenset[str]:
        """Every metric that there is: ours by the code, others' by the record, and what rules record."""
        recorded = json.loads(self.recorded_file.read_text(encoding="utf-8")) if self.recorded_file.is_file() else {}
        others = {name for names in recorded.values() for name in names}
        ruled = {str(rule["record"]) for _, rule in self._rules() if "record" in rule}
        return ALWAYS | registered(self.root / "system") | others | ruled

    def _rules(self) -> Iterator[tuple[Path, Mapping[str, Any]]]:
        for path in sorted(self.prometheus.glob("*rules.yaml")):
            for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]:
                for rule in group["rules"]:
                    yield path, rule


def registered(directory: Path) -> frozenset[str]:
    """The series of every metric that the code of a directory makes, tests aside: read, not run."""
    found: set[str] = set()
    for path in directory.rglob("*.py"):
        if "tests" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            found |= _made_by(node)
    return frozenset(found)


def _made_by(node: ast.AST) -> set[str]:
    if not isinstance(node, ast.Call) or not node.args or not isinstance(node.args[0], ast.Constant):
        return set()
    kind = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    name = node.args[0].value
    if kind not in KINDS or not isinstance(name, str) or not name.startswith(OUR_PREFIX):
        return set()
    if kind == "Counter" and not name.endswith("_total"):
        name += "_total"
    made = {name + suffix for suffix in KINDS[kind]}
    return made | {name.removesuffix("_total") + "_created"} if kind == "Counter" else made


def unknown(place: Place) -> list[str]:
    """What is asked for and does not exist, with where."""
    known = place.known()
    return [
        f"{question.where}: nobody has {name}"
        for question in place.questions()
        for name in sorted(names_in(question.promql) - known)
    ]


class Prometheus:
    """A running Prometheus. Raises httpx.HTTPError when it does not answer."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def names(self, job: str) -> list[str]:
        """Metrics of one job."""
        return list(self._ask("label/__name__/values", **{"match[]": f'{{job="{job}"}}'}))

    def jobs(self) -> list[str]:
        """Every job there is."""
        return list(self._ask("label/job/values"))

    def answers(self, promql: str) -> bool:
        """Whether anything comes back. A question that it does not understand raises."""
        return bool(self._ask("query", query=promql)["result"])

    def _ask(self, what: str, **asked: str) -> Any:
        response = self._client.get(f"/api/v1/{what}", params=asked)
        response.raise_for_status()
        return response.json()["data"]


def record(place: Place, prometheus: Prometheus) -> dict[str, list[str]]:
    """Writes down the metrics of every job, without those that our code makes, and those of libraries.

    What was recorded before stays where it may be empty: a system that nothing has happened to yet has no say in it.
    """
    left_out = registered(place.root / "system") | ALWAYS
    before = json.loads(place.recorded_file.read_text(encoding="utf-8")) if place.recorded_file.is_file() else {}
    found = {}
    for job in sorted(prometheus.jobs()):
        stays = {name for name in before.get(job, ()) if name in place.may_be_empty}
        names = [
            name for name in sorted(stays | set(prometheus.names(job)))
            if name not in left_out and not name.startswith(LIBRARIES)
        ]  # fmt: skip
        if names:
            found[job] = names
    place.recorded_file.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return found


def unanswered(place: Place, prometheus: Prometheus) -> list[str]:
    """Questions that a running system does not answer though it should."""
    found = []
    for question in place.questions():
        names = names_in(question.promql)
        if question.is_rule:
            silent = [
                name for name in sorted(names) if name not in place.may_be_empty and not _is_there(prometheus, name)
            ]
            found += [f"{question.where}: {name} has no series" for name in silent]
        elif not names & place.may_be_empty.keys() and not prometheus.answers(_filled(question.promql)):
            found.append(f"{question.where}: no series for {question.promql}")
    return found


def settled(ask: Callable[[], list[str]], *, within_s: float = SETTLES_WITHIN_S, pause_s: float = 2.0) -> list[str]:
    """What is still found when a process that started a moment ago has had the time to answer."""
    deadline = time.monotonic() + within_s
    while (found := ask()) and time.monotonic() < deadline:
        time.sleep(pause_s)
    return found


def _is_there(prometheus: Prometheus, name: str) -> bool:
    return prometheus.answers(f'count({{__name__="{name}"}})')


def _filled(promql: str) -> str:
    for variable, window in WINDOW.items():
        promql = promql.replace(variable, window)
    return promql


def _default_url() -> str:
    told = os.environ.get("ALEXANDRITE_PROMETHEUS_URL")
    # Where scenarios have a system of their own, this is how its commands are told of it.
    address = json.loads(os.environ.get("ALEXANDRITE_ADDRESS", "{}"))
    port = ports.remembered().get("prometheus", ports.DEFAULTS["prometheus"])
    return told or address.get("prometheus_url") or f"http://127.0.0.1:{port}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status 1 for findings, 2 when Prometheus could not be asked."""
    parser = argparse.ArgumentParser(prog="python -m tools.metrics", description=__doc__)
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument("--record", action="store_true", help="write down what the running system's exporters have")
    chosen.add_argument("--check", action="store_true", help="ask the running system every question")
    parser.add_argument("--url", default=_default_url(), help="the running Prometheus")
    asked = parser.parse_args(arguments)
    place = Place()
    if not asked.record and not asked.check:
        return _told(unknown(place))
    try:
        with httpx.Client(base_url=asked.url, timeout=ASK_TIMEOUT_S) as client:
            prometheus = Prometheus(client)
            if asked.check:
                return _told(settled(lambda: unanswered(place, prometheus)))
            for job, names in record(place, prometheus).items():
                print(f"{job}: {len(names)} metrics")
    except httpx.HTTPError as error:
        print(f"{asked.url} does not answer: {type(error).__name__} {error}", file=sys.stderr)
        return 2
    return 0


def _told(findings: Sequence[str]) -> int:
    for finding in findings:
        print(finding, file=sys.stderr)
    return 1 if findings else 0


if __name__ == "__main__":
    raise SystemExit(main())
