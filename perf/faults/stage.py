"""The system of the matrix, and the hands that break and mend it: containers, seats, the line to the broker.

It is a compose project of its own, with perf/faults/compose.faults.yaml laid over the topology, started once for all runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

from perf.system import Target, name_held
from step_defs.assembly import DURATIONS, address_at
from step_defs.drivers.broker import Broker
from step_defs.drivers.containers import Containers
from step_defs.drivers.post import Post
from tools.prepare import engine, images, ports, state, topology

CODE = Path(__file__).parent
OVERLAY = CODE / "compose.faults.yaml"
HEALTHY_S_MAX = 300
INFRASTRUCTURE = ("postgres", "rabbitmq", "redis", "s3", "broker-proxy", "mailbox", "traefik")
SERVICES = (
    "identity",
    "shop",
    "crm",
    "mes",
    "pricing",
    "pricing-worker",
    "orchestrator",
    "files",
    "files-worker",
)
USUAL_PORTS = {name: port + 20_000 for name, port in ports.DEFAULTS.items()}
"""Far from those of `make up`, which may run beside it."""
T = TypeVar("T")


class NotStruck(Exception):
    """A fault did not happen, so that a run proves nothing; the message says why."""


@dataclass
class Desk:
    """A directory that every seat sees: orders are laid there, and what was done with them is told there."""

    directory: Path

    def clear(self) -> None:
        """Takes back whatever was ordered, and forgets what was told."""
        for path in self.directory.iterdir():
            if not path.name.startswith("proxy."):
                path.unlink(missing_ok=True)

    def order(self, seat: str, point: str, *, countdown: int = 1, do: str = "die") -> None:
        """The seat is to be struck at the n-th visit of the point."""
        self._lay(f"{seat}.order.json", {"id": uuid4().hex, "point": point, "countdown": countdown, "do": do})

    def was_struck(self, seat: str) -> bool:
        """Whether the seat's order was carried out. Raises NotStruck when the point is not there any more."""
        missing = self.directory / f"{seat}.missing.json"
        if missing.exists():
            raise NotStruck(f"{seat} has no such points any more: {missing.read_text(encoding='utf-8')}")
        return (self.directory / f"{seat}.struck.json").exists()

    def go(self, seat: str) -> None:
        """Whoever waits at the seat's point goes on."""
        self._lay(f"{seat}.go", {})

    def sets_clock(self, seat: str, offset: str) -> None:
        """The seat's next process starts so much apart."""
        self._lay(f"{seat}.clock", offset)

    def tells_proxy(self, what: str) -> str:
        """What the line to the broker is to do; the order's id."""
        order = uuid4().hex
        self._lay("proxy.json", {"id": order, "do": what})
        return order

    def proxy_told(self) -> dict[str, Any]:
        """What the line has done so far; empty before it said anything."""
        try:
            told: dict[str, Any] = json.loads((self.directory / "proxy.told.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return told

    def _lay(self, name: str, content: Any) -> None:
        """Renamed into place: nobody reads half of it. The seats run as another user and must be able to take it away."""
        path = self.directory / f".{name}.new"
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
        path.chmod(0o666)
        path.replace(self.directory / name)


@dataclass
class Stage:
    """The running system."""

    project: str
    target: Target
    containers: Containers
    broker: Broker
    post: Post
    desk: Desk
    compose: list[str]
    variables: dict[str, str]
    paused: set[str] = field(default_factory=set)

    # -- hands ---------------------------------------------------------------------------------------------------

    def kill(self, service: str) -> None:
        """SIGKILL to all its containers."""
        self.containers.kill(service)

    def start(self, service: str) -> None:
        """Starts its containers; whether they are well again is for `heal` to see."""
        for container in self.containers.of(service):
            container.start()

    def pause(self, service: str) -> None:
        """Its processes stand still; connections stay open and nobody answers."""
        for container in self.containers.of(service):
            container.pause()
        self.paused.add(service)

    def resume(self, service: str) -> None:
        """Its processes go on."""
        for container in self.containers.of(service):
            container.unpause()
        self.paused.discard(service)

    def scale(self, service: str, count: int) -> None:
        """So many containers of a service, without touching those there are. Raises NotStruck."""
        up = ["up", "--detach", "--no-deps", "--no-recreate", "--scale", f"{service}={count}", service]
        done = subprocess.run(
            [*self.compose, "--progress", "quiet", *up],
            env=self.variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise NotStruck(f"no {count} containers of {service}: {done.stderr[-500:]}")

    # -- mending -------------------------------------------------------------------------------------------------

    def heal(self) -> None:
        """Everything runs and is well again, whatever was done to it. Raises AssertionError for what does not come back."""
        self.desk.clear()
        self.desk.tells_proxy("pass")
        for service in sorted(self.paused):
            self.resume(service)
        for service in (*INFRASTRUCTURE, *SERVICES):
            for container in self.containers.of(service):
                container.reload()
                if container.status == "paused":
                    container.unpause()
                elif container.status != "running":
                    container.start()

    def wait_well(self) -> None:
        """Returns when the engine calls every container healthy. Raises NotInTime."""
        for service in (*INFRASTRUCTURE, *SERVICES):
            self.containers.wait_healthy(service)


async def until(probe: Callable[[], T], *, within_s: float, what: str) -> T:
    """The first answer that is true; asked in a thread. Raises NotStruck with `what` when there is none in time."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        answer = await asyncio.to_thread(probe)
        if answer:
            return answer
        await asyncio.sleep(0.05)
    raise NotStruck(f"{what}: not within {within_s:g} s")


def image_with_clock() -> str:
    """This checkout's image with libfaketime beside it, built when needed: for clocks that are apart. One layer, nothing changed."""
    base = images.references()["system"]
    lines = [
        f"FROM {base}",
        "USER root",
        "RUN apt-get update && apt-get install -y --no-install-recommends libfaketime && rm -rf /var/lib/apt/lists/*",
        "USER 10001:10001",
        "",
    ]
    tag = f"{base}-clock"
    if subprocess.run([*engine.docker(), "image", "inspect", tag], capture_output=True, check=False).returncode == 0:
        return tag
    with tempfile.TemporaryDirectory(prefix="alexandrite-clock-") as directory:
        Path(directory, "Dockerfile").write_text("\n".join(lines), encoding="utf-8")
        subprocess.run([*engine.docker(), "build", "--quiet", "--tag", tag, directory], check=True, capture_output=True)
    return tag


@contextlib.contextmanager
def set_up(*, keep: bool = False) -> Iterator[Stage]:
    """The system, healthy and seeded, for the length of the block. Raises RuntimeError when it does not start.

    `keep` leaves it running, and takes one that was left running before: repeating one fault then takes seconds.
    """
    project = f"{topology.project_name()}-faults"
    with name_held(project):
        # A fixed place: containers that were kept still look there.
        desk = state.STATE / "faults" / "desk"
        desk.mkdir(parents=True, exist_ok=True)
        # The seats run as the image's user, who is nobody here.
        desk.chmod(0o777)
        was_kept = keep and topology.running(project)
        published = ports.choose(running=was_kept, file=desk.parent / "ports.env", usual=USUAL_PORTS)
        variables = {
            **os.environ,
            **topology.environment(project, published, DURATIONS),
            "ALEXANDRITE_IMAGE_SYSTEM": image_with_clock(),
            "ALEXANDRITE_FAULTS_CODE": str(CODE),
            "ALEXANDRITE_FAULTS_DESK": str(desk),
        }
        compose = [*engine.docker(), "compose"]
        for file in (topology.COMPOSE_FILE, OVERLAY):
            compose += ["--file", str(file)]
        try:
            if not was_kept:
                _remove(compose, variables)
                _compose(compose, variables, "up", "--detach", "--wait", "--wait-timeout", str(HEALTHY_S_MAX))
                _compose(compose, variables, "--profile", "seed", "run", "--rm", "seed")
            with _tools(project, published) as (containers, broker, post):
                target = Target.of(project)
                stage = Stage(project, target, containers, broker, post, Desk(desk), compose, variables)
                # A run that was broken off may have left things broken.
                stage.heal()
                yield stage
        finally:
            if not keep:
                _remove(compose, variables)


@contextlib.contextmanager
def _tools(project: str, published: dict[str, int]) -> Iterator[tuple[Containers, Broker, Post]]:
    address = address_at(project, published)
    with contextlib.ExitStack() as stack:
        tools = Containers(address), Broker(address), Post(address)
        for tool in tools:
            stack.callback(tool.close)
        yield tools


def _remove(compose: list[str], variables: dict[str, str]) -> None:
    _compose(compose, variables, "--profile", "*", "down", "--volumes", "--remove-orphans", "--timeout", "2")


def _compose(compose: list[str], variables: dict[str, str], *arguments: str) -> None:
    done = subprocess.run(
        [*compose, "--progress", "quiet", *arguments],
        env=variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        unwell = ", ".join(f"{name} {said}" for name, said in topology.unwell(variables["COMPOSE_PROJECT_NAME"]))
        raise RuntimeError(f"compose {' '.join(arguments)}: {done.stderr[-1500:]}\n{unwell}")
