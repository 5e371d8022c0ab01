"""How each fault strikes. A strike comes while the crowd is at work, proves that it happened, and mends what it broke.

It raises NotStruck when what was to break did not: such a run proves nothing and is not passed.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import uuid4

import aio_pika
from psycopg import sql

from perf.faults.crowd import Crowd
from perf.faults.plan import Plan
from perf.faults.stage import Desk, NotStruck, Stage, until
from step_defs.drivers.broker import Captured
from tools.prepare import state

STRUCK_WITHIN_S = 45.0
SEEN_WITHIN_S = 30.0
MEMORY_LIMIT = "500MB"
DISK_LIMIT = "500MB"
"""As system/images/rabbitmq/rabbitmq.conf has them."""
DURING, AFTERWARDS = 5, 5
"""Shuffles while the crowd is at work, and when it is through."""
IN_FLIGHT_MAX = 200


@dataclass
class Scene:
    """What a strike works on. `through` is set when the crowd has done all it could."""

    stage: Stage
    plan: Plan
    crowd: Crowd
    through: asyncio.Event = field(default_factory=asyncio.Event)
    planted: int = 0
    dead_seen: int = 0

    def __post_init__(self) -> None:
        # For what a strike decides by lot; the same for the same plan.
        self.lot = random.Random(self.plan.draw)

    async def first_moment(self) -> None:
        """Until the fault is due."""
        await asyncio.sleep(self.plan.strikes_after_s)

    async def lasts(self) -> None:
        """As long as what is broken stays so."""
        await asyncio.sleep(self.plan.lasts_s)


Strike = Callable[[Scene], Awaitable[None]]


# -- processes that die at a line ------------------------------------------------------------------------------------


def at_point(point: str, *, do: str = "die") -> Strike:
    """The plan's seat is struck at its n-th visit of the point, and comes back."""

    async def strike(scene: Scene) -> None:
        seat, desk = scene.plan.seat, scene.stage.desk
        started = await asyncio.to_thread(_started_at, scene.stage, seat)
        desk.order(seat, point, countdown=scene.plan.countdown, do=do)
        await until(lambda: desk.was_struck(seat), within_s=STRUCK_WITHIN_S, what=f"{seat} reaches {point}")
        await _comes_back(scene.stage, seat, started)

    return strike


def _started_at(stage: Stage, service: str) -> str:
    (container, *_) = stage.containers.of(service)
    container.reload()
    return str(container.attrs["State"]["StartedAt"])


async def _comes_back(stage: Stage, service: str, started: str) -> None:
    """The engine starts a process that died. One that ended in peace it leaves down: then somebody starts it."""

    def look() -> bool:
        (container, *_) = stage.containers.of(service)
        container.reload()
        if container.attrs["State"]["StartedAt"] != started:
            return True
        if container.status == "exited":
            container.start()
        return False

    await until(look, within_s=STRUCK_WITHIN_S, what=f"{service} ended and came back")


async def two_relays(scene: Scene) -> None:
    """Two processes of one service share its orders; then one of them is killed and the other takes all."""
    seat, stage = scene.plan.seat, scene.stage

    def holders() -> int:
        with stage.target.database(seat) as database:
            row = database.execute(
                "SELECT count(DISTINCT holder) FROM bucket_lease WHERE role = 'relay' AND expires_at > clock_timestamp()"
            ).fetchone()
        return int(row[0]) if row else 0

    try:
        await asyncio.to_thread(stage.scale, seat, 2)
        await until(lambda: holders() >= 2, within_s=STRUCK_WITHIN_S, what="two relays")
        await scene.lasts()
        both = await asyncio.to_thread(stage.containers.of, seat)
        await asyncio.to_thread(scene.lot.choice(both).kill, "SIGKILL")
    finally:
        await asyncio.to_thread(_one_again, stage, seat)


def _one_again(stage: Stage, seat: str) -> None:
    """The first container stays, the second goes: compose removes the newest."""
    for container in stage.containers.of(seat):
        container.reload()
        if container.status != "running" and container.name.endswith("-1"):
            container.start()
    stage.scale(seat, 1)


async def claims_meet_a_restart(scene: Scene) -> None:
    """MES is killed twice while work orders lie on the board and operators claim them."""
    met = 0
    for _ in range(2):
        before = len(scene.crowd.heard.won)
        await until(lambda: _is_on_board(scene.crowd), within_s=STRUCK_WITHIN_S, what="an approved order on the board")
        await asyncio.sleep(scene.lot.uniform(0.0, 0.3))
        met += len(scene.crowd.heard.won) < len(scene.plan.intents) and len(scene.crowd.heard.won) >= before
        await asyncio.to_thread(scene.stage.kill, "mes")
        await asyncio.to_thread(scene.stage.start, "mes")
        await asyncio.to_thread(scene.stage.containers.wait_healthy, "mes")
    if not met:
        raise NotStruck("everything was claimed before MES went away")


def _is_on_board(crowd: Crowd) -> bool:
    return any(crowd.statuses.of(order) == "MANUFACTURING_APPROVED" for order in crowd.heard.submitted)


async def nothing_breaks(scene: Scene) -> None:
    """What strikes are the people themselves; whether they met is proved afterwards."""
    await scene.through.wait()


# -- the broker and the line to it -----------------------------------------------------------------------------------


def killed(service: str) -> Strike:
    """A part of the infrastructure dies without warning, is away for a while, and is started again."""

    async def strike(scene: Scene) -> None:
        await scene.first_moment()
        _still_at_work(scene)
        await asyncio.to_thread(scene.stage.kill, service)
        try:
            await scene.lasts()
        finally:
            await asyncio.to_thread(scene.stage.start, service)

    return strike


def paused(service: str) -> Strike:
    """A part of the infrastructure stands still: connections stay open, and nobody answers."""

    async def strike(scene: Scene) -> None:
        await scene.first_moment()
        _still_at_work(scene)
        await asyncio.to_thread(scene.stage.pause, service)
        try:
            await scene.lasts()
        finally:
            await asyncio.to_thread(scene.stage.resume, service)

    return strike


def _still_at_work(scene: Scene) -> None:
    if scene.through.is_set():
        raise NotStruck("the crowd was through before the fault was due")


async def broker_full(scene: Scene) -> None:
    """The broker has no memory, or no disk, left: it takes nothing from publishers until there is some again."""
    await scene.first_moment()
    _still_at_work(scene)
    control = scene.stage.containers
    full, well = scene.lot.choice(
        (
            (["set_vm_memory_high_watermark", "absolute", "1MB"], ["set_vm_memory_high_watermark", "absolute", MEMORY_LIMIT]),
            (["set_disk_free_limit", "100000GB"], ["set_disk_free_limit", DISK_LIMIT]),
        )
    )  # fmt: skip
    try:
        await asyncio.to_thread(control.run, "rabbitmq", "rabbitmqctl", *full)
        await until(lambda: not scene.stage.broker.is_up(), within_s=15, what="the broker's alarm")
        await scene.lasts()
    finally:
        await asyncio.to_thread(control.run, "rabbitmq", "rabbitmqctl", *well)


async def tcp_reset(scene: Scene) -> None:
    """Every connection to the broker is reset, three times over."""
    desk = scene.stage.desk
    before = int(desk.proxy_told().get("reset", 0))
    await scene.first_moment()
    for _ in range(3):
        _still_at_work(scene)
        order = desk.tells_proxy("reset")
        await until(partial(_line_did, desk, order), within_s=10, what="the line is cut")
        await asyncio.sleep(scene.lot.uniform(0.5, 1.5))
    if int(desk.proxy_told().get("reset", 0)) == before:
        raise NotStruck("there was no connection to reset")


def _line_did(desk: Desk, order: str) -> bool:
    return desk.proxy_told().get("id") == order


async def dropped_confirms(scene: Scene) -> None:
    """The broker has what was published, and nobody learns of it."""
    desk = scene.stage.desk
    before = int(desk.proxy_told().get("swallowed", 0))
    await scene.first_moment()
    desk.tells_proxy("swallow")
    try:
        await until(
            lambda: int(desk.proxy_told().get("swallowed", 0)) > before,
            within_s=STRUCK_WITHIN_S,
            what="a confirm is lost",
        )
        await scene.lasts()
    finally:
        desk.tells_proxy("pass")


# -- stores ----------------------------------------------------------------------------------------------------------


async def pool_exhausted(scene: Scene) -> None:
    """The services lose their sessions with the database and get no others: too many connections (SQLSTATE 53300)."""
    await scene.first_moment()
    _still_at_work(scene)

    def limit(count: int) -> int:
        with scene.stage.target.database("postgres") as database:
            roles = [row[0] for row in database.execute(r"SELECT rolname FROM pg_roles WHERE rolname LIKE '%\_app'")]
            for role in roles:
                database.execute(
                    sql.SQL("ALTER ROLE {} CONNECTION LIMIT {}").format(sql.Identifier(role), sql.Literal(count))
                )
            if count < 0:
                return 0
            ended = database.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = ANY(%s)", [roles]
            )
            row = ended.fetchone()
        return int(row[0]) if row else 0

    try:
        if not await asyncio.to_thread(limit, 0):
            raise NotStruck("no service had a session with the database")
        await scene.lasts()
    finally:
        await asyncio.to_thread(limit, -1)


async def storage_gone_mid_read(scene: Scene) -> None:
    """The storage dies while a price worker has read a part of a model."""
    desk, seat = scene.stage.desk, "pricing-worker"
    desk.order(seat, "model.read", countdown=scene.plan.countdown, do="hold")
    await until(lambda: desk.was_struck(seat), within_s=STRUCK_WITHIN_S, what="a worker reads a model")
    await asyncio.to_thread(scene.stage.kill, "s3")
    desk.go(seat)
    try:
        await scene.lasts()
    finally:
        await asyncio.to_thread(scene.stage.start, "s3")


# -- messages --------------------------------------------------------------------------------------------------------


async def duplicates_shuffled(scene: Scene) -> None:
    """Everything that crossed the broker is delivered again to whoever takes it, ten times over, each time in another order."""
    stage, lot = scene.stage, scene.lot
    takers = await asyncio.to_thread(_takers, stage)
    delivered = 0
    # Of this type: all. The queue hears the shuffles not: they go straight to the services' own queues.
    with contextlib.ExitStack() as stack:
        tap = await asyncio.to_thread(stack.enter_context, stage.broker.listening("#"))
        async with _publishing(stage) as publish:
            for number in range(DURING + AFTERWARDS):
                if number < DURING:
                    await asyncio.sleep(scene.plan.lasts_s / DURING)
                else:
                    await scene.through.wait()
                heard = await asyncio.to_thread(tap.everything)
                again = [(queue, message) for message in heard for queue in takers.get(message.routing_key, ())]
                lot.shuffle(again)
                await publish(again)
                delivered += len(again)
    if delivered < AFTERWARDS * len(scene.plan.intents):
        raise NotStruck(f"only {delivered} messages were delivered again")


def _takers(stage: Stage) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for binding in stage.broker.bindings():
        if binding["destination"].endswith(".inbox.v1"):
            found.setdefault(binding["routing_key"], set()).add(binding["destination"])
    return found


@contextlib.asynccontextmanager
async def _publishing(stage: Stage) -> AsyncIterator[Callable[[list[tuple[str, Captured]]], Awaitable[None]]]:
    """Puts messages into queues as they were, each confirmed by the broker."""
    secret = (state.STATE / "secrets" / "rabbitmq" / "alexandrite_broker_password").read_text(encoding="utf-8").strip()
    port = int(stage.variables["ALEXANDRITE_PORT_AMQP"])
    async with await aio_pika.connect(host="127.0.0.1", port=port, login="alexandrite", password=secret) as connection:
        channel = await connection.channel(publisher_confirms=True)
        gate = asyncio.Semaphore(IN_FLIGHT_MAX)

        async def one(queue: str, message: Captured) -> None:
            kept = message.properties
            copy = aio_pika.Message(
                message.body.encode(),
                content_type=kept.get("content_type"),
                delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
                message_id=kept.get("message_id"),
                type=kept.get("type"),
                app_id=kept.get("app_id"),
                headers=kept.get("headers") or {},
            )
            async with gate:
                await channel.default_exchange.publish(copy, routing_key=queue)

        async def publish(messages: list[tuple[str, Captured]]) -> None:
            await asyncio.gather(*(one(queue, message) for queue, message in messages))

        yield publish


async def poison_among_good(scene: Scene) -> None:
    """Bodies that nobody can read arrive among the good ones; people see each, mend it, and have it delivered."""
    stage, lot = scene.stage, scene.lot
    takers = await asyncio.to_thread(_takers, stage)
    before = {message["id"] for message in await _dead(scene)}
    with contextlib.ExitStack() as stack:
        tap = await asyncio.to_thread(stack.enter_context, stage.broker.listening("#"))
        await scene.first_moment()
        good = [
            message
            for message in await until(tap.everything, within_s=STRUCK_WITHIN_S, what="messages cross the broker")
            if takers.get(message.routing_key)
        ]
        planted: dict[str, dict[str, Any]] = {}
        for spoil in SPOILED:
            message = lot.choice(good)
            (queue, *_) = sorted(takers[message.routing_key])
            mark = uuid4().hex
            body = spoil(json.loads(message.body), mark)
            await asyncio.to_thread(stage.broker.publish, message.with_body(body), to_queue=queue)
            planted[mark] = message.envelope
    scene.planted = len(planted)
    await _mended(scene, list(planted.values()), before)


def _unreadable(envelope: dict[str, Any], mark: str) -> str:
    return f"{{ this is no JSON {mark}"


def _nameless(envelope: dict[str, Any], mark: str) -> dict[str, Any]:
    return {key: value for key, value in envelope.items() if key != "id"} | {"mark": mark}


def _unknown(envelope: dict[str, Any], mark: str) -> dict[str, Any]:
    return envelope | {"id": str(uuid4()), "type": f"stranger.said_{mark}.v1"}


def _emptied(envelope: dict[str, Any], mark: str) -> dict[str, Any]:
    return envelope | {"id": str(uuid4()), "data": {"mark": mark}}


def _misdirected(envelope: dict[str, Any], mark: str) -> dict[str, Any]:
    return envelope | {"id": str(uuid4()), "subject": str(uuid4())}


SPOILED: tuple[Callable[[dict[str, Any], str], str | dict[str, Any]], ...] = (
    _unreadable,
    _nameless,
    _unknown,
    _emptied,
    _misdirected,
)


async def _mended(scene: Scene, good: list[dict[str, Any]], before: set[str]) -> None:
    """An administrator sees every dead letter and has a body that can be read delivered in its place."""
    administrator = scene.crowd.people.administrator

    by_service: dict[str, list[dict[str, Any]]] = {}
    takers = await asyncio.to_thread(_takers, scene.stage)
    for envelope in good:
        (queue, *_) = sorted(takers[envelope["type"]])
        by_service.setdefault(queue.removesuffix(".inbox.v1"), []).append(envelope)
    for message in await _seen(scene, before):
        asked = {
            "service": message["service"],
            "ids": [message["id"]],
            "state": "dead",
            "amended_body": by_service[message["service"]][0],
        }
        await administrator.send("POST", "/api/orchestrator/v1/replays", json=asked, keyed=False)
        scene.dead_seen += 1


async def _seen(scene: Scene, before: set[str]) -> list[dict[str, Any]]:
    """The new dead letters that people see, once there are as many as were planted. Raises NotStruck."""
    deadline = time.monotonic() + SEEN_WITHIN_S
    items: list[dict[str, Any]] = []
    while time.monotonic() < deadline:
        items = [message for message in await _dead(scene) if message["id"] not in before]
        if len(items) >= scene.planted:
            return items
        await asyncio.sleep(0.2)
    raise NotStruck(f"people see {len(items)} of {scene.planted} unreadable messages")


async def _dead(scene: Scene) -> list[dict[str, Any]]:
    administrator = scene.crowd.people.administrator
    page = await administrator.send("GET", "/api/orchestrator/v1/messages", params={"state": "dead"})
    items: list[dict[str, Any]] = page["items"]
    return items


# -- time ------------------------------------------------------------------------------------------------------------


async def clocks_apart(scene: Scene) -> None:
    """One service's wall clock is an hour ahead of everybody's, or behind."""
    seat, stage = scene.plan.seat, scene.stage
    stage.desk.sets_clock(seat, scene.lot.choice(("+3600s", "-3600s")))
    try:
        await asyncio.to_thread(stage.kill, seat)
        await asyncio.to_thread(stage.start, seat)
        await until(lambda: stage.desk.was_struck(seat), within_s=STRUCK_WITHIN_S, what=f"{seat} starts apart in time")
        await asyncio.to_thread(stage.containers.wait_healthy, seat)
        await scene.lasts()
    finally:
        stage.desk.clear()
        await asyncio.to_thread(stage.kill, seat)
        await asyncio.to_thread(stage.start, seat)
