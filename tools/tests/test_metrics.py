"""Questions about metrics that nobody has are found, in dashboards and in rules; the rest is left alone."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from tools import metrics
from tools.metrics import Place, Prometheus
from tools.promql import NotPromql, names_in


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        ("up == 0", {"up"}),
        ("sum by (service) (rate(a_total[5m]))", {"a_total"}),
        ("sum(rate(a_total[$__rate_interval])) by (le, service)", {"a_total"}),
        ("histogram_quantile(0.95, sum by (le) (rate(a_bucket[1h30m])))", {"a_bucket"}),
        ('max by (x) (a{state=~"held|b", le="0.5"}) > 120', {"a"}),
        ('{__name__="a", job!="b"} offset 5m', {"a"}),
        ("a / on (instance) group_left (version) b unless c", {"a", "b", "c"}),
        ("a and ignoring(x) b or vector(0)", {"a", "b"}),
        ("1 - min(a) / max(b) > bool 1e-3", {"a", "b"}),
        ("job:a:rate5m > 14.4 * 0.005  # a comment with c", {"job:a:rate5m"}),
        ("count_values('version', a) @ end()", {"a"}),
        ("predict_linear(a[6h:5m], 4 * 3600) < 0", {"a"}),
        ("avg_over_time(a[5m] offset 1w) > -Inf", {"a"}),
        ("topk(5, a) without (x)", {"a"}),
        ('label_replace(a, "class", "${1}xx", "code", "(.)..")', {"a"}),
    ],
)
def test_the_metrics_that_an_expression_reads(expression: str, names: set[str]) -> None:
    assert names_in(expression) == names


@pytest.mark.parametrize("expression", ["sum(a", "a)", "a{b=", "rate(a[5m)", "a ; b", 'a{b="c'])
def test_what_is_no_expression_is_refused(expression: str) -> None:
    with pytest.raises(NotPromql):
        names_in(expression)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """One service with a metric of each kind, one dashboard, one file of rules."""
    made = Place(tmp_path)
    made.prometheus.mkdir(parents=True)
    dashboards = tmp_path / "system" / "deploy" / "grafana" / "dashboards"
    dashboards.mkdir(parents=True)
    (tmp_path / "system" / "main.py").write_text(
        'A = Counter("alexandrite_a", "A")\nB = prometheus_client.Histogram("alexandrite_b_seconds", "B")\n'
        'C = GaugeQuery("alexandrite_c", "C", (), "SELECT 1")\nD = Gauge(name, "D")\n',
        encoding="utf-8",
    )
    panel = {"title": "P", "targets": [{"expr": "rate(alexandrite_a_total[$__rate_interval]) + alexandrite_c"}]}
    (dashboards / "one.json").write_text(json.dumps({"panels": [{"title": "row"}, panel]}), encoding="utf-8")
    (made.prometheus / "b.rules.yaml").write_text(
        "groups:\n- name: g\n  rules:\n  - {record: 'job:b:rate', expr: 'rate(alexandrite_b_seconds_count[5m])'}\n",
        encoding="utf-8",
    )
    (made.prometheus / "rules.yaml").write_text(
        "groups:\n- name: g\n  rules:\n  - {alert: Bad, expr: 'job:b:rate > 1 and pg_up == 0'}\n",
        encoding="utf-8",
    )
    (made.prometheus / "rules.test.yaml").write_text("rule_files: [rules.yaml]\n", encoding="utf-8")
    made.recorded_file.write_text('{"postgres": ["pg_up"]}', encoding="utf-8")
    return made


def test_what_code_registers_rules_record_and_exporters_have_is_known(place: Place) -> None:
    assert metrics.unknown(place) == []
    assert {"alexandrite_a_total", "alexandrite_b_seconds_bucket", "alexandrite_c"} <= metrics.registered(place.root)


def test_a_metric_that_is_gone_is_named_with_who_reads_it(place: Place) -> None:
    place.recorded_file.write_text("{}", encoding="utf-8")
    (place.root / "system" / "main.py").write_text('A = Counter("alexandrite_a", "A")\n', encoding="utf-8")
    assert metrics.unknown(place) == [
        "one.json: P: nobody has alexandrite_c",
        "b.rules.yaml: job:b:rate: nobody has alexandrite_b_seconds_count",
        "rules.yaml: Bad: nobody has pg_up",
    ]


def test_a_test_registers_nothing(place: Place) -> None:
    tests = place.root / "system" / "tests"
    tests.mkdir()
    (tests / "test_it.py").write_text('X = Counter("alexandrite_x_total", "X")\n', encoding="utf-8")
    assert "alexandrite_x_total" not in metrics.registered(place.root)


def running(has: dict[str, list[str]]) -> Prometheus:
    """A Prometheus with these metrics by job."""

    def answer(request: httpx.Request) -> httpx.Response:
        asked = request.url.params
        if request.url.path.endswith("/job/values"):
            return httpx.Response(200, json={"data": list(has)})
        if "match[]" in asked:
            return httpx.Response(200, json={"data": has[asked["match[]"].split('"')[1]]})
        there = {name for names in has.values() for name in names}
        found: list[dict[str, str]] = [{}] if names_in(asked["query"]) <= there else []
        assert "$" not in asked["query"]
        return httpx.Response(200, json={"data": {"result": found}})

    return Prometheus(httpx.Client(base_url="http://prometheus", transport=httpx.MockTransport(answer)))


WHOLE = {
    "postgres": ["pg_up", "go_goroutines", "scrape_samples_scraped", "alexandrite_database_lock_waiting"],
    "services": ["alexandrite_a_total", "alexandrite_b_seconds_count", "alexandrite_c", "up"],
    "": ["job:b:rate"],
}


def test_a_record_holds_what_is_not_made_by_our_code(place: Place) -> None:
    metrics.record(place, running({name: WHOLE[name] for name in ("postgres", "services")}))
    assert json.loads(place.recorded_file.read_text(encoding="utf-8")) == {
        "postgres": ["alexandrite_database_lock_waiting", "pg_up"]
    }


def test_what_may_be_empty_stays_recorded_and_what_is_gone_does_not(place: Place) -> None:
    place.recorded_file.write_text('{"postgres": ["pg_drilled", "pg_gone", "pg_up"]}', encoding="utf-8")
    (place.prometheus / "empty.yaml").write_text("pg_drilled: until it was tried\n", encoding="utf-8")
    metrics.record(place, running({"postgres": ["pg_up"]}))
    assert json.loads(place.recorded_file.read_text(encoding="utf-8")) == {"postgres": ["pg_drilled", "pg_up"]}


def test_a_running_system_answers_every_question(place: Place) -> None:
    assert metrics.unanswered(place, running(WHOLE)) == []


def test_what_a_running_system_does_not_answer_is_named(place: Place) -> None:
    found = metrics.unanswered(place, running({"services": ["alexandrite_a_total", "job:b:rate", "pg_up"]}))
    assert [one.split(" ", 1)[1] for one in found] == [
        "P: no series for rate(alexandrite_a_total[$__rate_interval]) + alexandrite_c",
        "job:b:rate: alexandrite_b_seconds_count has no series",
    ]


def test_what_may_be_empty_needs_no_answer(place: Place) -> None:
    (place.prometheus / "empty.yaml").write_text(
        "alexandrite_c: until it happens\nalexandrite_b_seconds_count: until it happens\n", encoding="utf-8"
    )
    assert metrics.unanswered(Place(place.root), running({"x": ["job:b:rate", "pg_up"]})) == []


def test_the_system_of_the_scenarios_is_asked_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALEXANDRITE_ADDRESS", '{"prometheus_url": "http://127.0.0.1:1"}')
    assert metrics._default_url() == "http://127.0.0.1:1"
    monkeypatch.setenv("ALEXANDRITE_PROMETHEUS_URL", "http://127.0.0.1:2")
    assert metrics._default_url() == "http://127.0.0.1:2"


def test_what_is_silent_for_a_moment_is_no_finding_and_what_stays_silent_is_one() -> None:
    answers = [["a is silent"], []]
    assert metrics.settled(lambda: answers.pop(0), pause_s=0) == []
    assert metrics.settled(lambda: ["b is silent"], within_s=0.01, pause_s=0) == ["b is silent"]
