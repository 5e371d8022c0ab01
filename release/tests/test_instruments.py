"""What is asked of Prometheus and of the orchestrator, and what becomes of an answer that is missing."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from release.instruments import (
    BUCKETS,
    ERRORS,
    FIGURES,
    FRESH,
    FRESH_JOBS,
    GAUGES,
    REQUESTS,
    CannotSee,
    EnvironmentInstruments,
    Orchestrator,
    Prometheus,
    price_mismatches,
)
from release.tests.ring_world import START, FakeClock
from release.watch import Counts, Limits

NOW = START.timestamp()
ANSWERS: dict[str, list[tuple[dict[str, str], float]]] = {
    REQUESTS: [({"slot": "blue"}, 1000), ({"slot": "green"}, 50)],
    ERRORS: [({"slot": "green"}, 3)],
    BUCKETS: [({"slot": "green", "le": "0.1"}, 40), ({"slot": "green", "le": "+Inf"}, 50)],
    FIGURES: [({"figure": "outbox_age_s"}, 0.4), ({"figure": "dead_letters"}, 2)],
    FRESH: [({}, NOW - 1)],
    FRESH_JOBS: [({}, 2)],
}


def prometheus(**instead: Any) -> Prometheus:
    answers = ANSWERS | {globals()[name]: value for name, value in instead.items()}

    def answer(request: httpx.Request) -> httpx.Response:
        [query] = parse_qs(request.content.decode())["query"]
        found = answers[query]
        if found is None:
            return httpx.Response(503)
        result = [{"metric": labels, "value": [NOW, str(value)]} for labels, value in found]
        return httpx.Response(200, json={"data": {"result": result}})

    return Prometheus(httpx.Client(base_url="http://prometheus", transport=httpx.MockTransport(answer)))


class Services:
    """The orchestrator behind its gateway."""

    def __init__(self) -> None:
        self.findings: list[dict[str, str]] = []
        self.orders: list[dict[str, Any]] = []
        self.broken = 0
        self.sign_ins = 0
        self.since: list[str] = []

    def client(self) -> httpx.Client:
        return httpx.Client(base_url="https://gateway.example", transport=httpx.MockTransport(self._answer))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/identity/v1/sessions":
            self.sign_ins += 1
            assert json.loads(request.content)["password"] == "secret"
            return httpx.Response(201, json={"access_token": "t"})
        assert request.headers["authorization"] == "Bearer t"
        if self.broken:
            self.broken -= 1
            return httpx.Response(500)
        if request.url.path.endswith("/reconciliation"):
            self.since.append(request.url.params["since"])
            return httpx.Response(200, json={"ok": not self.findings, "findings": self.findings})
        return httpx.Response(200, json={"items": self.orders})


def finding(kind: str, order: str) -> dict[str, str]:
    return {"kind": kind, "service": "mes", "order_id": order, "detail": "..."}


def instruments(services: Services, clock: FakeClock, **instead: Any) -> EnvironmentInstruments:
    orchestrator = Orchestrator(services.client(), "secret", clock)
    return EnvironmentInstruments(
        prometheus(**instead), orchestrator, candidate="green", stable="blue", clock=clock, since=START
    )


def test_counters_are_told_apart_by_slot_and_gauges_by_figure() -> None:
    seen = instruments(Services(), clock := FakeClock())
    seen.look()
    sample = seen.sample()
    assert sample.candidate == Counts(50, 3, {0.1: 40, float("inf"): 50})
    assert sample.stable.requests == 1000
    assert (sample.business["outbox_age_s"], sample.business["dead_letters"]) == (0.4, 2)
    assert sample.business["messages_parked"] == 0
    assert (sample.at, sample.fresh_at, sample.blind) == (clock.now(), NOW - 1, "")


def test_every_limit_of_the_business_has_its_figure() -> None:
    seen = instruments(Services(), FakeClock())
    seen.look()
    assert set(seen.sample().business) == set(Limits.load().business)


@pytest.mark.parametrize(
    "instead",
    [{name: None} for name in ("REQUESTS", "ERRORS", "BUCKETS", "FIGURES", "FRESH")]
    + [{"FRESH_JOBS": [({}, 1)]}, {"FRESH_JOBS": []}, {"FIGURES": [({"figure": "outbox_age_s"}, 1)]}],
    ids=str,
)
def test_what_cannot_be_asked_makes_the_sample_blind_and_never_raises(instead: dict[str, Any]) -> None:
    seen = instruments(Services(), FakeClock(), **instead)
    seen.look()
    sample = seen.sample()
    assert sample.blind
    assert sample.fresh_at == float("-inf")


def test_a_disagreement_counts_when_it_is_new_and_lasts() -> None:
    services = Services()
    services.findings = [finding("message_dead", "1")]
    seen = instruments(services, FakeClock())
    seen.look()
    services.findings.append(finding("work_order_missing", "2"))
    seen.look()
    assert seen.sample().business["disagreements"] == 0
    services.findings.append(finding("behind", "3"))
    seen.look()
    assert seen.sample().business["disagreements"] == 1
    services.findings = []
    seen.look()
    assert seen.sample().business["disagreements"] == 0


def test_a_service_that_is_restarted_is_no_disagreement() -> None:
    services = Services()
    seen = instruments(services, FakeClock())
    seen.look()
    services.findings = [finding("not_answering", "")]
    seen.look()
    seen.look()
    assert seen.sample().business["disagreements"] == 0


def test_one_bad_answer_of_two_slots_is_asked_again_and_silence_is_told_once_it_lasts() -> None:
    services, clock = Services(), FakeClock()
    services.broken = 1
    seen = instruments(services, clock)
    seen.look()
    assert (seen.sample().blind, services.sign_ins) == ("", 2)
    services.broken = 10
    seen.look()
    assert seen.sample().blind == ""
    clock.wait(61)
    assert "does not answer" in seen.sample().blind


def test_it_looks_some_minutes_further_back() -> None:
    services = Services()
    instruments(services, FakeClock()).look()
    assert services.since == [(START - timedelta(minutes=10)).isoformat()]


def test_its_thread_ends_with_it() -> None:
    services = Services()
    with instruments(services, FakeClock()) as seen:
        assert seen.sample().blind == ""
    assert not seen._thread.is_alive()


# -- prices ---------------------------------------------------------------------------------------------------------------------


def order(status: str, total: str | None, agreed: str | None, *, minutes: int = 1) -> dict[str, Any]:
    def money(amount: str | None) -> dict[str, str] | None:
        return {"amount": amount, "currency": "RUB"} if amount else None

    changed_at = (START + timedelta(minutes=minutes)).isoformat()
    return {"status": status, "total": money(total), "agreed_total": money(agreed), "changed_at": changed_at}


@pytest.mark.parametrize(
    ("given", "mismatches"),
    [
        (order("PRICE_CALCULATED", "105.00", "100.00"), 0),
        (order("PRICE_CALCULATED", "105.02", "100.00"), 1),
        (order("MANUFACTURING_APPROVED", None, "100.00"), 1),
        (order("CLOSED", "100.00", None), 1),
        (order("AWAITING_CUSTOMER", "150.00", "100.00"), 0),
        (order("SUBMITTED", None, "100.00"), 0),
        (order("CLOSED", "150.00", "100.00", minutes=-1), 0),
    ],
)
def test_no_order_goes_on_at_a_price_nobody_agreed_to(given: dict[str, Any], mismatches: int) -> None:
    assert price_mismatches([given], START) == mismatches


def test_prometheus_that_does_not_answer_is_said() -> None:
    with pytest.raises(CannotSee, match="Prometheus does not answer"):
        prometheus(REQUESTS=None).slots()


def test_each_gauge_is_asked_once_for_both_slots() -> None:
    """Both slots read the same tables: a sum over processes would count every dead letter twice."""
    for query in GAUGES.values():
        assert "sum(alexandrite" not in query.replace(" ", "")
