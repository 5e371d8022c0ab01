"""One PostgreSQL server of ours, reached through the engine: the running one, or one that was restored beside it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tools.prepare import engine
from tools.prepare.failure import Failure

SOCKET = "/run/postgresql"
ASK_TIMEOUT_S = 600
COMMAND_TIMEOUT_S = 6 * 3600
CONFINED = ("--read-only", "--user", "10001:10001", "--cap-drop", "ALL", "--security-opt", "no-new-privileges:true")


# A server that started and has committed nothing since does not remember its last commit; its newest transactions do.
LAST_COMMIT = """
    WITH next AS (SELECT CAST(CAST(pg_snapshot_xmax(pg_current_snapshot()) AS text) AS bigint) AS xid)
    SELECT to_char(coalesce(
        (SELECT timestamp FROM pg_last_committed_xact()),
        (SELECT max(pg_xact_commit_timestamp(CAST(CAST(id % 4294967296 AS text) AS xid)))
         FROM next, generate_series(greatest(xid - 20000, 3), xid - 1) AS id WHERE id % 4294967296 >= 3)
    ) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
"""


class CommandFailed(Exception):
    """The engine, or what it was told to run, refused; the text is the last thing it said."""


def docker(*arguments: str, timeout_s: float = ASK_TIMEOUT_S) -> str:
    """Standard output of one command of the engine. Raises CommandFailed."""
    try:
        done = subprocess.run(
            [*engine.docker(), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise CommandFailed(f"{arguments[0]} took longer than {timeout_s:.0f} s") from None
    if done.returncode != 0:
        said = [line for line in (done.stderr + done.stdout).splitlines() if line.strip()]
        raise CommandFailed("\n".join(said[-5:]) or f"{arguments[0]} ended with {done.returncode}")
    return done.stdout


def log_of(container: str) -> list[str]:
    """The last lines that a container wrote, on either stream."""
    command = [*engine.docker(), "logs", "--tail=200", container]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return done.stdout.splitlines()


@dataclass(frozen=True, slots=True)
class Server:
    """A container in which PostgreSQL runs."""

    container: str

    def ask(self, database: str, query: str) -> list[list[str]]:
        """The rows of a query, as text. Raises CommandFailed."""
        out = docker(
            "exec", self.container, "psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--field-separator=\t",
            "--set=ON_ERROR_STOP=1", f"--host={SOCKET}", "--username=postgres", f"--dbname={database}", "--command", query,
        )  # fmt: skip
        return [line.split("\t") for line in out.splitlines() if line]

    def value(self, database: str, query: str) -> str:
        """The one value of a query; empty for NULL."""
        rows = self.ask(database, query)
        return rows[0][0] if rows else ""

    def answers(self) -> bool:
        """Whether it can be asked now."""
        try:
            return self.value("postgres", "SELECT 1") == "1"
        except CommandFailed:
            return False

    def databases(self) -> list[str]:
        """The services' databases."""
        query = "SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres' ORDER BY datname"
        return [row[0] for row in self.ask("postgres", query)]

    def last_commit(self) -> str:
        """When the newest transaction was committed, as the log has it: RFC 3339 with microseconds; empty when nobody knows."""
        return self.value("postgres", LAST_COMMIT)


@dataclass(frozen=True, slots=True)
class Project:
    """What a running or stopped system has for its backups: the container that makes them, and from it the rest."""

    name: str
    image: str
    repository: str
    """The volume of the backups."""
    data: str
    """The volume of the server's data."""
    secrets: str

    @property
    def live(self) -> Server:
        """The server that people work with."""
        return Server(f"{self.name}-postgres-1")

    @property
    def keeper(self) -> str:
        """The container that makes backups."""
        return f"{self.name}-backup-1"


def find(name: str) -> Project:
    """The project of this name, by its container of backups, whether it runs or not. Raises Failure."""
    try:
        told: dict[str, Any] = json.loads(docker("container", "inspect", f"{name}-backup-1"))[0]
    except CommandFailed:
        raise Failure(
            f"There is no system {name} with backups.", remedy="Run: make up, or name one by --project"
        ) from None
    mounts = {mount["Destination"]: mount.get("Name") or mount["Source"] for mount in told["Mounts"]}
    return Project(
        name,
        told["Config"]["Image"],
        mounts["/var/lib/pgbackrest"],
        mounts["/var/lib/postgresql"],
        mounts["/run/alexandrite"],
    )


def in_container(project: Project, *command: str, data: str, options: Sequence[str] = ()) -> str:
    """Runs a command of the server's image over a volume of data, with the backups to read and no network."""
    return docker(
        "run", "--rm", "--network=none", "--tmpfs=/tmp:size=64m", *CONFINED,
        f"--volume={project.repository}:/var/lib/pgbackrest:ro", f"--volume={data}:/var/lib/postgresql",
        f"--volume={project.secrets}:/run/alexandrite:ro", *options, project.image, *command, timeout_s=COMMAND_TIMEOUT_S,
    )  # fmt: skip
