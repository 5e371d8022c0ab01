"""`make doctor`: what is missing or unwell on this machine, each with its remedy. Changes nothing."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from tools.prepare import bases, browser, credentials, engine, environments, images, ports, state, topology
from tools.prepare.failure import Failure

# A check returns what it found; it raises Failure when something is wrong.
Check = Callable[[], str]

PREPARE = "Run: make prepare"


def _python() -> str:
    lock = state.digest_of_files([environments.DEVELOPMENT_LOCK])
    if not state.PYTHON.exists():
        raise Failure("There is no .venv.", remedy=PREPARE)
    if not state.stamp_is("venv", lock):
        raise Failure(".venv does not match requirements/dev.txt.", remedy=PREPARE)
    return "as locked"


def _engine() -> str:
    found = engine.version()
    if found:
        return f"version {found}"
    host = os.environ.get("DOCKER_HOST")
    raise Failure(
        f"No Docker engine answers{f' at {host}' if host else ''}.",
        remedy="Run: make prepare (as root on Debian), or start Docker.",
    )


def _compose() -> str:
    compose, buildx = engine.plugin_versions()
    if not compose or compose < engine.COMPOSE_VERSION_MIN or not buildx:
        raise Failure("The compose plugin (2.20 or newer) or buildx is missing.", remedy=PREPARE)
    return f"compose {'.'.join(map(str, compose))}, buildx"


def _space() -> str:
    return engine.ensure_space(state.ROOT)


def _need_engine() -> None:
    if engine.version() is None:
        raise Failure("Cannot be seen while no engine answers.", remedy=PREPARE)


def _bases() -> str:
    _need_engine()
    gone = bases.missing()
    if gone and images.missing():
        raise Failure(f"Missing bases: {', '.join(gone)}.", remedy=PREPARE)
    return "there"


def _images() -> str:
    _need_engine()
    gone = [image.name for image in images.missing()]
    if gone:
        raise Failure(f"Not built for the present inputs: {', '.join(gone)}.", remedy=PREPARE)
    return f"{len(images.ALL)} built"


def _secrets() -> str:
    gone = [
        f"{holder}/{name}"
        for name, holders in credentials.HOLDERS.items()
        for holder in holders
        if not (state.SECRETS / holder / name).is_file()
    ]
    if gone or not (state.TLS / "gateway" / "cert.pem").is_file():
        raise Failure(f"{len(gone)} secrets or the certificate are missing.", remedy=PREPARE)
    if state.SECRETS.stat().st_mode & 0o077:
        raise Failure("Other users can enter .alexandrite/secrets.", remedy="Run: chmod 0700 .alexandrite/secrets")
    return "there, closed to other users"


def _ports() -> str:
    """Taken ports are normal: `make up` moves on. They are named, because a person may wonder why a port is odd."""
    project = topology.project_name()
    if topology.running(project):
        return f"{project} runs: " + ", ".join(f"{name} {port}" for name, port in ports.remembered().items())
    taken = [f"{name} {port}" for name, port in ports.DEFAULTS.items() if not ports.is_free(port)]
    return (
        f"taken by others: {', '.join(taken)}; make up will use the next free ones"
        if taken
        else "the usual ones are free"
    )


def _system() -> str:
    unwell = [f"{name} ({status})" for name, status in topology.unwell(topology.project_name())]
    if unwell:
        raise Failure(
            f"Unwell: {', '.join(unwell)}.", remedy="Read `make logs SERVICE=name`; `make up` starts it again."
        )
    return "runs and is healthy" if topology.running(topology.project_name()) else "not running (make up)"


def _memory() -> str:
    fields = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines())
    available = int(fields["MemAvailable"].split()[0]) / 1e6
    if available < 3:
        raise Failure(f"Only {available:.1f} GB of memory are available; 3 GB are needed.", remedy="Stop something.")
    return f"{available:.0f} GB available"


def _browser() -> str:
    return str(browser.find() or "none (only the page scenarios need one: make browser)")


CHECKS: dict[str, Check] = {
    "disk": _space,
    "memory": _memory,
    "python": _python,
    "engine": _engine,
    "compose": _compose,
    "bases": _bases,
    "images": _images,
    "secrets": _secrets,
    "ports": _ports,
    "system": _system,
    "browser": _browser,
}


def main() -> int:
    """Prints a line per check. Returns 1 when any of them failed."""
    failed = 0
    for name, check in CHECKS.items():
        try:
            print(f"ok    {name}: {check()}")
        except Failure as failure:
            failed += 1
            print(f"WRONG {name}: {failure}")
    print(f"doctor: {failed} of {len(CHECKS)} checks failed" if failed else "doctor: all well", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
