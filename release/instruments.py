"""What can be seen of an environment: the gateway's counters and the services' gauges from its Prometheus, and what only the
orchestrator knows (do the services agree, did anybody get another price) from its API.

Figures that a query answers in milliseconds are taken for every sample. The orchestrator's report looks twice, seconds apart,
and is asked by a thread of its own; a sample carries its last answer.
"""

from __future__ import annotations

import math
import ssl
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Self

import httpx

from release.watch import Clock, Counts, Sample

ADMINISTRATOR = "anna.admin@alexandrite.example"
ASK_TIMEOUT_S = 5.0
REPORT_TIMEOUT_S = 30.0
REPORT_EVERY_S = 8.0
LOOK_BACK = timedelta(minutes=10)
REPORT_AGE_S_MAX = 60.0
"""An older report of the orchestrator makes the figures as stale as if there were none."""
SESSION_S_MAX = 600.0
PRICE_TOLERANCE = Decimal("1.05")
"""The most above what the customer agreed to that an order may go on at."""
CENT = Decimal("0.01")
PRICED = (
    "PRICE_CALCULATED",
    "MANUFACTURING_APPROVED",
    "MANUFACTURING_STARTED",
    "MANUFACTURING_COMPLETED",
    "PACKAGING",
    "SHIPPED",
    "CLOSED",
)
ORDERS_LOOKED_AT = 100
"""The newest page: what a release of some minutes ago may have priced."""
PASSING = frozenset({"not_answering"})
"""Findings of the reconciliation that say nothing about orders: a service that is being restarted is the gateway's figure."""

SLOT = ', "slot", "$1", "service", ".+-(blue|green)@file")'
OURS = 'service=~".+-(blue|green)@file"'
REQUESTS = f"sum by (slot) (label_replace(traefik_service_requests_total{{{OURS}}}{SLOT})"
ERRORS = f'sum by (slot) (label_replace(traefik_service_requests_total{{{OURS},code=~"5.."}}{SLOT})'
BUCKETS = f"sum by (slot, le) (label_replace(traefik_service_request_duration_seconds_bucket{{{OURS}}}{SLOT})"
# Both slots read the same tables and say the same of them: the larger answer counts, not their sum.
GAUGES: Mapping[str, str] = {
    "outbox_age_s": "max(alexandrite_outbox_age_seconds)",
    "messages_parked": 'sum(max by (service) (alexandrite_inbox{state="parked"}))'
    " + sum(max by (service) (alexandrite_outbox_parked))"
    " or sum(max by (service) (alexandrite_outbox_parked))",
    "dead_letters": "sum(max by (service) (alexandrite_dead_letters))",
    "message_held_s": 'max(alexandrite_inbox_oldest_seconds{state=~"held|waiting"})',
    # Sellers and operators may take their time; SUBMITTED is ours alone.
    "orders_stuck": 'sum(max by (stage) (alexandrite_orders_past_budget{stage="SUBMITTED"}))',
    "saga_steps_stuck": "sum(max by (step) (alexandrite_saga_steps_stuck))",
}
ALWAYS_THERE = frozenset({"outbox_age_s", "dead_letters"})
"""The others have no sample while there is nothing to count; without these nobody was asked."""
FIGURES = " or ".join(f'label_replace({query}, "figure", "{name}", "", "")' for name, query in GAUGES.items())
FRESH = "min(max by (job) (timestamp(up{job=~'traefik|services'} == 1)))"
FRESH_JOBS = "count(count by (job) (up{job=~'traefik|services'} == 1))"


class CannotSee(Exception):
    """A figure could not be asked; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Report:
    """What the orchestrator said, and when it was asked."""

    at: float
    disagreements: frozenset[tuple[str, str, str]]
    """Kind, service, order."""
    price_mismatches: int


class Prometheus:
    """Instant queries. Raises CannotSee."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def ask(self, query: str) -> list[tuple[Mapping[str, str], float]]:
        """Labels and value of every sample of the answer."""
        try:
            answer = self._client.post("/api/v1/query", data={"query": query}).raise_for_status().json()
            result = answer["data"]["result"]
            return [(entry["metric"], float(entry["value"][1])) for entry in result]
        except (httpx.HTTPError, ValueError, KeyError, TypeError, IndexError) as error:
            raise CannotSee(f"Prometheus does not answer: {type(error).__name__} {error}") from error

    def slots(self) -> dict[str, Counts]:
        """The gateway's counters by slot."""
        requests = {labels["slot"]: value for labels, value in self.ask(REQUESTS)}
        errors = {labels["slot"]: value for labels, value in self.ask(ERRORS)}
        buckets: dict[str, dict[float, float]] = {slot: {} for slot in requests}
        for labels, value in self.ask(BUCKETS):
            buckets.setdefault(labels["slot"], {})[float(labels["le"].replace("+Inf", "inf"))] = value
        return {slot: Counts(value, errors.get(slot, 0.0), buckets[slot]) for slot, value in requests.items()}

    def figures(self) -> dict[str, float]:
        """The services' gauges by figure; those without a sample are 0."""
        found = {labels["figure"]: value for labels, value in self.ask(FIGURES) if not math.isnan(value)}
        if not found.keys() >= ALWAYS_THERE:
            raise CannotSee(f"no service tells {', '.join(sorted(ALWAYS_THERE - found.keys()))}")
        return {name: found.get(name, 0.0) for name in GAUGES}

    def fresh_at(self) -> float:
        """When gateway and services were both last scraped, in seconds since the epoch."""
        if [value for _, value in self.ask(FRESH_JOBS)] != [2.0]:
            raise CannotSee("the gateway or the services are not scraped")
        return min(value for _, value in self.ask(FRESH))


class Orchestrator:
    """The orchestrator's API, in the hands of an administrator. Raises CannotSee."""

    def __init__(self, client: httpx.Client, password: str, clock: Clock) -> None:
        self._client = client
        self._password = password
        self._clock = clock
        self._signed_in_at = -math.inf
        self._headers: dict[str, str] = {}

    def report(self, since: datetime) -> Report:
        """Asks now. Disagreements are looked for some minutes further back: what was wrong before must be known as well."""
        at = self._clock.now()
        found = self._get("/api/orchestrator/v1/reconciliation", since=(since - LOOK_BACK).isoformat())["findings"]
        disagreements = frozenset(
            (str(entry["kind"]), str(entry["service"]), str(entry["order_id"]))
            for entry in found
            if entry["kind"] not in PASSING
        )
        orders = self._get("/api/orchestrator/v1/orders", limit=ORDERS_LOOKED_AT)["items"]
        return Report(at, disagreements, price_mismatches(orders, since))

    def _get(self, path: str, **params: str | int) -> Any:
        try:
            if self._clock.now() - self._signed_in_at > SESSION_S_MAX:
                self._sign_in()
            answer = self._client.get(path, params=params, headers=self._headers)
            if answer.status_code in (401, 500, 502, 503, 504):
                # One slot of two may be the bad one, and that is what the gateway's counters are for.
                self._sign_in()
                answer = self._client.get(path, params=params, headers=self._headers)
            return answer.raise_for_status().json()
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise CannotSee(f"the orchestrator does not answer {path}: {type(error).__name__} {error}") from error

    def _sign_in(self) -> None:
        body = {"email": ADMINISTRATOR, "password": self._password}
        answer = self._client.post("/api/identity/v1/sessions", json=body).raise_for_status().json()
        self._headers = {"authorization": f"Bearer {answer['access_token']}"}
        self._signed_in_at = self._clock.now()


def price_mismatches(orders: Sequence[Mapping[str, Any]], since: datetime) -> int:
    """Orders changed after `since` that went on at a price which their customer did not agree to, or at none."""
    return sum(
        1
        for order in orders
        if order["status"] in PRICED
        and datetime.fromisoformat(order["changed_at"]) >= since
        and not _is_agreed(order["total"], order["agreed_total"])
    )


def _is_agreed(total: Mapping[str, str] | None, agreed: Mapping[str, str] | None) -> bool:
    if total is None or agreed is None or total["currency"] != agreed["currency"]:
        return False
    return Decimal(total["amount"]) <= Decimal(agreed["amount"]) * PRICE_TOLERANCE + CENT


class EnvironmentInstruments:
    """The figures of one environment, with one slot as the candidate's. Used as a context: it holds connections and a thread."""

    def __init__(
        self,
        prometheus: Prometheus,
        orchestrator: Orchestrator,
        *,
        candidate: str,
        stable: str,
        clock: Clock,
        since: datetime,
    ) -> None:
        self._prometheus = prometheus
        self._orchestrator = orchestrator
        self._candidate = candidate
        self._stable = stable
        self._clock = clock
        self._since = since
        self._report: Report | None = None
        self._known: frozenset[tuple[str, str, str]] = frozenset()
        self._disagreements = 0
        self._trouble = "the orchestrator was not asked yet"
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep_asking, name="reconciliation", daemon=True)

    def __enter__(self) -> Self:
        self.look()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(timeout=REPORT_TIMEOUT_S)

    def look(self) -> None:
        """Asks the orchestrator once more. A disagreement counts when the first look had it not, and two looks in a row find it."""
        try:
            report = self._orchestrator.report(self._since)
        except CannotSee as error:
            self._trouble = str(error)
            return
        if self._report is None:
            self._known = report.disagreements
        else:
            self._disagreements = len((report.disagreements & self._report.disagreements) - self._known)
        self._report, self._trouble = report, ""

    def _keep_asking(self) -> None:
        while not self._ended.wait(REPORT_EVERY_S):
            self.look()

    def sample(self) -> Sample:
        """The figures now; what could not be asked makes the sample blind and as old as nothing."""
        at = self._clock.now()
        report, blind = self._report, ""
        slots: dict[str, Counts] = {}
        business: dict[str, float] = {}
        fresh_at = -math.inf
        try:
            fresh_at = self._prometheus.fresh_at()
            slots = self._prometheus.slots()
            business |= self._prometheus.figures()
        except CannotSee as error:
            blind, fresh_at = str(error), -math.inf
        if report is not None:
            business |= {"disagreements": self._disagreements, "price_mismatches": report.price_mismatches}
        if report is None or at - report.at > REPORT_AGE_S_MAX:
            blind, fresh_at = blind or self._trouble or "the orchestrator's last report is too old", -math.inf
        return Sample(
            at, slots.get(self._candidate, Counts()), slots.get(self._stable, Counts()), business, fresh_at, blind
        )


def clients(*, prometheus_url: str, url: str, ca_file: str) -> tuple[httpx.Client, httpx.Client]:
    """Connections to Prometheus and to the gateway."""
    trust = ssl.create_default_context(cafile=ca_file)
    return (
        httpx.Client(base_url=prometheus_url, timeout=ASK_TIMEOUT_S),
        httpx.Client(base_url=url, verify=trust, timeout=REPORT_TIMEOUT_S, headers={"Origin": url}),
    )
