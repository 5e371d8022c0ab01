"""The system under judgement: started once for a whole test session, or somebody else's by its address.

    python -m step_defs.assembly run CMD... [--then CMD...]     starts it, runs the commands against it, removes it

Commands find it by ALEXANDRITE_ADDRESS. A system that already runs is named by ALEXANDRITE_URL instead; then nothing is started.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TextIO

from testcontainers.compose import DockerCompose

from step_defs.drivers.address import STATE, SystemAddress
from step_defs.made_orders import ORDERS_VARIABLE
from tools.prepare import ports, topology

DURATIONS = "durations.test.env"
ADDRESS_VARIABLE = "ALEXANDRITE_ADDRESS"
URL_VARIABLE = "ALEXANDRITE_URL"
SEED = "seed"
PROGRESS = ("Creating", "Created", "Starting", "Started", "Waiting", "Healthy", "Running", "Exited")


def test_project() -> str:
    """The compose project of this checkout's tests: apart from `make up`, which may run beside it."""
    return f"{topology.project_name()}-test"


def address_at(project: str, published: Mapping[str, int]) -> SystemAddress:
    """The address of a system of this checkout, by its compose project and host ports."""
    return SystemAddress.deployed(
        f"https://localhost:{published['https']}",
        project=project,
        management_url=f"http://127.0.0.1:{published['management']}",
        prometheus_url=f"http://127.0.0.1:{published['prometheus']}",
        # A system that an earlier tree started publishes none.
        mailbox_url=f"http://127.0.0.1:{published['mailbox']}" if "mailbox" in published else "",
    )


def address_of_up() -> SystemAddress:
    """The system that `make up` started. Raises RuntimeError, with the remedy, when there is none."""
    known = ports.remembered()
    if not known or not topology.running(topology.project_name()):
        raise RuntimeError("this checkout's system does not run; start it with: make up")
    return address_at(topology.project_name(), known)


def given_address() -> SystemAddress | None:
    """The system that somebody else started and named in the environment, if any."""
    if ADDRESS_VARIABLE in os.environ:
        return SystemAddress.from_dict(json.loads(os.environ[ADDRESS_VARIABLE]))
    if URL_VARIABLE in os.environ:
        return SystemAddress.deployed(os.environ[URL_VARIABLE])
    return None


@contextlib.contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Compose reads its variables from the process; they are put back afterwards, so that nobody else starts with them."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@dataclass
class Assembly:
    """One start of the whole topology. `healthy_s` is how long it took until every component was healthy."""

    project: str
    published: dict[str, int]
    durations: str = DURATIONS
    healthy_s: float = 0.0
    seeded_s: float = 0.0
    _lock: TextIO | None = None

    @classmethod
    def fresh(cls) -> Assembly:
        """A system for tests, on free ports."""
        return cls(test_project(), ports.free_ports())

    @property
    def address(self) -> SystemAddress:
        """Where it is."""
        return address_at(self.project, self.published)

    def start(self) -> None:
        """Returns when every component is healthy and the seed is in. Raises RuntimeError with the components that are not."""
        self._claim()
        with self._variables():
            # A killed run may have left its containers, whose data would leak into this one.
            self._compose().stop()
            started = time.monotonic()
            try:
                self._compose().start()
            except subprocess.CalledProcessError as error:
                raise RuntimeError(self._why(error)) from error
            self.healthy_s = time.monotonic() - started
            seeding = time.monotonic()
            self._seed()
            self.seeded_s = time.monotonic() - seeding

    def stop(self) -> None:
        """Removes every container, network and volume of it. Leaves a system alone that another run has started."""
        if self._lock is None:
            return
        with self._variables():
            self._compose().stop()
        self._lock.close()
        self._lock = None

    def _claim(self) -> None:
        """Two test runs of one checkout would remove each other's system: the second one is refused."""
        STATE.mkdir(exist_ok=True)
        lock = (STATE / f"{self.project}.lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.close()
            raise RuntimeError(
                f"another test run of this checkout uses {self.project}: wait for it, or end it first"
            ) from error
        self._lock = lock

    def summary(self) -> str:
        """One line for people."""
        return f"system: all healthy after {self.healthy_s:.1f} s, seeded in {self.seeded_s:.1f} s ({self.address.url})"

    def _compose(self) -> DockerCompose:
        return DockerCompose(
            context=topology.COMPOSE_FILE.parent, compose_file_name=topology.COMPOSE_FILE.name, pull=False, build=False
        )

    def _variables(self) -> contextlib.AbstractContextManager[None]:
        return _environment(topology.environment(self.project, self.published, self.durations))

    def _seed(self) -> None:
        command = [*self._compose().docker_compose_command(), "--profile", SEED, "run", "--rm", SEED]
        done = subprocess.run(  # noqa: S603  the command is ours
            command,
            cwd=topology.COMPOSE_FILE.parent,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"the demonstration data could not be written:\n{(done.stdout + done.stderr)[-3000:]}")

    def _why(self, error: subprocess.CalledProcessError) -> str:
        lines = (error.stderr or b"").decode(errors="replace").splitlines()
        # Compose tells every step of every part; only what is no step says why.
        said = [line for line in lines if not line.rstrip().endswith(PROGRESS)][-20:]
        parts = ["the system did not become healthy:", *said]
        if any("no such image" in line.lower() for line in said):
            parts.append("an image of the present code is missing; build it with: make prepare")
        for service, status in topology.unwell(self.project):
            stdout, _ = self._compose().get_logs("--no-color", "--tail", "30", service)
            parts.append(f"--- {service}: {status}\n{stdout}")
        return "\n".join(parts)


@contextlib.contextmanager
def running_system() -> Iterator[SystemAddress]:
    """The named system, else a fresh one for the length of the block. Prints how long it took to be healthy."""
    given = given_address()
    if given is not None:
        yield given
        return
    assembly = Assembly.fresh()
    try:
        assembly.start()
        print(assembly.summary(), flush=True)
        yield assembly.address
    finally:
        assembly.stop()


def split_commands(arguments: Sequence[str]) -> list[list[str]]:
    """The commands between `--then`s. Raises ValueError when one of them is empty."""
    commands: list[list[str]] = [[]]
    for argument in arguments:
        if argument == "--then":
            commands.append([])
        else:
            commands[-1].append(argument)
    if not all(commands):
        raise ValueError("name a command: run CMD... [--then CMD...]")
    return commands


def run_all(commands: Sequence[Sequence[str]], address: SystemAddress) -> int:
    """Runs every command, also after one failed. Returns the first exit status that is not 0."""
    with tempfile.TemporaryDirectory(prefix="scenario-orders-") as kept:
        environment = {
            # What the scenarios of one command made, a later command may judge.
            ORDERS_VARIABLE: str(Path(kept) / "orders.ndjson"),
            **os.environ,
            ADDRESS_VARIABLE: json.dumps(address.to_dict()),
        }
        statuses = [subprocess.run(command, env=environment, check=False).returncode for command in commands]  # noqa: S603
    return next((status for status in statuses if status), 0)


def _terminated(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def main(arguments: list[str]) -> int:
    """See the module's docstring."""
    if not arguments or arguments[0] != "run":
        print(__doc__, file=sys.stderr)
        return 2
    # A terminated run still removes what it started.
    signal.signal(signal.SIGTERM, _terminated)
    try:
        commands = split_commands(arguments[1:])
        with running_system() as address:
            return run_all(commands, address)
    except (RuntimeError, ValueError, FileNotFoundError) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
