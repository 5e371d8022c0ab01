"""Runs commands: their output goes to a log file in the state directory, their failure becomes one sentence."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from tools.prepare import state
from tools.prepare.failure import Failure

# A registry or mirror that hangs must not hang `make` for ever; the slowest honest step takes a few minutes.
TIMEOUT_S = 1800


def run(
    command: Sequence[str],
    *,
    log: str,
    environment: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    remedy: str = "",
    timeout_s: float = TIMEOUT_S,
) -> None:
    """Runs `command` to its end. Raises Failure that names the log file when it fails or takes too long."""
    state.LOGS.mkdir(parents=True, exist_ok=True)
    path = state.LOGS / f"{log}.log"
    try:
        with path.open("w", encoding="utf-8") as stream:
            stream.write(f"$ {' '.join(command)}\n")
            stream.flush()
            done = subprocess.run(
                list(command),
                stdout=stream,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env={**os.environ, **(environment or {})},
                cwd=cwd or state.ROOT,
                timeout=timeout_s,
                # What is installed here is read by another uid inside the images.
                umask=0o022,
                check=False,
            )
    except FileNotFoundError:
        raise Failure(f"The program {command[0]} is missing.", remedy=remedy or "Install it and try again.") from None
    except subprocess.TimeoutExpired:
        raise Failure(
            f"`{log}` took longer than {timeout_s:.0f} s.", remedy=f"See {_shown(path)}; try again."
        ) from None
    if done.returncode != 0:
        raise Failure(f"`{log}` failed: {last_line(path)}.", remedy=remedy or f"The whole output is in {_shown(path)}.")


def answer(
    command: Sequence[str], *, timeout_s: float = 20, environment: Mapping[str, str] | None = None
) -> str | None:
    """Standard output of a quick question, stripped; None when the command is missing, fails or is too slow."""
    try:
        done = subprocess.run(
            list(command),
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **(environment or {})},
            timeout=timeout_s,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def last_line(path: Path) -> str:
    """The last line of a log that says something, shortened."""
    lines = [line.strip() for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return (lines[-1] if len(lines) > 1 else "no output").rstrip(".")[:300]


def _shown(path: Path) -> str:
    return str(path.relative_to(state.ROOT)) if path.is_relative_to(state.ROOT) else str(path)
