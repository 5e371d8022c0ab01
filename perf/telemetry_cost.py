"""`python -m perf.telemetry_cost`: what traces and log lines cost the shop, on the system that `make up` started.

Three twins of the shop's container serve beside it, from its image and over its database: one that records and sends nothing, one that
does both, and a second one that does nothing, which shows what the machine alone makes of equals. Short rounds of the same load go
round the three, in an order drawn anew each time. Prints the median of the ratios of their throughputs, and of the processor time of
one request. Bar: with telemetry at least RATIO_MIN of the throughput without. Exit status 0 met, 1 missed, 2 not measured.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import math
import random
import statistics
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from perf import actors
from perf.bars import Bar
from perf.machine import usage_file, used_s
from perf.system import Target
from tools.prepare import engine

RATIO_MIN = 0.9
OFF, ON, AGAIN = "off", "on", "off again"
TWINS: Mapping[str, Mapping[str, str]] = {
    OFF: {"ALEXANDRITE_TRACING": "off", "ALEXANDRITE_OTLP_ENDPOINT": ""},
    ON: {"ALEXANDRITE_TRACING": "on"},
    AGAIN: {"ALEXANDRITE_TRACING": "off", "ALEXANDRITE_OTLP_ENDPOINT": ""},
}
COLLECTOR = "http://observability:8000"
AT_ONCE = 4
"""As many as keep one process busy; more would only wait in its queue."""
READS_PER_WRITE = 3
WARM_S = 4.0
READY_S_MAX = 60.0
SETTLE_S = 1.5
"""What a round left in the queue of the one that sends is sent before the next begins: it is paid for by its own processor time."""


class NotMeasured(RuntimeError):
    """A twin does not run, or the kernel does not tell what it uses; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Twin:
    """A container that serves as the shop does, at an address of its own."""

    kind: str
    url: str
    usage: Path | None

    def used_s(self) -> float:
        """Processor seconds so far; NaN where the kernel does not tell."""
        return used_s(self.usage) if self.usage is not None else math.nan


@dataclass(frozen=True, slots=True)
class Served:
    """One round on one twin."""

    per_s: float
    cpu_ms_each: float


@dataclass(frozen=True, slots=True)
class Ratios:
    """Of one twin to the one without telemetry, round by round."""

    throughput: tuple[float, ...]
    cpu: tuple[float, ...]


def ratios(rounds: Sequence[Mapping[str, Served]], kind: str) -> Ratios:
    """How a kind of twin stands to the one without telemetry."""
    return Ratios(
        tuple(each[kind].per_s / each[OFF].per_s for each in rounds),
        tuple(each[kind].cpu_ms_each / each[OFF].cpu_ms_each for each in rounds),
    )


def told(rounds: Sequence[Mapping[str, Served]]) -> int:
    """Prints the figures and the bar; the exit status."""
    if len(rounds) < 2 or any(each[kind].per_s <= 0 for each in rounds for kind in TWINS):
        print("telemetry cost: too few rounds were served")
        return 2
    on, equals = ratios(rounds, ON), ratios(rounds, AGAIN)
    print(f"{'':<34} median   {'middle half':<14} (of {len(rounds)} rounds)")
    for name, values in (
        ("throughput, on to off", on.throughput),
        ("throughput, off to off", equals.throughput),
        ("processor time each, on to off", on.cpu),
        ("processor time each, off to off", equals.cpu),
    ):
        low, _, high = statistics.quantiles(values, n=4)
        print(f"{name:<34} {statistics.median(values):6.3f}   {low:.3f} .. {high:.3f}")
    bar = Bar("throughput with telemetry, of that without", statistics.median(on.throughput), ">=", RATIO_MIN)
    print(bar.line())
    return 0 if bar.met else 1


@contextlib.contextmanager
def twins(target: Target, service: str) -> Iterator[list[Twin]]:
    """All three, ready; removed afterwards. Raises NotMeasured."""
    (model,) = json.loads(target.docker("inspect", service))
    with contextlib.ExitStack() as stack:
        made = []
        for kind, differing in TWINS.items():
            name = f"{target.project}-telemetry-{kind.replace(' ', '-')}"
            _docker("rm", "--force", name)
            stack.callback(_docker, "rm", "--force", name)
            made.append(_started(model, kind, name, differing))
        for twin in made:
            _wait_until_ready(twin)
        yield made


def _started(model: dict[str, Any], kind: str, name: str, differing: Mapping[str, str]) -> Twin:
    settings = dict(entry.split("=", 1) for entry in model["Config"]["Env"])
    settings.setdefault("ALEXANDRITE_OTLP_ENDPOINT", COLLECTOR)
    # It answers and nothing else: the messages of its orders are the shop's own to publish.
    settings |= {"ALEXANDRITE_ROLES": "api", **differing}
    mounts = [
        f"--volume={mount['Source']}:{mount['Destination']}:ro" for mount in model["Mounts"] if mount.get("Source")
    ]
    network = next(iter(model["NetworkSettings"]["Networks"]))
    # A file, for what a command line holds can be read by everybody on the machine.
    with tempfile.NamedTemporaryFile("w", suffix=".env") as file:
        file.writelines(f"{key}={value}\n" for key, value in settings.items())
        file.flush()
        options = [
            "--detach",
            "--name",
            name,
            "--network",
            network,
            "--env-file",
            file.name,
            "--tmpfs",
            "/tmp:size=64m",  # noqa: S108 - inside the container
        ]
        run = _docker("run", *options, *mounts, "--publish", "127.0.0.1::8000", model["Image"], *model["Config"]["Cmd"])
    if run.returncode != 0:
        raise NotMeasured(f"{name} was not started: {run.stderr.strip()[-500:]}")
    port = _docker("port", name, "8000/tcp").stdout.splitlines()[0].rsplit(":", 1)[1]
    process = _docker("inspect", "--format", "{{.State.Pid}}", name).stdout.strip()
    return Twin(kind, f"http://127.0.0.1:{port}", usage_file(Path(f"/proc/{process}/cgroup")))


def _wait_until_ready(twin: Twin) -> None:
    deadline = time.monotonic() + READY_S_MAX
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"{twin.url}/health/ready", timeout=2.0).status_code == httpx.codes.OK:
                return
        time.sleep(0.3)
    raise NotMeasured(f"{twin.kind}: not ready within {READY_S_MAX:.0f} s")


def _docker(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*engine.docker(), *words], capture_output=True, text=True, check=False)


async def served(http: httpx.AsyncClient, twin: Twin, seconds: float) -> Served:
    """One round of one twin: an order is begun, then looked at, again and again, by a few at once."""
    ends = time.monotonic() + seconds
    answered = 0

    async def somebody() -> None:
        nonlocal answered
        while time.monotonic() < ends:
            begun = await http.post(f"{twin.url}/api/shop/v1/orders", headers={"idempotency-key": str(uuid4())})
            begun.raise_for_status()
            answered += 1
            address = begun.headers["location"]
            for _ in range(READS_PER_WRITE):
                (await http.get(f"{twin.url}{address}")).raise_for_status()
                answered += 1

    began, before_s = time.monotonic(), twin.used_s()
    await asyncio.gather(*(somebody() for _ in range(AT_ONCE)))
    took_s = time.monotonic() - began
    await asyncio.sleep(SETTLE_S)
    return Served(answered / took_s, (twin.used_s() - before_s) * 1000 / answered)


@contextlib.asynccontextmanager
async def _buyer(target: Target) -> AsyncIterator[httpx.AsyncClient]:
    async with actors.client(target) as gateway:
        person = await actors.customer(gateway)
    async with httpx.AsyncClient(timeout=30.0, headers=person.headers) as direct:
        yield direct


async def measured(target: Target, made: Sequence[Twin], *, rounds: int, seconds: float) -> list[dict[str, Served]]:
    """So many rounds of all three, in turn; what warms them up is not counted."""
    told: list[dict[str, Served]] = []
    async with _buyer(target) as http:
        for twin in made:
            await served(http, twin, WARM_S)
        for _ in range(rounds):
            order = random.sample(list(made), k=len(made))
            told.append({twin.kind: await served(http, twin, seconds) for twin in order})
    return told


def main() -> int:
    """See the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=4.0, help="how long one twin is loaded in a round")
    asked = parser.parse_args()
    target = Target.find()
    try:
        with twins(target, "shop") as made:
            return told(asyncio.run(measured(target, made, rounds=asked.rounds, seconds=asked.seconds)))
    except (NotMeasured, actors.Undone, httpx.HTTPError) as error:
        print(f"telemetry cost: {error!r}")
        return 2


if __name__ == "__main__":
    raise SystemExit(main())
