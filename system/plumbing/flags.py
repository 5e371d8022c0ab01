"""Dark features: in the code and in production, and in nobody's hands until a person lights them.

They are declared in `system/flags.toml`, each with an owner and the day by which it is lit for good or gone. Lighting or darkening one
takes a second and no release, and a rollback of the code leaves it as it is.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path

from fastapi import Request

from system.kernel.errors import NotFound
from system.plumbing.steering import Steering

FILE = Path(__file__).parents[1] / "flags.toml"


@dataclass(frozen=True, slots=True)
class Flag:
    """One dark feature."""

    name: str
    about: str
    """What somebody sees who has it."""
    owner: str
    until: date
    """The last day on which it may still be a flag."""


def declared(file: Path = FILE) -> tuple[Flag, ...]:
    """The flags of a file. Raises ValueError for one that lacks something or says too much."""
    found = []
    wanted = {field.name: field.type for field in fields(Flag) if field.name != "name"}
    for name, told in tomllib.loads(file.read_text(encoding="utf-8")).items():
        if not isinstance(told, dict) or set(told) != set(wanted) or not isinstance(told["until"], date):
            raise ValueError(f"the flag {name} has exactly {', '.join(wanted)}, of which the last is a date")
        found.append(Flag(name, str(told["about"]), str(told["owner"]), told["until"]))
    return tuple(found)


class Features:
    """Which features are lit now."""

    def __init__(self, steering: Steering, names: Collection[str] | None = None) -> None:
        self._steering = steering
        self._names = frozenset(flag.name for flag in declared()) if names is None else frozenset(names)

    def is_lit(self, name: str) -> bool:
        """Raises LookupError for a name that nobody declared: a misspelt flag would be dark for ever."""
        if name not in self._names:
            raise LookupError(f"the flag {name!r} is not declared in {FILE.name}")
        return self._steering.flags().get(name, False)


class Lit:
    """A dependency of routes: while the feature is dark there is no such thing, for anybody."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, request: Request) -> None:
        """Raises NotFound while it is dark."""
        features: Features = request.app.state.features
        if not features.is_lit(self._name):
            raise NotFound("not-found", "There is nothing here.")
