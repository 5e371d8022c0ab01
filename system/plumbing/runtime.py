"""One process of a service: its API, consumer, relay and timers, or any of them alone, started and stopped together."""

from __future__ import annotations

import asyncio
import gc
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import uvicorn
from fastapi import APIRouter, FastAPI
from prometheus_client import REGISTRY
from sqlalchemy import text

from system.messages.envelope import Message
from system.plumbing import internal_api, telemetry
from system.plumbing.broker import BrokerLost, Publisher, connect
from system.plumbing.consumer import Consumer, Reaction
from system.plumbing.database import create_engine, is_reachable, notifications
from system.plumbing.dead_letters import DeadLetterDrain
from system.plumbing.leases import Leases
from system.plumbing.metrics import DELIVERY_GAUGES, GaugeQuery, QueriedGauges
from system.plumbing.outbox_replays import OutboxReplays
from system.plumbing.relay import Relay
from system.plumbing.service_client import ServiceClient
from system.plumbing.settings import ServiceSettings
from system.plumbing.steering import Steering
from system.plumbing.telemetry import log
from system.plumbing.timers import Timer, run_timer
from system.plumbing.topology_guard import TopologyGuard, ask_sender
from system.plumbing.unit_of_work import UnitOfWork
from system.plumbing.web import make_app

RESTART_DELAY_S = 1.0
NOTIFY_DEBOUNCE_S = 0.02
STOP_TIMEOUT_S = 8


class Service:
    """Everything a process of one service runs. `main.py` builds it; nothing else wires.

    `unit_of_work` makes one over (engine, source, on_committed=...). `reactions` maps message classes to coroutine functions
    (message, uow). `on_start` / `on_stop` receive this service, for what needs a running event loop.
    """

    def __init__(
        self,
        settings: ServiceSettings,
        *,
        routers: Sequence[APIRouter],
        pages: Sequence[APIRouter] = (),
        unit_of_work: Callable[..., UnitOfWork] = UnitOfWork,
        reactions: Mapping[type[Message], Reaction] | None = None,
        gated: bool = False,
        timers: Sequence[Timer] = (),
        gauges: Sequence[GaugeQuery] = (),
        on_start: Sequence[Callable[[Service], Awaitable[None]]] = (),
        on_stop: Sequence[Callable[[Service], Awaitable[None]]] = (),
        background: Sequence[Callable[[Service], Awaitable[None]]] = (),
        description: str = "",
    ) -> None:
        self.settings = settings
        self.engine = create_engine(settings)
        self.client = ServiceClient(settings)
        self.reactions = reactions or {}
        self._unit_of_work = unit_of_work
        self._roles = settings.role_names
        steering = Steering(settings.steering_directory)
        self._leases = {
            role: Leases(
                self.engine,
                role,
                ttl_s=settings.lease_ttl_s,
                slot=settings.slot,
                steering=steering,
                on_change=self._wake_all,
            )
            for role in ("relay", "consumer", "timer")
            if role in self._roles
        }
        self._notify_wanted = asyncio.Event()
        self._relay = Relay(settings, self.engine, self._leases["relay"]) if "relay" in self._roles else None
        self._replays = OutboxReplays(settings, self.engine) if "relay" in self._roles else None
        self._consumer = (
            Consumer(
                settings,
                self.make_uow,
                self.reactions,
                self._leases["consumer"],
                gated=gated,
                on_waiting=self._notify_wanted.set,
            )
            if "consumer" in self._roles and self.reactions
            else None
        )
        self._mended = asyncio.Event()
        self._guard = (
            TopologyGuard(
                settings,
                self.make_uow,
                ask=partial(ask_sender, self.client, settings.service),
                emptied_at=lambda: self._consumer.emptied_at if self._consumer else None,
                on_mended=self._mended.set,
            )
            if self._consumer is not None and settings.topology_check_s > 0
            else None
        )
        self._timers = timers if "timer" in self._roles else ()
        self._on_start, self._on_stop, self._background = on_start, on_stop, background
        self._consumed_once = self._consumer is None
        self._published_once = self._relay is None
        queried = QueriedGauges(self.engine, (*DELIVERY_GAUGES, *gauges))
        self._gauges = queried
        self.app = make_app(
            settings,
            routers=[*routers, internal_api.router(self.make_uow, self.reactions, self._wake_all)],
            pages=pages,
            lifespan=self._lifespan,
            readiness=self.readiness,
            gauges=queried,
            description=description,
            steering=steering,
        )
        self.app.state.make_uow = self.make_uow
        self.app.state.client = self.client
        self.app.state.service = self

    def make_uow(self) -> Any:
        """A new unit of work, not yet entered."""
        return self._unit_of_work(self.engine, self.settings.service, on_committed=self._committed)

    def holds(self, role: str) -> bool:
        """Whether this process has a share of the work of a role now."""
        return role in self._leases and bool(self._leases[role].held())

    async def readiness(self) -> dict[str, bool]:
        """Ready means: the database answers, and the broker was reached once. A broker away later stops no order."""
        return {
            "database": await is_reachable(self.engine),
            "relay": self._published_once,
            "consumer": self._consumed_once,
            "leases": all(lease.is_valid for lease in self._leases.values()),
        }

    async def close(self) -> None:
        """Gives back what was opened, served or not: the service's own parts, connections to services, Redis and the database."""
        for hook in self._on_stop:
            await hook(self)
        if self._guard is not None:
            await self._guard.close()
        await self.client.close()
        await self.app.state.revocations.close()
        await self.engine.dispose()

    # -- wake-ups ------------------------------------------------------------------------------------------------

    def _committed(self, buckets: frozenset[int]) -> None:
        if self._relay is not None:
            self._relay.wake()
            if buckets <= self._leases["relay"].held():
                return
        self._notify_wanted.set()

    def _wake_all(self) -> None:
        if self._relay is not None:
            self._relay.wake()
        if self._replays is not None:
            self._replays.wake()
        if self._consumer is not None:
            self._consumer.wake()

    async def _notify(self) -> None:
        """Tells the other processes that something was committed for one of them; at most one NOTIFY per debounce."""
        while True:
            await self._notify_wanted.wait()
            await asyncio.sleep(NOTIFY_DEBOUNCE_S)
            self._notify_wanted.clear()
            async with self.engine.begin() as connection:
                await connection.execute(text("SELECT pg_notify('outbox', '')"))

    async def _listen(self) -> None:
        async for _ in notifications(self.settings, "outbox"):
            self._wake_all()

    # -- what runs -----------------------------------------------------------------------------------------------

    async def _relay_session(self) -> None:
        assert self._relay is not None
        async with connect(self.settings, name=f"{self.settings.service} relay") as connection:
            publisher = await Publisher.open(connection)
            self._published_once = True
            await self._relay.run(publisher)

    async def _consumer_session(self) -> None:
        assert self._consumer is not None
        if not await is_reachable(self.engine):
            raise BrokerLost("the database is away; nothing is consumed until it is back")
        async with connect(self.settings, name=f"{self.settings.service} consumer") as connection:
            drain = asyncio.create_task(
                DeadLetterDrain(self.settings, self.make_uow, self.reactions).run(connection), name="dead letters"
            )
            consuming = asyncio.create_task(self._consumer.run(connection), name="consumer")
            # A queue that was declared anew has no consumer, and nobody tells those of the old one.
            self._mended.clear()
            mended = asyncio.create_task(self._mended.wait(), name="mended")
            self._consumed_once = True
            try:
                await asyncio.wait({drain, consuming, mended}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (drain, consuming, mended):
                    task.cancel()
                outcomes = await asyncio.gather(drain, consuming, return_exceptions=True)
                await asyncio.gather(mended, return_exceptions=True)
            failures = [o for o in outcomes if isinstance(o, Exception) and not isinstance(o, asyncio.CancelledError)]
            raise failures[0] if failures else BrokerLost("the consumer ended")

    async def _keep(self, name: str, body: Callable[[], Awaitable[None]]) -> None:
        """Runs `body` for ever. A heartbeat loss may cancel it from inside; that is a failure like any other here."""
        while True:
            task = asyncio.ensure_future(body())
            try:
                await asyncio.wait({task})
            except asyncio.CancelledError:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                raise
            error = None if task.cancelled() else task.exception()
            log.warning(
                "restarting", part=name, error=telemetry.said_by(error) if error else "ended", kind=type(error).__name__
            )
            await asyncio.sleep(RESTART_DELAY_S)

    def _parts(self) -> dict[str, Callable[[], Awaitable[None]]]:
        parts: dict[str, Callable[[], Awaitable[None]]] = {
            f"lease {role}": lease.run for role, lease in self._leases.items()
        }
        parts["notify"] = self._notify
        if self._relay is not None:
            parts["relay"] = self._relay_session
        if self._replays is not None:
            parts["replays"] = self._replays.run
        if self._consumer is not None:
            parts["consumer"] = self._consumer_session
            parts["inbox"] = self._consumer.run_due
        if self._guard is not None:
            parts["topology"] = self._guard.run
        if self._relay is not None or self._consumer is not None:
            parts["listen"] = self._listen
        for timer in self._timers:
            parts[f"timer {timer.name}"] = partial(run_timer, timer, self.make_uow, self._leases["timer"])
        for extra in self._background:
            parts[getattr(extra, "__name__", "background")] = partial(extra, self)
        return parts

    @asynccontextmanager
    async def _lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        REGISTRY.register(self._gauges)
        for hook in self._on_start:
            await hook(self)
        tasks = [asyncio.create_task(self._keep(name, body), name=name) for name, body in self._parts().items()]
        log.info("started", roles=sorted(self._roles))
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks, timeout=STOP_TIMEOUT_S)
            await self.close()
            REGISTRY.unregister(self._gauges)
            log.info("stopped")
            # Here and not after the server: it ends the process by the signal that it got.
            await asyncio.to_thread(telemetry.stop)

    def configure_telemetry(self) -> None:
        """Log lines, spans and their limits, as the settings tell."""
        telemetry.configure(
            self.settings.service,
            level=self.settings.log_level,
            release=self.settings.release,
            environment=self.settings.environment,
            slot=self.settings.slot,
            endpoint=self.settings.otlp_endpoint,
            key=self.settings.otlp_key.get_secret_value(),
            is_tracing=self.settings.tracing == "on",
            reads_ratio=self.settings.trace_reads_ratio,
        )

    def serve(self) -> None:
        """Serves until SIGTERM: stops accepting, ends what runs, gives its leases back."""
        self.configure_telemetry()
        config = uvicorn.Config(
            self.app,
            host="0.0.0.0",  # noqa: S104 - inside its container; only the gateway is published
            port=self.settings.port,
            loop="uvloop",
            http="httptools",
            access_log=False,
            log_config=None,
            proxy_headers=True,
            forwarded_allow_ips="*",
            timeout_graceful_shutdown=STOP_TIMEOUT_S,
            timeout_keep_alive=75,
        )
        server = uvicorn.Server(config)
        # Streams ask it: they would otherwise keep a process that was told to end until it is made to.
        self.app.state.is_stopping = lambda: server.should_exit
        # What is there by now stays as long as the process: looking through it all for garbage would stop every request for a
        # tenth of a second, and for longer where the processors are busy.
        gc.collect()
        gc.freeze()
        server.run()
        if not server.started:
            raise SystemExit(3)


def main(build: Callable[[], Service], commands: Mapping[str, Callable[[list[str]], int | None]] | None = None) -> None:
    """The command line of a service: `serve`, `openapi`, and what the service adds."""
    name, *arguments = sys.argv[1:] or ["serve"]
    if name == "serve":
        build().serve()
        return
    if name == "openapi":
        print(json.dumps(build().app.openapi(), indent=2, sort_keys=True, ensure_ascii=False))
        return
    known = dict(commands or {})
    if name not in known:
        print(f"no command {name!r}; there are: {', '.join(['serve', 'openapi', *sorted(known)])}", file=sys.stderr)
        raise SystemExit(2)
    raise SystemExit(known[name](arguments) or 0)
