"""Plots as SVG text, by matplotlib: kept, no browser and no script needed to read them, and text stays text.

(Plotly and Bokeh carry megabytes of JavaScript into every report; pygal has no logarithmic percentile axes worth the name.)
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator

COLOURS = {"base": "#7a869a", "candidate": "#0b6e4f"}
SHARES = {0.50: "-", 0.95: "--", 0.99: ":"}
WINDOWS = 30
mpl.rcParams["svg.fonttype"] = "none"
mpl.rcParams["svg.hashsalt"] = "alexandrite"


@dataclass(frozen=True, slots=True)
class Track:
    """One system's answers as columns: `at` in seconds since the beginning, `ms`, `ok`."""

    at: Sequence[float]
    ms: Sequence[float]
    ok: Sequence[bool]


def percentiles_over_time(tracks: Mapping[str, Track], title: str) -> str:
    """p50, p95 and p99 in windows of time, a line each, one colour a system."""
    figure, axes = _figure(title, "ms")
    axes.set_xlabel("seconds", fontsize=7)
    for side, track in tracks.items():
        windows = _windows(tracks, track)
        for share, style in SHARES.items():
            points = [(middle, np.quantile(ms, share)) for middle, ms, _ in windows if len(ms) >= 1 / (1 - share) / 4]
            if points:
                label = f"{side} p{share * 100:.0f}"
                axes.plot(
                    *zip(*points, strict=True), style, color=COLOURS.get(side, "#333"), label=label, linewidth=1.3
                )
    if axes.lines:
        axes.set_yscale("log")
        for axis_labels in (axes.yaxis.set_major_formatter, axes.yaxis.set_minor_formatter):
            axis_labels(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_locator(LogLocator(subs=(2.0, 5.0)))
        axes.legend(fontsize=7, ncols=2, frameon=False)
    return _svg(figure)


def rates_over_time(tracks: Mapping[str, Track], title: str, *, failures: bool) -> str:
    """Requests that succeeded, or failed, per second."""
    figure, axes = _figure(title, "per second")
    axes.set_xlabel("seconds", fontsize=7)
    for side, track in tracks.items():
        windows = _windows(tracks, track)
        width = _width(tracks)
        heights = [(middle, (bad if failures else len(ms)) / width) for middle, ms, bad in windows]
        if heights:
            axes.plot(*zip(*heights, strict=True), color=COLOURS.get(side, "#333"), label=side, linewidth=1.3)
    axes.set_ylim(bottom=0)
    if axes.lines:
        axes.legend(fontsize=7, frameon=False)
    return _svg(figure)


def intervals(rows: Sequence[tuple[str, float, float, float, float]], title: str) -> str:
    """Estimates with their intervals and budgets; each row is (name, estimate, low, high, budget), unchanged is 1."""
    figure, axes = _figure(title, "", height=0.5 + 0.35 * max(len(rows), 1))
    for place, (_, estimate, low, high, budget) in enumerate(rows):
        axes.plot([low, high], [place, place], color=COLOURS["candidate"], linewidth=2)
        axes.plot([estimate], [place], "o", color=COLOURS["candidate"], markersize=5)
        axes.plot([budget], [place], "|", color="#b3261e", markersize=14, markeredgewidth=2)
    axes.axvline(1.0, color="#999", linewidth=0.8)
    axes.set_yticks(range(len(rows)), [name for name, *_ in rows], fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel("candidate / base; red: budget", fontsize=8)
    return _svg(figure)


def _width(tracks: Mapping[str, Track]) -> float:
    return max((max(track.at, default=0.0) for track in tracks.values()), default=0.0) / WINDOWS or 1.0


def _windows(tracks: Mapping[str, Track], track: Track) -> list[tuple[float, list[float], int]]:
    """(middle in seconds, latencies of successes, failures) of each window that holds anything."""
    width = _width(tracks)
    found: dict[int, tuple[list[float], list[bool]]] = {}
    for at, ms, ok in zip(track.at, track.ms, track.ok, strict=True):
        times, bad = found.setdefault(min(int(at / width), WINDOWS - 1), ([], []))
        (times.append(ms) if ok else bad.append(True))
    return [((number + 0.5) * width, times, len(bad)) for number, (times, bad) in sorted(found.items())]


def _figure(title: str, unit: str, *, height: float = 2.3) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(6.2, height), layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(title, fontsize=9, loc="left")
    axes.set_ylabel(unit, fontsize=8)
    axes.tick_params(labelsize=7, which="both")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(visible=True, alpha=0.25)
    return figure, axes


def _svg(figure: Figure) -> str:
    buffer = io.StringIO()
    # No date: the same rounds give the same page.
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]
