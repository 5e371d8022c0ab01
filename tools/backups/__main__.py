"""Backups and restores: python -m tools.backups now | list | drill | restore (make backup, make restore-drill, make restore)."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from datetime import UTC, datetime

from tools.backups import drill, restore, server
from tools.backups.server import CommandFailed
from tools.prepare import topology
from tools.prepare.failure import Failure


def _now(arguments: argparse.Namespace) -> int:
    """One backup now."""
    project = server.find(arguments.project)
    kind = "incremental" if arguments.incremental else "full"
    print(server.docker("exec", project.keeper, "backups", "now", kind, timeout_s=server.COMMAND_TIMEOUT_S).rstrip())
    return 0


def _list(arguments: argparse.Namespace) -> int:
    """What there is."""
    project = server.find(arguments.project)
    print(server.docker("exec", project.keeper, "backups", "list").rstrip())
    return 0


def _drill(arguments: argparse.Namespace) -> int:
    """Restores beside the running system, checks, throws away."""
    project = server.find(arguments.project)
    outcome = drill.run(project, moment=arguments.time, thorough=not arguments.quick)
    if outcome.is_good:
        try:
            server.docker("exec", project.keeper, "backups", "drilled", f"{outcome.restored_s:.0f}")
        except CommandFailed as failure:
            print(f"Nobody will know that it was good: {failure}", file=sys.stderr)
    print(outcome.line())
    return 0 if outcome.is_good else 1


def _restore(arguments: argparse.Namespace) -> int:
    """Puts the running system back to a moment."""
    return restore.run(arguments.project, arguments.time, agreed=arguments.yes)


def moment(text: str) -> str:
    """RFC 3339 with a zone, in UTC, as PostgreSQL and pgBackRest read it."""
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no moment; such as 2026-11-29T14:30:00+03:00") from None
    if read.tzinfo is None:
        raise argparse.ArgumentTypeError(f"of which time zone is {text}? Such as {text}+03:00, or {text}Z")
    return read.astimezone(UTC).isoformat(sep=" ")


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "now": _now, "list": _list, "drill": _drill, "restore": _restore,
}  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """The exit status: 0 good, 1 not, 2 could not be tried."""
    parser = argparse.ArgumentParser(prog="python -m tools.backups", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, command in COMMANDS.items():
        sub = commands.add_parser(name, help=command.__doc__)
        sub.add_argument("--project", default=topology.project_name(), help="the compose project; this checkout's own")
        if name == "now":
            sub.add_argument("--incremental", action="store_true", help="only what changed")
        if name in ("drill", "restore"):
            sub.add_argument(
                "--time", type=moment, help="a moment, RFC 3339 with a zone; else the newest state there is"
            )
        if name == "drill":
            sub.add_argument("--quick", action="store_true", help="without reading every page and index")
        if name == "restore":
            sub.add_argument(
                "--yes", action="store_true", help="without it nothing is done, and what would be lost is said"
            )
    chosen = parser.parse_args(arguments)
    try:
        return COMMANDS[chosen.command](chosen)
    except (Failure, CommandFailed) as failure:
        print(str(failure), file=sys.stderr)
        return 2


if __name__ == "__main__":
    raise SystemExit(main())
