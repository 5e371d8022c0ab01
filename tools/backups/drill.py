"""The drill: the newest backup is restored beside the running system, looked through, compared with it, and thrown away.

It is done from what the volume of backups holds at this moment and nothing else, as it would be after the disk was lost: nobody asks
the running server for its last piece of log first. The running system is only read.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime

from tools.backups import comparison
from tools.backups.server import (
    COMMAND_TIMEOUT_S,
    CONFINED,
    CommandFailed,
    Project,
    Server,
    docker,
    in_container,
    log_of,
)
from tools.prepare.names import SERVICES

PROMOTED_WITHIN_S = 1800
ARCHIVED_WITHIN_S = 60
ENDED = "exited"


@dataclass
class Outcome:
    """What was found. Good when nothing is wrong."""

    databases: int = 0
    rows: int = 0
    restored_s: float = 0.0
    rpo_s: float | None = None
    wrong: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """Whether a restore can be relied on."""
        return not self.wrong and self.databases > 0

    def line(self) -> str:
        """The last line, for people and machines."""
        rpo = "unknown" if self.rpo_s is None else f"{self.rpo_s:.0f}"
        verdict = "ok" if self.is_good else "FAILED"
        return f"restore: databases={self.databases} rows={self.rows} rto_s={self.restored_s:.0f} rpo_s={rpo} {verdict}"


def run(
    project: Project, *, moment: str | None = None, thorough: bool = True, say: Callable[[str], None] = print
) -> Outcome:
    """Restores, checks and throws away. `thorough` reads every page and every index as well. Never raises for what it finds."""
    outcome = Outcome()
    newest = project.live.last_commit() if project.live.answers() else None
    if moment and newest:
        # A moment just past lies in a piece of log that is not with the backups yet. (Without a moment nobody is asked: that would
        # hide what a lost disk loses.)
        finish_log(project.live)
    try:
        with restored(project, moment=moment) as (server, took_s):
            outcome.restored_s = took_s
            reached = server.last_commit()
            if not reached:
                raise CommandFailed("nobody knows up to when the log was read: no transaction has a time")
            say(f"restored in {took_s:.1f} s; the newest commit is of {reached}")
            if newest and moment is None:
                outcome.rpo_s = seconds_between(reached, newest)
                say(f"the running server had one of {newest}: {outcome.rpo_s:.1f} s would be lost")
            elif moment is not None:
                outcome.rpo_s = 0.0
            _look_through(project, server, outcome, reached=reached, thorough=thorough, say=say)
            if thorough:
                _verify_checksums(project, server, outcome, say)
    except CommandFailed as failure:
        outcome.wrong.append(str(failure))
    for problem in outcome.wrong:
        say(f"WRONG: {problem}")
    return outcome


def finish_log(live: Server) -> None:
    """Sends the last of the running server's log to the backups. Raises CommandFailed."""
    # A commit of its own, so that there is a later one than any moment that somebody asks for.
    live.ask("postgres", "SELECT pg_current_xact_id()")
    piece = live.value("postgres", "SELECT pg_walfile_name(pg_switch_wal())")
    deadline = time.monotonic() + ARCHIVED_WITHIN_S
    while time.monotonic() < deadline:
        if live.value("postgres", "SELECT coalesce(last_archived_wal, '') FROM pg_stat_archiver") >= piece:
            return
        time.sleep(0.2)
    raise CommandFailed(f"the last piece of log, {piece}, did not reach the backups within {ARCHIVED_WITHIN_S} s")


def seconds_between(earlier: str, later: str) -> float:
    """How much later; not less than nothing."""
    return max(0.0, (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds())


@contextmanager
def restored(project: Project, *, moment: str | None) -> Iterator[tuple[Server, float]]:
    """A server over a volume of its own, restored to `moment` or to the newest there is, and the seconds until it answered."""
    name = f"{project.name}-drill"
    label = f"--label=com.docker.compose.project={project.name}"
    _remove(name)
    docker("volume", "create", label, name)
    try:
        began = time.monotonic()
        in_container(project, "backups", "restore", *([moment] if moment else []), data=name, options=[label])
        docker(
            "run", "--detach", f"--name={name}", label, "--network=none", "--shm-size=256m", "--memory=1500m",
            "--tmpfs=/tmp:size=64m", "--tmpfs=/run/postgresql:size=1m,uid=10001,gid=10001,mode=0700", *CONFINED,
            f"--volume={project.repository}:/var/lib/pgbackrest:ro", f"--volume={name}:/var/lib/postgresql",
            f"--volume={project.secrets}:/run/alexandrite:ro", project.image,
            # It writes no log into the backups of the server that it was made from.
            "-c", "archive_mode=off",
        )  # fmt: skip
        server = Server(name)
        wait_for_promotion(server)
        yield server, time.monotonic() - began
    finally:
        _remove(name)


def wait_for_promotion(server: Server) -> None:
    """Waits until a restored server has read all of its log and takes commits. Raises CommandFailed with what it said instead."""
    deadline = time.monotonic() + PROMOTED_WITHIN_S
    while time.monotonic() < deadline:
        if docker("container", "inspect", "--format={{.State.Status}}", server.container).strip() == ENDED:
            raise CommandFailed(f"the restored server stopped: {_last_words(server.container)}")
        try:
            if server.value("postgres", "SELECT pg_is_in_recovery()") == "f":
                return
        except CommandFailed:
            pass  # It has not opened its socket yet.
        time.sleep(0.25)
    raise CommandFailed(f"the restored server was still reading its log after {PROMOTED_WITHIN_S} s")


def _last_words(container: str) -> str:
    lines = log_of(container)
    return next((line for line in reversed(lines) if "FATAL" in line or "PANIC" in line), " ".join(lines[-1:]))


def _look_through(
    project: Project, server: Server, outcome: Outcome, *, reached: str, thorough: bool, say: Callable[[str], None]
) -> None:
    found = server.databases()
    live = project.live if project.live.answers() else None
    if missing := sorted({*SERVICES, *(live.databases() if live else ())} - set(found)):
        outcome.wrong.append(f"no database {', '.join(missing)}")
    for database in found:
        figures = comparison.figures_of(server, database)
        had = comparison.figures_of(live, database, until=reached) if live and database in live.databases() else {}
        compared = comparison.compare(figures, had)
        outcome.databases += 1
        outcome.rows += compared.rows
        outcome.wrong += [f"{database}: {problem}" for problem in compared.wrong]
        against = (
            f"{compared.same} tables as they run, {compared.moved_on} that moved on"
            if had
            else "nothing to compare with"
        )
        say(f"{database:14} {compared.rows:10} rows  {against}")
    if "orchestrator" in found:
        broken, orders = comparison.broken_histories(server)
        say(f"{'histories':14} {orders:10} orders, {broken} broken")
        if broken:
            outcome.wrong.append(f"{broken} orders have a broken history")
    if thorough:
        docker(
            "exec", server.container, "pg_amcheck", "--host=/run/postgresql", "--username=postgres", "--all",
            "--install-missing", timeout_s=COMMAND_TIMEOUT_S,
        )  # fmt: skip
        say("tables and indexes are sound (pg_amcheck)")


def _verify_checksums(project: Project, server: Server, outcome: Outcome, say: Callable[[str], None]) -> None:
    docker("stop", "--time=60", server.container)
    told = in_container(
        project,
        "--check",
        "--pgdata=/var/lib/postgresql/17",
        data=server.container,
        options=["--entrypoint=pg_checksums"],
    )
    bad = next((line.split()[-1] for line in told.splitlines() if line.startswith("Bad checksums")), "unknown")
    say(f"every page was read: {bad} with a wrong checksum")
    if bad != "0":
        outcome.wrong.append(f"pages with a wrong checksum: {bad}")


def _remove(name: str) -> None:
    for command in (("rm", "--force", "--volumes", name), ("volume", "rm", "--force", name)):
        # Usually there is none.
        with suppress(CommandFailed):
            docker(*command)
