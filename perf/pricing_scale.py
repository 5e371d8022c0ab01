"""`python -m perf.pricing_scale`: how many models an hour are priced with 1, 2 and 4 workers.

The running system's own worker is stopped for as long; in its place its image runs with just as many worker processes, and works off
the same number of models, which lie in storage before it starts. At the end the system's worker is started again. A warm worker
counts: the first two models are priced before the clock starts.

More workers than processors are no faster and not much slower. Exit status 0: measured; 1: two workers price less than one;
2: nothing was measured.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any

import httpx

from perf.actors import Person, Undone, client, customer
from perf.pricing import all_final, asked_for_all, uploaded
from perf.system import Target

WORKER = "pricing-worker"
MODEL = "pave-ring-100k"
WORKERS = (1, 2, 4)
DONE_WITHIN_S = 600.0


@contextlib.contextmanager
def workers(target: Target, count: int) -> Iterator[None]:
    """As many workers as that, and nobody else, for the length of the block."""
    with _copied(target, {"MIN": count, "MAX": count}) as name:
        subprocess.run(["docker", "start", name], check=True, capture_output=True)
        yield


@contextlib.contextmanager
def _copied(target: Target, bounds: Mapping[str, int]) -> Iterator[str]:
    """A container as the system's worker is one, with other bounds."""
    name = f"{target.project}-pricing-scale"
    subprocess.run(["docker", "rm", "--force", name], check=False, capture_output=True)
    listed = subprocess.run(
        ["docker", "inspect", f"{target.project}-{WORKER}-1"], check=True, capture_output=True, text=True
    )
    subprocess.run(["docker", *created(name, json.loads(listed.stdout)[0], bounds)], check=True, capture_output=True)
    try:
        yield name
    finally:
        subprocess.run(["docker", "rm", "--force", name], check=False, capture_output=True)


def created(name: str, like: Mapping[str, Any], bounds: Mapping[str, int]) -> list[str]:
    """The words of `docker create` for a container like this one, as `docker inspect` tells of it."""
    config, host = like["Config"], like["HostConfig"]
    environment = [*config["Env"], *(f"ALEXANDRITE_PRICING_WORKERS_{bound}={count}" for bound, count in bounds.items())]
    told = [
        *(("--env", each) for each in environment),
        *(("--volume", each) for each in host["Binds"] or ()),
        *(("--tmpfs", f"{path}:{how}") for path, how in (host["Tmpfs"] or {}).items()),
        *(("--cap-drop", each) for each in host["CapDrop"] or ()),
        *(("--security-opt", each) for each in host["SecurityOpt"] or ()),
        ("--network", next(iter(like["NetworkSettings"]["Networks"]))),
        ("--memory", str(host["Memory"])),
        ("--cpu-shares", str(host["CpuShares"])),
    ]
    read_only = ["--read-only"] if host["ReadonlyRootfs"] else []
    words = [word for pair in told for word in pair]
    return ["create", "--name", name, *words, *read_only, str(config["Image"]), *config["Cmd"]]


def told(hourly: Mapping[int, float]) -> tuple[str, bool]:
    """The line that is printed, and whether two workers price more than one."""
    first = min(hourly)
    parts = [f"{count}={rate:.0f}/h x{rate / hourly[first]:.2f}" for count, rate in hourly.items()]
    met = hourly.get(2, hourly[first]) >= hourly[first]
    return f"pricing_scale: {' '.join(parts)} {'met' if met else 'MISSED'}", met


async def rate_of(target: Target, person: Person, *, count: int, models: int, model: str) -> float:
    """Models an hour with so many workers. Raises Undone, TimeoutError."""
    warm, rest = await uploaded(person, model, 2), await uploaded(person, model, models)
    with workers(target, count):
        await all_final(person, await asked_for_all(warm), within_s=DONE_WITHIN_S)
        begun = time.monotonic()
        await all_final(person, await asked_for_all(rest), within_s=DONE_WITHIN_S)
        return models / (time.monotonic() - begun) * 3600


async def measure(target: Target, *, models: int, model: str) -> int:
    """The whole run; returns the exit status. Raises Undone, httpx.HTTPError, TimeoutError."""
    hourly: dict[int, float] = {}
    async with client(target, connections=20) as http:
        person = await customer(http)
        target.docker("stop", WORKER)
        try:
            for count in WORKERS:
                hourly[count] = await rate_of(target, person, count=count, models=models, model=model)
                print(f"  {count} workers: {hourly[count]:.0f} models an hour", flush=True)
        finally:
            target.docker("start", WORKER)
    line, met = told(hourly)
    print(line)
    return 0 if met else 1


def main() -> int:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=int, default=24, help="for each number of workers")
    parser.add_argument("--model", default=MODEL, help="one of fixtures/models3d, in one of its sizes")
    options = parser.parse_args()
    try:
        return asyncio.run(measure(Target.find(), models=options.models, model=options.model))
    except (Undone, httpx.HTTPError, TimeoutError, subprocess.CalledProcessError) as error:
        print(f"pricing_scale: not measured: {error!r}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    raise SystemExit(main())
