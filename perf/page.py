"""The page of a measurement: verdict or figures on top, then plots. One file, no script, nothing fetched from elsewhere."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from perf import plots
from perf.budgets import Budgets
from perf.comparison import Comparison
from perf.rounds import SIDES, Answer, Pair
from perf.system import percentile
from tools.prepare import state

_STYLE = """
body{font:14px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:82rem;padding:0 1rem;color:#1c2430}
table{border-collapse:collapse;margin:1rem 0}th,td{padding:.25rem .7rem;text-align:right;border-bottom:1px solid #dde2ea}
th:first-child,td:first-child,.words{text-align:left}td.words{min-width:15rem}.scroll{overflow-x:auto}svg{max-width:100%;height:auto}.FAILED{color:#b3261e;font-weight:600}.INCONCLUSIVE{color:#8a5a00;font-weight:600}
.PASSED{color:#0b6e4f;font-weight:600}.plots{display:grid;grid-template-columns:repeat(auto-fill,minmax(34rem,1fr));gap:.6rem}
.plots svg{width:100%;height:auto}
"""
_PHONE = '<meta name="viewport" content="width=device-width">'
ABOUT = "what it is"
"""The one column of sentences; the others are figures."""
Table = tuple[Sequence[str], Iterable[Sequence[str]]]


def write_comparison(
    pairs: Sequence[Pair], comparison: Comparison | None, terms: Budgets, path: Path, *, title: str
) -> None:
    """The gate's page: the metrics with their intervals against the budgets, then every kind of request over time."""
    parts = [f"<h1>{html.escape(title)}</h1>"]
    if comparison is not None:
        parts += [_findings(comparison, terms), *(f"<p>{html.escape(reason)}</p>" for reason in comparison.reasons)]
    else:
        parts.append("<p>Nothing was compared.</p>")
    _write(path, title, parts, sides_of(pairs))


def write_run(sides: Mapping[str, Sequence[Answer]], path: Path, *, title: str, remarks: Sequence[str] = ()) -> None:
    """The page of `perf.run`: one system, or two, without a verdict."""
    parts = [f"<h1>{html.escape(title)}</h1>", *(f"<p>{html.escape(remark)}</p>" for remark in remarks)]
    _write(path, title, parts, sides)


def write_bars(bars: Table, answers: Sequence[Answer], path: Path, *, title: str, remarks: Sequence[str] = ()) -> None:
    """The page of a measurement with bars of its own: each with its figure and verdict, then every kind of request."""
    parts = [f"<h1>{html.escape(title)}</h1>", _table(bars), *(f"<p>{html.escape(remark)}</p>" for remark in remarks)]
    _write(path, title, parts, {"candidate": answers})


def sides_of(pairs: Sequence[Pair]) -> dict[str, list[Answer]]:
    """All answers of each side, one round laid after the other, so that neighbours in time stand side by side."""
    sides: dict[str, list[Answer]] = {side: [] for side in SIDES}
    begun = 0.0
    for pair in pairs:
        for side, one in zip(SIDES, pair, strict=True):
            sides[side] += [answer._replace(at=answer.at + begun) for answer in one.answers]
        begun += max(one.seconds for one in pair)
    return sides


def figures_table(sides: Mapping[str, Sequence[Answer]]) -> Table:
    """Per kind of request and system: how many, failures, p50, p95, p99 in ms; with two systems also the ratios."""
    heading = ["request"]
    for side in sides:
        heading += [f"{side}: requests", "failed", "p50", "p95", "p99"]
    ratios = ["p50 ratio", "p95 ratio"] if len(sides) == 2 else []
    rows = []
    names = sorted({answer.name for answers in sides.values() for answer in answers})
    for name in ["all", *names]:
        row, told = [name], []
        for answers in sides.values():
            own = [answer for answer in answers if name in ("all", answer.name)]
            times = [answer.ms for answer in own if answer.ok]
            told.append([percentile(times, share) if times else math.nan for share in (0.5, 0.95, 0.99)])
            row += [str(len(own)), str(len(own) - len(times)), *(f"{value:.1f}" for value in told[-1])]
        if ratios:
            # The mean of all kinds is no comparison when the two sides' mixes differ; each kind for itself is.
            row += [f"{told[1][place] / told[0][place]:.2f}" if name != "all" else "" for place in range(2)]
        rows.append(row)
    return [*heading, *ratios], rows


def _findings(comparison: Comparison, terms: Budgets) -> str:
    rows, drawn = [], []
    budgets = {budget.name: budget for budget in terms.metrics}
    for finding in comparison.findings:
        budget = budgets[finding.metric]
        name = f"{finding.metric} {f'({finding.detail})' if finding.detail else ''}".strip()
        span = [
            f"{value:.4f}" for value in (finding.estimate, finding.low, finding.high, budget.budget, budget.tolerance)
        ]
        rows.append([name, finding.verdict, *span, budget.about])
        if budget.kind != "share" and math.isfinite(finding.estimate):
            drawn.append((name, finding.estimate, finding.low, finding.high, budget.budget))
    heading = ["metric", "verdict", "estimate", "low", "high", "budget", "tolerance", ABOUT]
    said = f"<p>{comparison.pairs} pairs of rounds, {comparison.requests} requests.</p>"
    return said + _table((heading, rows)) + plots.intervals(drawn, "Ratios and budgets")


def _write(path: Path, title: str, parts: list[str], sides: Mapping[str, Sequence[Answer]]) -> None:
    parts = [*parts, _table(figures_table(sides)), "<div class=plots>"]
    tracks = {side: _track(answers) for side, answers in sides.items()}
    parts.append(plots.rates_over_time(tracks, "Succeeded", failures=False))
    parts.append(plots.rates_over_time(tracks, "Failed", failures=True))
    parts.append(plots.percentiles_over_time(tracks, "All requests"))
    for name in sorted({answer.name for answers in sides.values() for answer in answers}):
        own = {side: _track([answer for answer in answers if answer.name == name]) for side, answers in sides.items()}
        parts.append(plots.percentiles_over_time(own, name))
    body = "\n".join([*parts, "</div>"])
    head = f'<!doctype html><html lang="en"><meta charset="utf-8">{_PHONE}<title>{html.escape(title)}</title><style>{_STYLE}</style>'
    state.write_file(path, f"{head}\n{body}\n</html>\n")


def _track(answers: Sequence[Answer]) -> plots.Track:
    return plots.Track([a.at for a in answers], [a.ms for a in answers], [a.ok for a in answers])


def _table(table: Table) -> str:
    heading, rows = table
    headed = "".join(f"<th{' class=words' if cell == ABOUT else ''}>{html.escape(cell)}</th>" for cell in heading)
    words = heading.index(ABOUT) if ABOUT in heading else None
    lines = [f"<div class=scroll><table><tr>{headed}</tr>"]
    for row in rows:
        cells = (f"<td{_class(cell, words=place == words)}>{html.escape(cell)}</td>" for place, cell in enumerate(row))
        lines.append("<tr>" + "".join(cells) + "</tr>")
    return "\n".join([*lines, "</table></div>"])


def _class(cell: str, *, words: bool) -> str:
    if words:
        return " class=words"
    return f' class="{cell}"' if cell in ("PASSED", "FAILED", "INCONCLUSIVE") else ""
