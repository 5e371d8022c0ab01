"""What is asked of a candidate, and how strictly: `release/gates.toml`.

load(path, depends_on=[...]) -> Policy      PolicyInvalid for anything that is not understood to the letter
Policy.needed_for(environment) -> gates     in the order of the declaration
Policy.gate(name), Policy.run_of(gate)
Policy.digest                               changes with the declaration and with every file in `depends_on`
"""

from __future__ import annotations

import difflib
import hashlib
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from release import canonical
from release.errors import PolicyInvalid

ENVIRONMENTS = ("dev", "release", "production")
"""In the order a candidate goes through them."""
PLACEHOLDERS = frozenset({"python", "out", "image", "previous_image", "previous_commit", "commit", "digest"})
SEVERITIES = ("blocking", "advisory")
READERS = ("junit", "verdict")
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_PLACEHOLDER = re.compile(r"\{([A-Za-z_]+)\}")


@dataclass(frozen=True, slots=True)
class Run:
    """One command, killed when it takes longer than `budget_s`."""

    name: str
    command: tuple[str, ...]
    budget_s: int


@dataclass(frozen=True, slots=True)
class Gate:
    """One question, answered from the reports of one run."""

    name: str
    run: str
    question: str
    before: str
    """The first environment that needs it; every later one needs it too."""
    severity: Literal["blocking", "advisory"]
    reads: Literal["junit", "verdict"]
    reports: tuple[str, ...]
    """File names or globs; each must match at least one file."""
    tests_min: int
    """Fewer executed than this says nothing of the candidate."""
    max_age_h: float
    counted: bool = False
    skipped_max: int = 0
    """More skipped tests than this are excused ones that nobody agreed to."""
    needs_previous: bool = False
    asked_in: str = ""
    """The environment in which it is asked, when it is about a release that runs; its promotion there answers it."""

    @property
    def is_blocking(self) -> bool:
        """Whether it can stop a candidate."""
        return self.severity == "blocking"


@dataclass(frozen=True, slots=True)
class Policy:
    """The whole declaration, as it was read."""

    runs: Mapping[str, Run]
    gates: Mapping[str, Gate]
    inputs: Mapping[str, str]
    """The other files a verdict depends on: name relative to the declaration, SHA-256 (hex)."""
    digest: str
    """SHA-256 (hex) of declaration and inputs."""

    def gate(self, name: str) -> Gate:
        """The gate of that name. Raises PolicyInvalid and names the nearest one."""
        if name not in self.gates:
            raise PolicyInvalid(f"There is no gate {name!r}.", remedy=_nearest(name, self.gates))
        return self.gates[name]

    def run_of(self, gate: str) -> Run:
        """The run whose reports answer the gate."""
        return self.runs[self.gate(gate).run]

    def needed_for(self, environment: str) -> tuple[Gate, ...]:
        """The gates before `environment` and before every environment ahead of it. Raises PolicyInvalid for an unknown one."""
        rank = rank_of(environment)
        return tuple(gate for gate in self.gates.values() if rank_of(gate.before) <= rank)


def rank_of(environment: str) -> int:
    """0 for the first environment. Raises PolicyInvalid for an unknown one."""
    if environment not in ENVIRONMENTS:
        raise PolicyInvalid(
            f"There is no environment {environment!r}.", remedy=f"There are: {', '.join(ENVIRONMENTS)}."
        )
    return ENVIRONMENTS.index(environment)


def load(path: Path, *, depends_on: Iterable[Path] = ()) -> Policy:
    """Reads the declaration. Every key must be known and every needed one present, because a misspelt key would otherwise
    turn strictness off without a word. Raises PolicyInvalid.
    """
    try:
        declaration = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as failure:
        raise PolicyInvalid(f"{path.name} cannot be read: {failure}.") from failure
    sections = _Fields("the declaration", declaration)
    runs = {name: _run(name, table) for name, table in sections.tables("runs").items()}
    gates = {name: _gate(name, table) for name, table in sections.tables("gates").items()}
    sections.close()
    _check_together(runs, gates)
    inputs = {os.path.relpath(other, path.parent): _sha256(other) for other in depends_on}
    digest = canonical.digest_of({"declaration": declaration, "inputs": inputs})
    return Policy(MappingProxyType(runs), MappingProxyType(gates), MappingProxyType(inputs), digest)


def _run(name: str, table: object) -> Run:
    fields = _Fields(f"run {name!r}", table)
    run = Run(name, command=fields.texts("command"), budget_s=fields.whole("budget_s", at_least=1))
    fields.close()
    for word in run.command:
        for placeholder in _PLACEHOLDER.findall(word):
            if placeholder not in PLACEHOLDERS:
                raise PolicyInvalid(f"Run {name!r} fills in {{{placeholder}}}, which nothing provides.")
    return run


def _gate(name: str, table: object) -> Gate:
    fields = _Fields(f"gate {name!r}", table)
    reads = fields.choice("reads", READERS)
    gate = Gate(
        name=name,
        run=fields.text("run"),
        question=fields.text("question"),
        before=fields.choice("before", ENVIRONMENTS),
        severity="blocking" if fields.choice("severity", SEVERITIES) == "blocking" else "advisory",
        reads="junit" if reads == "junit" else "verdict",
        reports=fields.texts("reports"),
        tests_min=fields.whole("tests_min", at_least=1),
        max_age_h=fields.hours("max_age_h"),
        counted=fields.flag("counted"),
        skipped_max=fields.allowance("skipped_max"),
        needs_previous=fields.flag("needs_previous"),
        asked_in=fields.option("asked_in", ENVIRONMENTS),
    )
    fields.close()
    if gate.asked_in and rank_of(gate.asked_in) >= rank_of(gate.before):
        raise PolicyInvalid(
            f"Gate {name!r} is asked in {gate.asked_in}, which the candidate enters too late for {gate.before}."
        )
    if gate.counted and gate.reads != "junit":
        raise PolicyInvalid(f"Gate {name!r} is counted but reads no junit report.")
    return gate


def _check_together(runs: Mapping[str, Run], gates: Mapping[str, Gate]) -> None:
    for gate in gates.values():
        if gate.run not in runs:
            raise PolicyInvalid(f"Gate {gate.name!r} reads the run {gate.run!r}, which is not declared.")
    for name in runs:
        if all(gate.run != name for gate in gates.values()):
            raise PolicyInvalid(f"Run {name!r} answers no gate.")
    if not any(gate.before == ENVIRONMENTS[0] and gate.is_blocking for gate in gates.values()):
        raise PolicyInvalid(f"No blocking gate stands before {ENVIRONMENTS[0]}: everything could enter it.")


class _Fields:
    """A table that is read key by key; what nobody asked for is an error at `close`."""

    def __init__(self, owner: str, table: object) -> None:
        if not isinstance(table, dict):
            raise PolicyInvalid(f"{owner.capitalize()} is not a table.")
        self._owner = owner
        self._table: dict[str, object] = table
        self._known: set[str] = set()

    def _take(self, key: str) -> object:
        self._known.add(key)
        if key not in self._table:
            self._check_unknown(key)
            raise PolicyInvalid(f"{self._owner.capitalize()} has no {key!r}.")
        return self._table[key]

    def _refuse(self, key: str, wanted: str) -> PolicyInvalid:
        return PolicyInvalid(f"{self._owner.capitalize()}: {key!r} is {self._table[key]!r}, and must be {wanted}.")

    def _check_unknown(self, missing: str) -> None:
        # A missing key beside a near miss is a misspelling: name that first.
        near = difflib.get_close_matches(missing, self._table, 1)
        if near and near[0] not in self._known:
            raise PolicyInvalid(
                f"{self._owner.capitalize()} has an unknown key {near[0]!r}.", remedy=f"{missing!r}, perhaps?"
            )

    def text(self, key: str) -> str:
        value = self._take(key)
        if not isinstance(value, str) or not value.strip():
            raise self._refuse(key, "a text that is not empty")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        value = self._take(key)
        if not isinstance(value, list) or not value or not all(isinstance(item, str) and item for item in value):
            raise self._refuse(key, "a list of texts that is not empty")
        return tuple(value)

    def choice(self, key: str, choices: tuple[str, ...]) -> str:
        value = self._take(key)
        if not isinstance(value, str) or value not in choices:
            raise self._refuse(key, "one of " + ", ".join(choices))
        return value

    def whole(self, key: str, *, at_least: int) -> int:
        value = self._take(key)
        if not isinstance(value, int) or isinstance(value, bool) or value < at_least:
            raise self._refuse(key, f"a whole number of at least {at_least}")
        return value

    def hours(self, key: str) -> float:
        value = self._take(key)
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < float("inf"):
            raise self._refuse(key, "a number of hours above zero")
        return float(value)

    def option(self, key: str, among: tuple[str, ...]) -> str:
        """One of them, or nothing where the key is not there."""
        return self.choice(key, among) if key in self._table else ""

    def flag(self, key: str) -> bool:
        """False when absent: the two flags of a gate add strictness, and `close` refuses their misspellings."""
        self._known.add(key)
        value = self._table.get(key, False)
        if not isinstance(value, bool):
            raise self._refuse(key, "true or false")
        return value

    def allowance(self, key: str) -> int:
        """0 when absent: what is allowed must be written down."""
        return self.whole(key, at_least=1) if key in self._table else self._nothing(key)

    def _nothing(self, key: str) -> int:
        self._known.add(key)
        return 0

    def tables(self, key: str) -> dict[str, object]:
        value = self._take(key)
        if not isinstance(value, dict) or not value:
            raise self._refuse(key, "a table that is not empty")
        for name in value:
            if not _NAME.fullmatch(name):
                raise PolicyInvalid(f"{name!r} cannot be a name in {key!r}: small letters, digits, hyphen, underscore.")
        return value

    def close(self) -> None:
        for key in self._table:
            if key not in self._known:
                remedy = _nearest(key, self._known)
                raise PolicyInvalid(f"{self._owner.capitalize()} has an unknown key {key!r}.", remedy=remedy)


def _nearest(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), 1)
    return f"{near[0]!r}, perhaps?" if near else f"Known: {', '.join(sorted(known))}."


def _sha256(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as failure:
        raise PolicyInvalid(f"{path.name}, which verdicts depend on, cannot be read: {failure.strerror}.") from failure
