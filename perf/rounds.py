"""Rounds: what one system answered while the same load was put on it, and how they are kept in files.

A recording is one JSON object a line: {"pair": 0, "side": "base", "at": 0.25, "name": "board", "ms": 12.5, "ok": true}, where `at` is
seconds since the round began. Latencies count from the moment the request was due, so that waiting for a stalled system is in them.
"""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

SIDES = ("base", "candidate")


class Answer(NamedTuple):
    """One request: its kind, when it was due (seconds since the round began), how long it took, whether it did what it should."""

    name: str
    at: float
    ms: float
    ok: bool


@dataclass(frozen=True, slots=True)
class Round:
    """Everything that one system answered in one round. `seconds` runs from the first request until the last answer.

    `foreign` is the share of the machine's processors that something else than the measurement used meanwhile; `cpu_s` the
    processor seconds of this system's own containers, until a moment after the last answer. NaN: not known.
    """

    answers: tuple[Answer, ...]
    seconds: float
    foreign: float = 0.0
    cpu_s: float = math.nan


class Pair(NamedTuple):
    """Two rounds of the same load at the same time, one of each system."""

    base: Round
    candidate: Round

    @property
    def foreign(self) -> float:
        """The worse of both rounds."""
        return max(one.foreign for one in self)


def duration_of(answers: Sequence[Answer]) -> float:
    """Seconds until the last answer."""
    return max((answer.at + answer.ms / 1000 for answer in answers), default=0.0)


def to_lines(pairs: Iterable[Pair]) -> list[str]:
    """The pairs as JSON lines."""
    lines: list[str] = []
    for number, pair in enumerate(pairs):
        for side, one in zip(SIDES, pair, strict=True):
            for answer in one.answers:
                entry = {"pair": number, "side": side, "at": round(answer.at, 3), "name": answer.name}
                lines.append(json.dumps(entry | {"ms": round(answer.ms, 2), "ok": answer.ok}))
    return lines


def from_lines(lines: Iterable[str]) -> list[Pair]:
    """What `to_lines` wrote. Raises ValueError for a pair with one side only."""
    sides: dict[int, dict[str, list[Answer]]] = {}
    for line in lines:
        entry = json.loads(line)
        here = sides.setdefault(entry["pair"], {side: [] for side in SIDES})
        here[entry["side"]].append(Answer(entry["name"], entry["at"], entry["ms"], entry["ok"]))
    return [_pair(number, sides[number]) for number in sorted(sides)]


def pack(pairs: Sequence[Pair], provenance: dict[str, Any], path: Path) -> None:
    """Keeps pairs small: names once, columns of numbers, gzip without a time stamp so that the same rounds give the same bytes."""
    names = sorted({answer.name for pair in pairs for one in pair for answer in one.answers})
    place = {name: index for index, name in enumerate(names)}
    packed = [[_columns(one, place) for one in pair] for pair in pairs]
    body = json.dumps({"provenance": provenance, "names": names, "pairs": packed}, separators=(",", ":"))
    path.write_bytes(gzip.compress(body.encode(), mtime=0))


def unpack(path: Path) -> tuple[list[Pair], dict[str, Any]]:
    """The pairs that `pack` kept, and where they come from."""
    body = json.loads(gzip.decompress(path.read_bytes()))
    names = body["names"]
    return [Pair(*(_round(one, names) for one in pair)) for pair in body["pairs"]], body["provenance"]


def _columns(one: Round, place: dict[str, int]) -> dict[str, Any]:
    return {
        "name": [place[answer.name] for answer in one.answers],
        "at": [round(answer.at, 2) for answer in one.answers],
        "ms": [round(answer.ms, 1) for answer in one.answers],
        "failed": [index for index, answer in enumerate(one.answers) if not answer.ok],
        "seconds": round(one.seconds, 3),
        "foreign": round(one.foreign, 3),
        "cpu_s": round(one.cpu_s, 3) if math.isfinite(one.cpu_s) else None,
    }


def _round(columns: dict[str, Any], names: list[str]) -> Round:
    failed = set(columns["failed"])
    rows = zip(columns["name"], columns["at"], columns["ms"], strict=True)
    answers = tuple(Answer(names[name], at, ms, index not in failed) for index, (name, at, ms) in enumerate(rows))
    cpu_s = columns.get("cpu_s")
    return Round(answers, columns["seconds"], columns["foreign"], math.nan if cpu_s is None else cpu_s)


def _pair(number: int, sides: dict[str, list[Answer]]) -> Pair:
    if not all(sides.values()):
        raise ValueError(f"pair {number} has one side only")
    return Pair(*(Round(tuple(sides[side]), duration_of(sides[side])) for side in SIDES))
