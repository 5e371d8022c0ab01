"""What a figure is: a question in PromQL, what its answer is called, and in which unit it is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

WINDOW = "$window"
"""Stands in a question for the stretch over which a rate is taken; the period decides, or Grafana does."""
SERIES_MAX = 10
"""So many lines are told apart on one chart; of more the highest are drawn."""


def N_(message: str) -> str:  # the name is gettext's
    """Marks a message of the catalogue."""
    return message


class Unit(StrEnum):
    """In what a figure is counted, as Prometheus gives it."""

    COUNT = "count"
    PER_SECOND = "per_second"
    PER_MINUTE = "per_minute"
    SECONDS = "seconds"
    BYTES = "bytes"
    BYTES_PER_SECOND = "bytes_per_second"
    SHARE = "share"
    TIMES = "times"


class Section(StrEnum):
    """A part of the page of figures, in its order."""

    ORDERS = "orders"
    DELIVERY = "delivery"
    APIS = "apis"
    PRICING = "pricing"
    DATABASES = "databases"
    BROKER = "broker"
    HOST = "host"
    STORES = "stores"


@dataclass(frozen=True, slots=True)
class Query:
    """One question. `name` is what its series is called, a message of the catalogue, or a template of labels: `{service}`."""

    promql: str
    name: str

    def asked(self, window: str) -> str:
        """The question with its window filled in."""
        return self.promql.replace(WINDOW, window)


@dataclass(frozen=True, slots=True)
class Figure:
    """One chart. `runbook` names the alert whose page says what to do; `is_stacked`: its series add up to something."""

    key: str
    section: Section
    title: str
    description: str
    unit: Unit
    queries: Sequence[Query]
    runbook: str = ""
    is_stacked: bool = False


@dataclass(frozen=True, slots=True)
class Period:
    """How far back one looks: a point every `step`, rates over `window`. A window holds four scrapes at least."""

    key: str
    title: str
    length: timedelta
    step: timedelta
    window: str


PERIODS = (
    Period("15m", N_("15 minutes"), timedelta(minutes=15), timedelta(seconds=15), "1m"),
    Period("1h", N_("1 hour"), timedelta(hours=1), timedelta(minutes=1), "2m"),
    Period("6h", N_("6 hours"), timedelta(hours=6), timedelta(minutes=6), "6m"),
    Period("1d", N_("1 day"), timedelta(days=1), timedelta(minutes=24), "24m"),
)
SECTIONS = {
    Section.ORDERS: N_("Orders"),
    Section.DELIVERY: N_("Delivery of messages"),
    Section.APIS: N_("Pages and APIs"),
    Section.PRICING: N_("Pricing"),
    Section.DATABASES: N_("Databases"),
    Section.BROKER: N_("Broker"),
    Section.HOST: N_("Machine"),
    Section.STORES: N_("Storage, Redis and gateway"),
}


def series_name(template: str, labels: dict[str, str]) -> str:
    """`{service} p95` with the labels of a series; a label that it does not have is a dash."""
    for name in _places(template):
        template = template.replace("{" + name + "}", labels.get(name) or "—")
    return template


def _places(template: str) -> list[str]:
    return [part.split("}")[0] for part in template.split("{")[1:] if "}" in part]
