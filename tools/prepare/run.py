"""`python3 -m tools.prepare.run COMMAND`: starts, shows and removes this checkout's system; behind `make up`, `down`, ..."""

from __future__ import annotations

import argparse
import fcntl
import os
import subprocess
import sys
from collections.abc import Callable, Sequence

from tools.prepare import credentials, engine, ports, shell, state, topology
from tools.prepare.failure import Failure

STARTUP_TIMEOUT_S = 300
LOG_LINES = 15
TEST_RUNS = ("test", "faults", "integration-gw0", "integration-gw1", "backups")
"""How projects of tests are called after this checkout: the whole system, the fault matrix's, the parts of each process of the
integration tests, and the server whose backups are tried."""


def _variables() -> dict[str, str]:
    """The process's environment with the topology's variables for this checkout's own project."""
    project = topology.project_name()
    chosen = ports.choose(running=topology.running(project))
    return {**os.environ, **topology.environment(project, chosen, os.environ.get("ALEXANDRITE_DURATIONS"))}


def _compose(arguments: Sequence[str], variables: dict[str, str], *, cluster: bool | None = None) -> int:
    """One compose command. With the broker's further nodes or without, as `cluster` says, else as the project has them."""
    with_nodes = topology.clustered(variables["COMPOSE_PROJECT_NAME"]) if cluster is None else cluster
    files = [topology.COMPOSE_FILE, *([topology.CLUSTER_FILE] if with_nodes else [])]
    named = [part for file in files for part in ("--file", str(file))]
    command = [*engine.docker(), "compose", *named, *arguments]
    return subprocess.run(command, env=variables, stdin=subprocess.DEVNULL, check=False).returncode


def up(arguments: argparse.Namespace) -> int:
    """Starts everything and returns when all of it is healthy; the seed's people and goods are there then."""
    variables = _variables()
    project = variables["COMPOSE_PROJECT_NAME"]
    if topology.containers(project) and topology.clustered(project) != arguments.cluster:
        # One node and three keep what they hold in different places: messages in the queues would stay behind.
        raise Failure(
            f"The system is there with {'one broker node' if arguments.cluster else 'three broker nodes'}.",
            remedy="Remove it first: make down",
        )
    wait = ["--wait", "--wait-timeout", str(STARTUP_TIMEOUT_S)]
    status = _compose(
        ["--progress", "quiet", "up", "--detach", "--remove-orphans", *wait], variables, cluster=arguments.cluster
    )
    if status != 0:
        _explain(variables)
        raise Failure("The system did not become healthy.", remedy="Read the lines above; `make logs` shows more.")
    if _compose(["--profile", "seed", "run", "--rm", "--quiet-pull", "seed"], variables) != 0:
        raise Failure("The demonstration data could not be written.", remedy="Read the lines above and try again.")
    return 0


def _explain(variables: dict[str, str]) -> None:
    """The last log lines of whatever stopped or is not healthy."""
    for name, status in topology.unwell(variables["COMPOSE_PROJECT_NAME"]):
        print(f"--- {name}: {status}", file=sys.stderr, flush=True)
        _compose(["logs", "--no-color", "--no-log-prefix", "--tail", str(LOG_LINES), name], variables)


def show(_: argparse.Namespace) -> int:
    """Where the running system is and how to get in."""
    known = ports.remembered()
    if not topology.running(topology.project_name()) or not known:
        raise Failure("The system does not run.", remedy="Run: make up")
    password = credentials.read("identity", credentials.DEMO)
    print(
        f"""
Alexandrite runs on this machine (127.0.0.1 only).
  gateway       https://localhost:{known["https"]}   (development CA: .alexandrite/tls/ca.pem)
                http://localhost:{known["http"]}    (without TLS, for a first look)
  pages         http://localhost:{known["http"]}/   the shop; as an operator: the board
  APIs          /api/<service>/v1: identity, shop, crm, mes, pricing, orchestrator, files
  prometheus    http://localhost:{known["prometheus"]}
  alertmanager  http://localhost:{known["alertmanager"]}
  letters       http://localhost:{known["mailbox"]}   every letter that the system writes ends here
  rabbitmq      http://localhost:{known["management"]}   user alexandrite, password in .alexandrite/secrets/rabbitmq
  staff         password of every demonstration login: {password}
Stop it with `make down` (`make down KEEP=1` keeps the data)."""
    )
    return 0


def down(arguments: argparse.Namespace) -> int:
    """Removes this project's containers and networks, and its volumes unless they are to be kept."""
    # With the data gone there is nothing to finish in peace.
    volumes = [] if arguments.keep else ["--volumes", "--timeout", "2"]
    variables = {**os.environ, **topology.environment(topology.project_name(), ports.remembered() or None)}
    # The further nodes are named even where there are none: their volumes may be left from before.
    command = ["--profile", "*", "--progress", "quiet", "down", "--remove-orphans", *volumes]
    return _compose(command, variables, cluster=True)


def logs(arguments: argparse.Namespace) -> int:
    """The last lines of all services or the named ones."""
    return _compose(["logs", "--tail", str(arguments.lines), *arguments.services], _variables())


def compose(arguments: argparse.Namespace) -> int:
    """Any other compose command, with the right variables."""
    return _compose(arguments.arguments, _variables())


def sweep(_: argparse.Namespace) -> int:
    """Removes what killed test runs of this checkout left; a test run that still lives keeps what it has."""
    for project in (f"{topology.project_name()}-{name}" for name in TEST_RUNS):
        if _in_use(project):
            print(f"{project} is in use by another test run; left alone", flush=True)
            continue
        found = _remove(project)
        if found:
            print(f"removed what an earlier test run left of {project}: {found}", flush=True)
    return 0


def _in_use(project: str) -> bool:
    """True while a test run holds the project's lock; a killed run's lock is free again."""
    path = state.STATE / f"{project}.lock"
    if not path.is_file():
        return False
    with path.open("r+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _remove(project: str) -> str:
    """Removes a project's containers, then the networks and volumes that nothing holds any more. Says what there was."""
    kinds = {
        "container": (["ps", "--all", "--quiet"], ["rm", "--force", "--volumes"]),
        "network": (["network", "ls", "--quiet"], ["network", "rm"]),
        "volume": (["volume", "ls", "--quiet"], ["volume", "rm"]),
    }
    counts = []
    for kind, (listing, removal) in kinds.items():
        label = f"label=com.docker.compose.project={project}"
        names = (shell.answer([*engine.docker(), *listing, "--filter", label]) or "").split()
        if names:
            shell.run([*engine.docker(), *removal, *names], log="sweep")
            counts.append(f"{len(names)} {kind}s")
    return ", ".join(counts)


def clean(_: argparse.Namespace) -> int:
    """Removes our images, except those that containers still use, and the stamps; secrets and data stay."""
    template = "{{.Repository}}:{{.Tag}}"
    listed = shell.answer([*engine.docker(), "images", "--format", template, "alexandrite/*"]) or ""
    for reference in listed.split():
        if "/base-" not in reference:
            # The engine itself refuses while a container stands on it.
            shell.answer([*engine.docker(), "rmi", reference])
    for path in (*state.STAMPS.glob("*"), *state.LOGS.glob("*.log")):
        if path.name != "dockerd.log":
            path.unlink()
    return 0


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "up": up,
    "show": show,
    "down": down,
    "logs": logs,
    "compose": compose,
    "sweep": sweep,
    "clean": clean,
}


def main() -> int:
    """The exit status of the command; 1 after one sentence when it cannot be done."""
    parser = argparse.ArgumentParser(prog="python3 -m tools.prepare.run", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, command in COMMANDS.items():
        sub = commands.add_parser(name, help=command.__doc__)
        if name == "up":
            sub.add_argument("--cluster", action="store_true", help="three broker nodes instead of one")
        if name == "down":
            sub.add_argument("--keep", action="store_true", help="keep the volumes")
        if name == "logs":
            sub.add_argument("--lines", type=int, default=100)
            sub.add_argument("services", nargs="*")
        if name == "compose":
            sub.add_argument("arguments", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    try:
        return COMMANDS[arguments.command](arguments)
    except Failure as failure:
        print(f"{failure}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    raise SystemExit(main())
