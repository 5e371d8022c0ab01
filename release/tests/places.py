"""Environments on paper for tests: nothing of them runs."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from pathlib import Path

from release.candidate import Release
from release.environments import PORT_NAMES, Environment
from release.pins import Pin
from tools.prepare import state

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HEAD = "c" * 64
CLOSED = 9
"""Nobody listens there; a real environment of this machine may have any of the ports that environments have."""
RING_SECRET = "52494e47" * 6


def release(letter: str) -> Release:
    """A release whose digest and commit are one letter of the alphabet to f, repeated."""
    digest = f"sha256:{letter * 64}"
    return Release(digest, letter * 40, f"127.0.0.1:5000/alexandrite/system@{digest}")


OLD, NEW, NEWER = release("a"), release("b"), release("d")


def pin(stable: Release = OLD) -> Pin:
    """The first pin of production, in blue."""
    return Pin.first("production", stable, ledger=HEAD, at=NOON, by="pipeline")


def environment(directory: Path, *, gateway_port: int = CLOSED) -> Environment:
    """Production as it is after `prepare`, but for certificates and secrets."""
    ports = {name: 20300 + 10 * index for index, name in enumerate(PORT_NAMES)} | {"gateway": gateway_port}
    lines = [f"ALEXANDRITE_PORT_{name.upper()}={port}" for name, port in ports.items()]
    state.write_file(directory / "ports.env", "\n".join(lines) + "\n")
    state.write_file(directory / "ring", RING_SECRET)
    return Environment(
        name="production",
        project="shining-production",
        directory=directory,
        ports_from=20300,
        shares=(5, 25, 50, 100),
        watch_s=60.0,
        keep_previous_s=3600.0,
        durations="durations.env",
        seed=True,
        told="production-demonstration",
    )


class PaperEngine:
    """A `docker` that answers from a script of cases and writes down what it was asked.

    `answers` maps a shell pattern over the arguments to the shell commands that answer it; the first match counts, and what
    matches nothing succeeds in silence.
    """

    def __init__(self, directory: Path, answers: dict[str, str]) -> None:
        self._log = directory / "asked"
        cases = "\n".join(f"{pattern}) {answer} ;;" for pattern, answer in answers.items())
        script = directory / "docker"
        script.write_text(
            f'#!/bin/sh\nprintf "%s %s\\n" "$ALEXANDRITE_IMAGE_SYSTEM" "$*" >> {self._log}\ncase "$*" in\n{cases}\nesac\n'
        )
        script.chmod(script.stat().st_mode | stat.S_IXUSR)

    @property
    def asked(self) -> list[str]:
        """Every call: the system's image in its environment, then the arguments without compose's file names."""
        lines = self._log.read_text().splitlines() if self._log.is_file() else []
        return [
            " ".join(word for word in line.split() if not word.endswith(".yaml") and word != "--file") for line in lines
        ]
