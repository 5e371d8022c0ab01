"""Lights and darkens features of an environment, as commits on the branch `environments`: `python -m release flag production`.

    python -m release flag production                              which there are, and which are lit
    python -m release flag production new_board on --why "..."     lit within a second, in both slots

A flag belongs to the environment and not to a release: promotions and rollbacks leave it alone. The release that runs there declares
which flags exist (`system/flags.toml` at its commit); one that it does not know is refused. The agent puts the file back when it was
changed by hand.
"""

from __future__ import annotations

import argparse
import getpass
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from release.environments import Environment, load
from release.errors import EvidenceInvalid, NotReady
from release.pins import Pins
from release.pipeline import Pipeline
from release.policy import ENVIRONMENTS
from release.repository import Repository
from tools.prepare import state

DECLARATION = "system/flags.toml"
FLAGS_FILE = "flags.json"


@dataclass(frozen=True, slots=True)
class Declared:
    """A flag as the release declares it."""

    about: str
    owner: str
    until: date


def declared_at(repository: Repository, commit: str) -> dict[str, Declared]:
    """The flags of a release. Raises NotReady when their file cannot be read; a release without the file has none."""
    if DECLARATION not in repository.files(commit, "system"):
        return {}
    try:
        told = tomllib.loads(repository.text(commit, DECLARATION))
        return {name: Declared(str(one["about"]), str(one["owner"]), one["until"]) for name, one in told.items()}
    except (tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise NotReady(f"{DECLARATION} at {commit[:12]} cannot be read: {error}") from error


def pinned(pins: Pins, environment: str) -> dict[str, bool]:
    """What is lit and darkened there by the branch. Raises EvidenceInvalid for a file that is none of ours."""
    text = pins.file(_name(environment))
    if text is None:
        return {}
    try:
        told = json.loads(text)
    except ValueError as error:
        raise EvidenceInvalid(f"The flags of {environment} are not readable: {error}.") from error
    if not isinstance(told, dict) or not all(isinstance(lit, bool) for lit in told.values()):
        raise EvidenceInvalid(f"The flags of {environment} are names with true or false.")
    return told


def switch(
    pins: Pins,
    environment: str,
    name: str,
    *,
    lit: bool,
    known: Mapping[str, Declared],
    by: str,
    why: str,
    at: datetime,
) -> dict[str, bool]:
    """Pins it, and returns all flags as they are pinned now. Raises NotReady for a flag that the release there does not know.

    One that no release declares any more may still be darkened: that forgets it.
    """
    before = pinned(pins, environment)
    if name not in known and (lit or name not in before):
        raise NotReady(
            f"The release in {environment} declares no flag {name!r}.",
            remedy=f"It declares: {', '.join(sorted(known)) or 'none'} ({DECLARATION}).",
        )
    after = {**before, name: lit}
    if name not in known:
        del after[name]
    subject = f"{environment}: {name} {'lit' if lit else 'darkened'}: {why}"
    text = json.dumps(after, indent=2, sort_keys=True) + "\n"
    pins.put(_name(environment), text, after=pins.file(_name(environment)), message=f"{subject}\n\nby {by}\n", at=at)
    return after


def apply(environment: Environment, flags: Mapping[str, bool]) -> bool:
    """Tells the services of both slots, by a rename. True when they had been told something else."""
    path: Path = environment.steering / FLAGS_FILE
    text = json.dumps(dict(flags), sort_keys=True) + "\n"
    there = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
    if there == text or (not there and not flags):
        return False
    state.write_file(path, text)
    return True


def _name(environment: str) -> str:
    return f"{environment}.flags.json"


def main(arguments: Sequence[str]) -> int:
    """`python -m release flag ENVIRONMENT [NAME on|off --why WHY]`."""
    parser = argparse.ArgumentParser(
        prog="python -m release flag", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("environment", choices=ENVIRONMENTS)
    parser.add_argument("name", nargs="?")
    parser.add_argument("lit", nargs="?", choices=("on", "off"))
    parser.add_argument("--why", default="")
    parser.add_argument("--by", default=getpass.getuser())
    asked = parser.parse_args(list(arguments))
    if asked.name and not (asked.lit and asked.why):
        parser.error("say on or off, and --why")
    pipeline = Pipeline.of_checkout()
    pin = pipeline.pins.read(asked.environment)
    if pin is None:
        raise NotReady(f"Nothing runs in {asked.environment} yet.")
    known = declared_at(Repository(pipeline.root), pin.pin.release.commit)
    flags = pinned(pipeline.pins, asked.environment)
    if asked.name:
        flags = switch(
            pipeline.pins,
            asked.environment,
            asked.name,
            lit=asked.lit == "on",
            known=known,
            by=asked.by,
            why=asked.why,
            at=datetime.now(UTC),
        )
        apply(load(asked.environment, home=pipeline.home), flags)
    for name, flag in sorted(known.items()):
        lit = "lit" if flags.get(name) else "dark"
        print(f"{name:<24} {lit:<5} until {flag.until}, {flag.owner}: {flag.about}")
    for name in sorted(set(flags) - set(known)):
        print(f"{name:<24} the release that runs does not know it")
    if not known and not flags:
        print(f"The release in {asked.environment} has no dark feature.")
    return 0
