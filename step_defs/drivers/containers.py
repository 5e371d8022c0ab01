"""The containers of the judged system: killed, stopped, started again."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from docker.client import DockerClient

from step_defs.drivers.address import SystemAddress
from step_defs.drivers.waiting import eventually

HEALTHY_WITHIN_S = 60


class Containers:
    """The containers of one compose project. Raises AssertionError when they are out of reach."""

    def __init__(self, address: SystemAddress) -> None:
        assert address.project, "this system's containers cannot be reached from here"
        self._project = address.project
        self._docker: Any = DockerClient.from_env()  # type: ignore[no-untyped-call]

    def close(self) -> None:
        """Ends the connection to the engine."""
        self._docker.close()

    def of(self, service: str) -> list[Any]:
        """The containers of a service, dead ones too. Raises AssertionError when there is none."""
        found = self._docker.containers.list(
            all=True,
            filters={
                "label": [
                    f"com.docker.compose.project={self._project}",
                    f"com.docker.compose.service={service}",
                ]
            },
        )
        assert found, f"no container of {service} in {self._project}"
        return list(found)

    def kill(self, service: str) -> None:
        """Ends a service's processes at once, with no chance to tidy up."""
        for container in self.of(service):
            container.reload()
            if container.status == "running":
                container.kill("SIGKILL")

    def start(self, service: str) -> None:
        """Starts a service's containers again, and waits until they are healthy."""
        for container in self.of(service):
            container.start()
        self.wait_healthy(service)

    def restart(self, service: str) -> None:
        """Kills and starts again."""
        self.kill(service)
        self.start(service)

    @contextmanager
    def paused(self, service: str) -> Iterator[None]:
        """The service's processes stand still for the length of the block, and know nothing of it afterwards."""
        frozen = self.of(service)
        for container in frozen:
            container.pause()
        try:
            yield
        finally:
            for container in frozen:
                container.unpause()
            for container in frozen:
                self._wait_answering(container)

    @contextmanager
    def short_of_memory(self, service: str, *, spare_bytes: int) -> Iterator[None]:
        """The service's processes may take only so much more than they hold; the kernel ends the largest of those that want more.

        At the end it has the memory that it had, and runs again if it was ended itself.
        """
        [container] = self.of(service)
        before = container.attrs["HostConfig"]
        allowed = self._held_bytes(container) + spare_bytes
        container.update(mem_limit=allowed, memswap_limit=allowed)
        try:
            yield
        finally:
            container.update(mem_limit=before["Memory"], memswap_limit=before["MemorySwap"] or -1)
            container.reload()
            if container.status != "running":
                container.start()
            self.wait_healthy(service)

    def runs(self, service: str) -> bool:
        """Whether every container of a service runs."""
        return all(self._health(container) in ("healthy", "running", "starting") for container in self.of(service))

    @staticmethod
    def _held_bytes(container: Any) -> int:
        """What cannot be given back, by either version of control groups: without the pages of files."""
        stats: dict[str, int] = container.stats(stream=False)["memory_stats"]["stats"]
        if "total_rss" in stats:
            return stats["total_rss"] + stats.get("total_shmem", 0)
        return stats["anon"] + stats["shmem"]

    @contextmanager
    def stopped(self, service: str) -> Iterator[None]:
        """The service is down for the length of the block, however it ends."""
        for container in self.of(service):
            container.stop(timeout=15)
        try:
            yield
        finally:
            self.start(service)

    def wait_healthy(self, service: str) -> None:
        """Returns when every container of a service is healthy. Raises NotInTime."""
        eventually(
            lambda: {self._health(container) for container in self.of(service)},
            lambda states: states <= {"healthy", "running"},
            within_s=HEALTHY_WITHIN_S,
            what=f"{service} is healthy",
        )

    def _wait_answering(self, container: Any) -> None:
        """Asks what the engine asks, but at once: a check of the engine's sleeps for most of a minute before it asks."""
        _, *question = container.attrs["Config"]["Healthcheck"]["Test"]
        status, said = container.exec_run(["bash", "-c", 'rm -f /tmp/.healthy; "$@"', "at-once", *question])
        assert status == 0, f"{container.name} does not answer: {said.decode(errors='replace')[-500:]}"

    def run(self, service: str, *command: str) -> str:
        """Runs a command inside a service's first container. Raises AssertionError with its words when it fails."""
        status, said = self.of(service)[0].exec_run(list(command))
        text: str = said.decode(errors="replace")
        assert status == 0, f"{command[0]} in {service} ended with {status}: {text[-500:]}"
        return text

    def sql(self, database: str, statement: str) -> str:
        """What the database server's own superuser is answered: a line per row, fields separated by `|`. Raises AssertionError."""
        return self.run("postgres", *_psql(database, statement)).strip()

    @contextmanager
    def sql_meanwhile(self, database: str, statement: str) -> Iterator[None]:
        """A statement that goes on for the length of the block, in a session of its own."""
        session = f"scenario-{uuid.uuid4().hex}"
        self.of("postgres")[0].exec_run(["env", f"PGAPPNAME={session}", *_psql(database, statement)], detach=True)
        try:
            yield
        finally:
            ended = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = "
            self.sql(database, f"{ended}'{session}'")

    def services(self) -> list[str]:
        """Every service of the project that has a container, running or not."""
        label = "com.docker.compose.service"
        listed = self._docker.containers.list(
            all=True, filters={"label": f"com.docker.compose.project={self._project}"}, ignore_removed=True
        )
        return sorted({str(container.labels[label]) for container in listed if label in container.labels})

    def logs_since(self, moment: datetime) -> dict[str, str]:
        """Everything that every process of the system wrote since then, by service."""
        return {
            service: "\n".join(
                container.logs(since=moment.timestamp()).decode(errors="replace") for container in self.of(service)
            )
            for service in self.services()
        }

    def logs(self, service: str, *, lines: int = 200) -> str:
        """The last log lines of a service."""
        return "\n".join(container.logs(tail=lines).decode(errors="replace") for container in self.of(service))

    @staticmethod
    def _health(container: Any) -> str:
        container.reload()
        state = container.attrs["State"]
        health: str = state.get("Health", {}).get("Status", state["Status"])
        return health


def _psql(database: str, statement: str) -> list[str]:
    return [
        "psql",
        "--host=/tmp",
        "--username=postgres",
        f"--dbname={database}",
        "--no-psqlrc",
        "--quiet",
        "--tuples-only",
        "--no-align",
        "--command",
        statement,
    ]
