"""Grafana's dashboards, written from the figures: `python -m system.observability dashboards DIRECTORY [--check]`.

A dashboard is a file that nobody edits; whoever wants another panel describes a figure.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from system.observability.domain.figure import SECTIONS, WINDOW, Figure, Query, Section, Unit
from system.observability.domain.figures import figures_of

SCHEMA_VERSION = 39
PANEL = {"w": 12, "h": 8}
COLUMNS = 24
RATE_WINDOW = "$__rate_interval"
DATASOURCE = {"type": "prometheus", "uid": "prometheus"}
UNITS = {
    Unit.COUNT: "short",
    Unit.PER_SECOND: "cps",
    Unit.PER_MINUTE: "cpm",
    Unit.SECONDS: "s",
    Unit.BYTES: "decbytes",
    Unit.BYTES_PER_SECOND: "Bps",
    Unit.SHARE: "percentunit",
    Unit.TIMES: "none",
}


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One file: what it is called, and the parts of the page it shows."""

    name: str
    title: str
    description: str
    sections: Sequence[Section]


DASHBOARDS = (
    Dashboard(
        "system",
        "Alexandrite: system",
        "Pages and APIs, the machine, storage, Redis and gateway.",
        (Section.APIS, Section.HOST, Section.STORES),
    ),
    Dashboard(
        "broker",
        "Alexandrite: broker",
        "How messages are delivered, and the broker beneath.",
        (Section.DELIVERY, Section.BROKER),
    ),
    Dashboard(
        "databases",
        "Alexandrite: databases",
        "Connections, locks, slow statements, sizes.",
        (Section.DATABASES,),
    ),
    Dashboard(
        "pricing", "Alexandrite: pricing", "The queue of calculations and how long they take.", (Section.PRICING,)
    ),
    Dashboard("business", "Alexandrite: orders", "Orders by status, what is late and what will be.", (Section.ORDERS,)),
)


def written() -> dict[str, str]:
    """Every dashboard's file by its name."""
    return {f"{one.name}.json": json.dumps(_dashboard(one), indent=1, ensure_ascii=False) + "\n" for one in DASHBOARDS}


def write_dashboards(directory: Path) -> list[Path]:
    """Brings the files up to what the figures say, and takes away those that no figure wants. Returns what changed."""
    wanted = written()
    stale = outdated(directory)
    for path in stale:
        if path.name in wanted:
            path.write_text(wanted[path.name], encoding="utf-8")
        else:
            path.unlink()
    return stale


def outdated(directory: Path) -> list[Path]:
    """Files that do not say what the figures say."""
    wanted = written()
    there = {path.name: path for path in directory.glob("*.json")}
    return [
        directory / name
        for name in sorted(wanted.keys() | there.keys())
        if name not in wanted or name not in there or there[name].read_text(encoding="utf-8") != wanted[name]
    ]


def _dashboard(dashboard: Dashboard) -> dict[str, Any]:
    return {
        "uid": f"alexandrite-{dashboard.name}",
        "title": dashboard.title,
        "description": dashboard.description,
        "tags": ["alexandrite"],
        "schemaVersion": SCHEMA_VERSION,
        "editable": False,
        "refresh": "5s",
        "time": {"from": "now-1h", "to": "now"},
        "timezone": "browser",
        "links": [{"type": "dashboards", "title": "Alexandrite", "tags": ["alexandrite"], "asDropdown": True}],
        "templating": {"list": [_address()]},
        "panels": list(_panels(dashboard.sections)),
    }


def _address() -> dict[str, Any]:
    """Where the system's own pages are: runbooks are read there."""
    return {
        "type": "textbox",
        "name": "system",
        "label": "System",
        "query": "https://localhost:8443",
        "current": {"text": "https://localhost:8443", "value": "https://localhost:8443"},
    }


def _panels(sections: Sequence[Section]) -> Iterator[dict[str, Any]]:
    number, top = 1, 0
    for section in sections:
        yield {
            "id": number,
            "type": "row",
            "title": SECTIONS[section],
            "collapsed": False,
            "gridPos": {"x": 0, "y": top, "w": COLUMNS, "h": 1},
            "panels": [],
        }
        number, top = number + 1, top + 1
        for place, figure in enumerate(figures_of(section)):
            if place and place % 2 == 0:
                top += PANEL["h"]
            yield _panel(figure, number) | {"gridPos": {"x": place % 2 * PANEL["w"], "y": top, **PANEL}}
            number += 1
        top += PANEL["h"]


def _panel(figure: Figure, number: int) -> dict[str, Any]:
    return {
        "id": number,
        "type": "timeseries",
        "title": figure.title,
        "description": figure.description,
        "datasource": DATASOURCE,
        "targets": [_target(query, place) for place, query in enumerate(figure.queries)],
        "fieldConfig": {
            "defaults": {
                "unit": UNITS[figure.unit],
                "min": 0,
                "custom": {
                    "drawStyle": "line",
                    "fillOpacity": 25 if figure.is_stacked else 0,
                    "stacking": {"mode": "normal" if figure.is_stacked else "none", "group": "A"},
                },
            },
            "overrides": [],
        },
        "options": {
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
            "tooltip": {"mode": "multi", "sort": "desc"},
        },
        "links": _links(figure),
    }


def _links(figure: Figure) -> list[dict[str, Any]]:
    if not figure.runbook:
        return []
    address = "${system}/observability/runbooks/" + figure.runbook
    return [{"title": f"Runbook: {figure.runbook}", "url": address, "targetBlank": True}]


def _target(query: Query, place: int) -> dict[str, Any]:
    return {
        "refId": chr(ord("A") + place),
        "datasource": DATASOURCE,
        "expr": query.promql.replace(WINDOW, RATE_WINDOW),
        "legendFormat": query.name.replace("{", "{{").replace("}", "}}"),
    }
