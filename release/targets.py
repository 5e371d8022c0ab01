"""What Prometheus watches in an environment: the services of the slots that are up, each with its slot and release.

In `make up` Prometheus finds the services by DNS. Here a name leads to both slots, and a label has to tell them apart, so
that a canary's errors are counted as the canary's; therefore the targets are a file, written with the slots.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from release.errors import PolicyInvalid
from tools.prepare import state
from tools.prepare.names import SERVICES

if TYPE_CHECKING:
    from release.environments import Environment

SERVICE_PORT = 8000
# Every process of ours that a slot runs.
PROCESSES = (*SERVICES, "pricing-worker", "files-worker")
JOB = "services"
IN_CONTAINER = "/etc/alexandrite/targets/*.json"
BASE = state.ROOT / "system" / "deploy" / "prometheus" / "prometheus.yaml"


def configuration(base: str) -> str:
    """Prometheus' configuration for an environment: the same, but the services come from files. Raises PolicyInvalid."""
    document: dict[str, Any] = yaml.safe_load(base)
    jobs = [job for job in document["scrape_configs"] if job["job_name"] == JOB]
    if len(jobs) != 1 or "dns_sd_configs" not in jobs[0]:
        raise PolicyInvalid(
            f"prometheus.yaml has no job {JOB!r} with DNS discovery to put the slots' targets in its place."
        )
    named = set(jobs[0]["dns_sd_configs"][0]["names"])
    if named != set(PROCESSES):
        raise PolicyInvalid(f"prometheus.yaml watches {sorted(named)}, a slot runs {sorted(PROCESSES)}.")
    # The relabelling belongs to DNS; the file brings its labels along.
    for key in ("dns_sd_configs", "relabel_configs"):
        jobs[0].pop(key, None)
    jobs[0]["file_sd_configs"] = [{"files": [IN_CONTAINER], "refresh_interval": "5s"}]
    return f"# Made from {BASE.name}: targets by file instead of by DNS.\n{yaml.safe_dump(document, sort_keys=False)}"


def targets(environment: Environment, up: Mapping[str, str]) -> list[dict[str, Any]]:
    """The content of the file of targets. `up` has the slots that are up, each with the first digits of its release's digest."""
    return [
        {
            "targets": [f"{environment.container(slot, process)}:{SERVICE_PORT}"],
            "labels": {"service": process, "slot": slot, "release": release},
        }
        for slot, release in sorted(up.items())
        for process in PROCESSES
    ]


def lay_out(environment: Environment) -> None:
    """Configuration, and an empty file of targets where there is none."""
    wanted = configuration(BASE.read_text(encoding="utf-8"))
    path = environment.monitoring / "prometheus.yaml"
    # Not rewritten needlessly: a container holds the very file that was there when it started.
    if not path.is_file() or path.read_text(encoding="utf-8") != wanted:
        state.write_file(path, wanted)
    if not _file(environment).is_file():
        write(environment, {})
    for directory in (environment.monitoring, _file(environment).parent):
        directory.chmod(0o755)


def write(environment: Environment, up: Mapping[str, str]) -> None:
    """From now on Prometheus watches the services of exactly these slots; see `targets`."""
    state.write_file(_file(environment), json.dumps(targets(environment, up), indent=1) + "\n")


def written(environment: Environment) -> dict[str, str]:
    """The slots that are watched, each with the first twelve digits of its release's digest."""
    try:
        entries = json.loads(_file(environment).read_text(encoding="utf-8"))
        return {entry["labels"]["slot"]: entry["labels"]["release"] for entry in entries}
    except (OSError, ValueError, TypeError, KeyError):
        return {}


def _file(environment: Environment) -> Path:
    return environment.monitoring / "targets" / "slots.json"
