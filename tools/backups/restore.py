"""The restore that is meant: the databases of a running (or broken) system go back to a moment, and the system goes on from there.

    say what will be lost ─▶ keep the last log ─▶ stop whoever uses the databases ─▶ restore in place ─▶ migrate
      ─▶ order numbers go on behind the lost ones ─▶ queues are emptied ─▶ everybody starts ─▶ outboxes are published again
      ─▶ every message that was sent has arrived ─▶ a backup of what is now true

All databases lie in one server and go back to one moment together, so that no service knows what another never said. The broker
does not: what waits in its queues may be of a time that is no more, and what was consumed after the moment is forgotten by its
consumer. So the queues are emptied and the outboxes published again; inboxes make the repetition harmless.
"""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from system.messages import catalogue
from tools.backups import drill
from tools.backups.server import CommandFailed, Project, Server, docker, find, in_container
from tools.prepare import state
from tools.prepare.failure import Failure

MARGIN = timedelta(days=1)
"""So far back before the moment outboxes are published again: longer than anything waits in a queue."""
NUMBERS_LEFT_OUT = 1000
"""How far order numbers jump when nobody can say which ones were given out after the moment."""
STARTED_WITHIN_S = 300
ARRIVED_WITHIN_S = 900
USES_DATABASES = "ALEXANDRITE_DATABASE_HOST="
NUMBERS = "SELECT last_value FROM order_number"


@dataclass(frozen=True, slots=True)
class Lost:
    """What the running server knows and the restored one will not: to be told to people, and to be done again by them."""

    orders: tuple[str, ...] = ()
    people_who_left: tuple[str, ...] = ()
    messages: dict[str, int] = field(default_factory=dict)
    last_number: int | None = None


@dataclass(frozen=True, slots=True)
class Container:
    """One container at the system's network."""

    name: str
    service: str
    runs: bool
    stays: bool = True
    """Not a job that ends by itself."""


def run(name: str, moment: str | None, *, agreed: bool) -> int:
    """The exit status: 0 restored and everything arrived, 1 not everything, 2 nothing was done. Raises Failure, CommandFailed."""
    project = find(name)
    check_reachable(project, moment)
    lost = what_is_lost(project.live, moment) if moment and project.live.answers() else None
    say_what_is_lost(lost, moment)
    if not agreed:
        print("Nothing was done. Say --yes (make restore YES=1) to restore.", file=sys.stderr)
        return 2
    print(f"kept for whoever has to do it again: {_keep(lost, moment)}")
    began = time.monotonic()
    if project.live.answers():
        # A moment chosen wrongly can then be chosen once more.
        drill.finish_log(project.live)
    users = users_of(project)
    put_back(project, users, moment)
    reached = project.live.last_commit()
    print(f"the databases are those of {reached}, after {time.monotonic() - began:.0f} s")
    skip_numbers(project.live, lost)
    thrown_away = empty_queues(project)
    start(users)
    rto_s = time.monotonic() - began
    print(f"everybody is back after {rto_s:.0f} s; {thrown_away} messages of a time that is no more were thrown away")
    since = datetime.fromisoformat(reached) - MARGIN
    publish_again(users, since)
    missing = wait_until_arrived(project.live, since)
    docker("exec", project.keeper, "backups", "now", "incremental")
    orders = "unknown" if lost is None else str(len(lost.orders))
    verdict = "FAILED" if missing else "ok"
    print(f"restored: to={reached} rto_s={rto_s:.0f} lost_orders={orders} missing_messages={missing} {verdict}")
    return 1 if missing else 0


def check_reachable(project: Project, moment: str | None) -> None:
    """Nobody is stopped for a restore that cannot be. Raises Failure when no backup was finished before the moment."""
    oldest = int(in_container(project, "backups", "oldest", data=project.data))
    if not oldest:
        raise Failure("There is no backup.", remedy="Make one while there is something to back up: make backup")
    if moment is not None and datetime.fromisoformat(moment).timestamp() < oldest + 1:
        said = datetime.fromtimestamp(oldest + 1, UTC).isoformat()
        raise Failure(f"The oldest backup was finished after {moment}.", remedy=f"Name a moment from {said} on.")


# -- what is lost ------------------------------------------------------------------------------------------------------


def what_is_lost(live: Server, moment: str) -> Lost:
    """Read from the running server, before it goes. Raises CommandFailed."""
    submitted = f"SELECT number FROM orders WHERE submitted_at > '{moment}' ORDER BY submitted_at"  # noqa: S608
    left = f"SELECT DISTINCT subject FROM audit_log WHERE action = 'erasure-requested' AND at > '{moment}'"  # noqa: S608
    sent = f"SELECT count(*) FROM outbox WHERE occurred_at > '{moment}'"  # noqa: S608
    return Lost(
        tuple(row[0] for row in live.ask("shop", submitted)),
        tuple(row[0] for row in live.ask("identity", left)),
        {service: int(live.value(service, sent)) for service in _producers()},
        int(live.value("shop", NUMBERS)),
    )


def say_what_is_lost(lost: Lost | None, moment: str | None) -> None:
    """For the person who decides."""
    if lost is None:
        print(
            "What came after the newest backup and its log is lost; nobody can say what it was: ask customers, carriers, the mailbox."
        )
        return
    sent = ", ".join(f"{service} {count}" for service, count in lost.messages.items() if count)
    print(f"What happened after {moment} will not have happened.")
    print(f"  orders submitted since: {len(lost.orders)}{': ' + ', '.join(lost.orders) if lost.orders else ''}")
    print(f"  messages sent since: {sent or 'none'}")
    print(f"  people who left since, and must be forgotten again: {len(lost.people_who_left)}")


def _keep(lost: Lost | None, moment: str | None) -> str:
    told: dict[str, Any] = {"moment": moment, "lost": None}
    if lost is not None:
        told["lost"] = {
            "orders": lost.orders,
            "people_who_left": lost.people_who_left,
            "messages": lost.messages,
            "last_number": lost.last_number,
        }
    path = state.STATE / "restores" / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    state.write_file(path, json.dumps(told, indent=1), mode=0o600)
    return str(path)


# -- the databases -----------------------------------------------------------------------------------------------------


def put_back(project: Project, users: list[Container], moment: str | None) -> None:
    """Stops everybody, restores over the old data, starts the server and brings its schema up to the code's."""
    for container in users:
        if container.runs:
            docker("stop", container.name)
    for name in (project.keeper, project.live.container):
        docker("stop", "--time=60", name)
    in_container(project, "backups", "restore", *([moment] if moment else []), data=project.data)
    docker("start", project.live.container)
    drill.wait_for_promotion(project.live)
    docker("start", project.keeper)
    for container in users:
        if container.service == "migrate":
            docker("start", container.name)
            if docker("wait", container.name).strip() != "0":
                raise CommandFailed(f"the schema could not be brought up to date: docker logs {container.name}")


def skip_numbers(live: Server, lost: Lost | None) -> None:
    """A number that a customer was told is not given to another, though the order behind it is lost."""
    if lost is None or lost.last_number is None:
        to = f"last_value + {NUMBERS_LEFT_OUT}"
    else:
        to = f"greatest(last_value, {lost.last_number})"
    live.ask("shop", f"SELECT setval('order_number', {to}) FROM order_number")  # noqa: S608


# -- the world around them ---------------------------------------------------------------------------------------------


def users_of(project: Project) -> list[Container]:
    """Whoever uses the databases: the services, in slots too, and the job that migrates them."""
    ours = f"--filter=network={project.name}_default"
    names = docker("ps", "--all", "--quiet", ours).split()
    found = []
    for told in json.loads(docker("container", "inspect", *names)) if names else []:
        if any(variable.startswith(USES_DATABASES) for variable in told["Config"]["Env"]):
            service = told["Config"]["Labels"].get("com.docker.compose.service", "")
            stays = told["HostConfig"]["RestartPolicy"]["Name"] != "no"
            found.append(Container(told["Name"].removeprefix("/"), service, told["State"]["Running"], stays))
    if not any(container.service == "orchestrator" for container in found):
        raise Failure(f"The system {project.name} has no orchestrator.", remedy="Run: make up")
    return found


def empty_queues(project: Project) -> int:
    """Throws away what waits in the broker; how many messages. Nobody consumes now."""
    broker = f"{project.name}-rabbitmq-1"
    listed = docker("exec", broker, "rabbitmqctl", "--quiet", "list_queues", "--no-table-headers", "name", "messages")
    thrown_away = 0
    for line in listed.splitlines():
        queue, _, messages = line.partition("\t")
        if queue.strip():
            docker("exec", broker, "rabbitmqctl", "--quiet", "purge_queue", queue.strip())
            thrown_away += int(messages)
    return thrown_away


def starting(users: list[Container]) -> list[Container]:
    """Those that ran before; all that stay, when the whole system stood still."""
    return [each for each in users if each.stays and each.runs] or [each for each in users if each.stays]


def start(users: list[Container]) -> None:
    """Starts them and waits until they are well. Raises CommandFailed."""
    names = [container.name for container in starting(users)]
    for name in names:
        docker("start", name)
    deadline = time.monotonic() + STARTED_WITHIN_S
    template = "--format={{.Name}} {{if .State.Health}}{{.State.Health.Status}}{{else}}{{.State.Status}}{{end}}"
    while True:
        states = dict(line.split() for line in docker("container", "inspect", template, *names).splitlines())
        unwell = [
            f"{name.removeprefix('/')} is {said}" for name, said in states.items() if said not in ("healthy", "running")
        ]
        if not unwell:
            return
        if time.monotonic() > deadline:
            raise CommandFailed(f"not everybody came back within {STARTED_WITHIN_S} s: {', '.join(unwell)}")
        time.sleep(1)


# -- the messages ------------------------------------------------------------------------------------------------------


def publish_again(users: list[Container], since: datetime) -> None:
    """Has every service publish again. Who did not answer is said, and shows in what does not arrive."""
    orchestrator = next(container.name for container in starting(users) if container.service == "orchestrator")
    command = ("python3", "-m", "system.orchestrator", "republish", "--actor=restore", f"--since={since.isoformat()}")
    try:
        print(docker("exec", orchestrator, *command).rstrip())
    except CommandFailed as failure:
        print(f"Not everybody publishes again: {failure}", file=sys.stderr)


def _producers() -> list[str]:
    return sorted({published.owner() for published in catalogue.BY_TYPE.values()})


def wait_until_arrived(live: Server, since: datetime) -> int:
    """Waits until every message sent since then is known to each of its consumers; how many are not after all."""
    deadline = time.monotonic() + ARRIVED_WITHIN_S
    while True:
        missing = unreceived(live, since)
        if not missing or time.monotonic() > deadline:
            return missing
        time.sleep(2)


def unreceived(live: Server, since: datetime) -> int:
    """Messages in outboxes that a consumer's inbox does not have, counted once for each such consumer."""
    moment = since.isoformat()
    received: dict[str, set[str]] = {
        service: {row[0] for row in live.ask(service, f"SELECT event_id FROM inbox WHERE occurred_at >= '{moment}'")}  # noqa: S608
        for service in catalogue.services()
    }
    missing = 0
    for service in _producers():
        sent = live.ask(service, f"SELECT event_id, type FROM outbox WHERE occurred_at >= '{moment}'")  # noqa: S608
        for event_id, message_type in sent:
            published = catalogue.BY_TYPE.get(message_type)
            consumers = published.CONSUMERS if published else ()
            missing += sum(event_id not in received[consumer] for consumer in consumers)
    return missing
