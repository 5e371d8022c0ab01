"""The guard of a service's queue: notices what was deleted at the broker, declares it anew, and has what was lost sent again.

A binding that is gone loses messages in silence: whoever else consumes them still gets them, so nothing is unroutable. AMQP cannot
be asked for bindings; the management API can, and answers from the same store that messages are routed by.

What was routed while something was missing, and what lay in a deleted queue, is in the outboxes of those who sent it. They are asked
to publish it again to this service alone; its inbox knows what had an effect. The loss is noted before anything is mended,
and settled when every sender took the wish, so that a crash between the two forgets nothing.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import aio_pika
import httpx
from sqlalchemy import func, select

from system.kernel.errors import Unavailable
from system.messages import catalogue
from system.plumbing.broker import BrokerLost, connect
from system.plumbing.database import is_connection_failure
from system.plumbing.metrics import TOPOLOGY_CHECKED, TOPOLOGY_MENDED
from system.plumbing.schema import audit_log, inbox
from system.plumbing.service_client import ServiceClient
from system.plumbing.settings import ServiceSettings
from system.plumbing.telemetry import log
from system.plumbing.topology import (
    DEAD_EXCHANGE,
    EXCHANGE,
    dead_queue,
    declare_service,
    inbox_queue,
    keys_of,
)
from system.plumbing.unit_of_work import UnitOfWork

ANSWER_TIMEOUT_S = 3.0
MEND_TIMEOUT_S = 20.0
MARGIN = timedelta(minutes=2)
"""A message may have been committed so long before it was published, or lain so long unacknowledged in a consumer's hands."""
MISSED, SETTLED = "topology_missed", "topology_settled"


class TopologyUnknown(Exception):
    """No node's management API answers: nothing is known, so nothing is mended."""


class Management:
    """Reads the broker's topology from whichever node answers."""

    def __init__(self, settings: ServiceSettings, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._hosts = [host for host, _ in settings.broker_addresses]
        random.shuffle(self._hosts)
        self._port = settings.broker_management_port
        self._virtualhost = quote(settings.broker_virtualhost, safe="")
        self._http = httpx.AsyncClient(
            auth=(settings.broker_user, settings.broker_password.get_secret_value()),
            timeout=ANSWER_TIMEOUT_S,
            transport=transport,
        )

    async def bindings_of(self, queue: str) -> set[tuple[str, str]]:
        """(exchange, routing key) of all that leads to the queue; none when there is no such queue. Raises TopologyUnknown."""
        found = await self._get(f"/queues/{self._virtualhost}/{quote(queue, safe='')}/bindings")
        return {(binding["source"], binding["routing_key"]) for binding in found or ()}

    async def has_queue(self, name: str) -> bool:
        """Raises TopologyUnknown."""
        return await self._get(f"/queues/{self._virtualhost}/{quote(name, safe='')}?disable_stats=true") is not None

    async def has_exchange(self, name: str) -> bool:
        """Raises TopologyUnknown."""
        return await self._get(f"/exchanges/{self._virtualhost}/{quote(name, safe='')}") is not None

    async def _get(self, path: str) -> Any:
        said = []
        for host in tuple(self._hosts):
            try:
                response = await self._http.get(f"http://{host}:{self._port}/api{path}")
                if response.status_code == httpx.codes.NOT_FOUND:
                    return None
                response.raise_for_status()
                return response.json()
            except (httpx.HTTPError, ValueError) as error:
                said.append(f"{host}: {str(error) or type(error).__name__}")
                # The one that answers is asked first next time.
                self._hosts.append(self._hosts.pop(0))
        raise TopologyUnknown("; ".join(said))

    async def close(self) -> None:
        """Closes the connections."""
        await self._http.aclose()


async def missing(management: Management, service: str) -> set[str]:
    """What of the service's topology is gone: queue, dead_queue, binding, exchange. Raises TopologyUnknown."""
    gone: set[str] = set()
    expected = {
        inbox_queue(service): ("queue", {(EXCHANGE, key) for key in keys_of(service)}),
        dead_queue(service): ("dead_queue", {(DEAD_EXCHANGE, service)}),
    }
    for queue, (what, wanted) in expected.items():
        if wanted <= await management.bindings_of(queue):
            continue
        # A queue or an exchange takes its bindings with it, so in quiet times one question per queue answers everything.
        exchange = next(iter(wanted))[0]
        gone_here = set() if await management.has_exchange(exchange) else {"exchange"}
        if not await management.has_queue(queue):
            gone_here.add(what)
        gone |= gone_here or {"binding"}
    return gone


async def ask_sender(client: ServiceClient, service: str, sender: str, since: datetime) -> None:
    """Has `sender` publish again to `service` alone what it committed since the moment. Raises Unavailable when it did not take it."""
    wish = {"since": since.isoformat(), "to": service}
    response = await client.request("POST", sender, "/internal/outbox/replays", json=wish)
    if response.status_code != httpx.codes.ACCEPTED:
        raise Unavailable(f"{sender}-unavailable", f"{sender} does not publish again: {response.status_code}.")


class TopologyGuard:
    """Looks every `topology_check_s`. `ask` has one sender publish again, to this service, what it committed since a moment."""

    def __init__(
        self,
        settings: ServiceSettings,
        make_uow: Callable[[], UnitOfWork],
        *,
        ask: Callable[[str, datetime], Awaitable[None]],
        emptied_at: Callable[[], datetime | None],
        on_mended: Callable[[], None] = lambda: None,
        management: Management | None = None,
    ) -> None:
        """`ask` raises Unavailable when the sender did not take the wish; `emptied_at` says when our queue was last seen empty."""
        self._settings = settings
        self._service = settings.service
        self._make_uow = make_uow
        self._ask = ask
        self._emptied_at = emptied_at
        self._on_mended = on_mended
        self._management = management or Management(settings)
        self._senders = sorted({published.owner() for published in catalogue.consumed_by(self._service)})
        self._whole_until: datetime | None = None
        """Everything routed before this moment reached us: then nothing was missing and nothing lay in the queue."""

    async def run(self) -> None:
        """Until cancelled. What cannot be seen or done now is tried again at the next look."""
        trouble = ""
        while True:
            try:
                await self.look()
                trouble = ""
            except (TopologyUnknown, BrokerLost, Unavailable) as error:
                if trouble != (trouble := type(error).__name__):
                    log.warning("topology not checked", error=str(error))
            except Exception as error:
                if not is_connection_failure(error):
                    raise
                log.warning("topology not checked", error=str(error))
            await asyncio.sleep(self._settings.topology_check_s)

    async def look(self) -> set[str]:
        """One look; mends and asks when need be. Returns what was missing. Raises TopologyUnknown, BrokerLost or Unavailable."""
        await self._settle()
        begun = datetime.now(UTC)
        gone = await missing(self._management, self._service)
        if not gone:
            TOPOLOGY_CHECKED.set_to_current_time()
            if (emptied := self._emptied_at()) is not None:
                self._whole_until = min(begun, emptied)
            return gone
        since = await self._lost_since()
        await self._note(gone, since)
        await self._declare()
        for what in sorted(gone):
            TOPOLOGY_MENDED.labels(what).inc()
        log.warning("topology mended", missing=sorted(gone), published_again_since=since.isoformat())
        self._on_mended()
        await self._settle()
        return gone

    @property
    def _subject(self) -> str:
        return f"queue:{inbox_queue(self._service)}"

    async def _lost_since(self) -> datetime:
        """No message that was lost was committed before this.

        Those received lately say how old messages are when they are published: after the broker was away, as old as that lasted.
        """
        async with self._make_uow() as uow:
            newest = (await uow.connection.execute(select(func.max(inbox.c.received_at)))).scalar_one()
            # A process that just started has seen nothing yet; what came last was routed, so the queue was whole until then.
            whole_until = self._whole_until or newest or uow.now
            oldest = (
                await uow.connection.execute(
                    select(func.min(inbox.c.occurred_at)).where(inbox.c.received_at >= whole_until - MARGIN)
                )
            ).scalar_one()
        since: datetime = min(whole_until, oldest) if oldest else whole_until
        return since - MARGIN

    async def _declare(self) -> None:
        try:
            async with (
                asyncio.timeout(MEND_TIMEOUT_S),
                connect(self._settings, name=f"{self._service} guard") as connection,
            ):
                await declare_service(await connection.channel(), self._service)
        except (aio_pika.exceptions.AMQPError, OSError, TimeoutError) as error:
            raise BrokerLost(str(error) or type(error).__name__) from error

    async def _note(self, gone: set[str], since: datetime) -> None:
        """First the note, then the mending: another process, or this one after a crash, finds all in order and the note open."""
        async with self._make_uow() as uow:
            if any(noted <= since for noted in (await self._open_notes(uow)).values()):
                return
            details = {"missing": sorted(gone), "since": since.isoformat()}
            await uow.audit(actor=f"service:{self._service}", action=MISSED, subject=self._subject, details=details)
            await uow.commit()

    async def _open_notes(self, uow: UnitOfWork) -> dict[int, datetime]:
        """Since when messages are lost, by the note's id. By id, not by what came before: another process may write one meanwhile."""
        rows = await uow.connection.execute(
            select(audit_log.c.id, audit_log.c.action, audit_log.c.details).where(
                audit_log.c.subject == self._subject, audit_log.c.action.in_((MISSED, SETTLED))
            )
        )
        notes: dict[int, datetime] = {}
        settled: set[int] = set()
        for row in rows:
            if row.action == MISSED:
                notes[row.id] = datetime.fromisoformat(row.details["since"])
            else:
                settled.update(row.details["notes"])
        return {note: since for note, since in notes.items() if note not in settled}

    async def _settle(self) -> None:
        """Asks every sender for what the open notes say was lost, then settles them. Raises Unavailable; the notes stay open then."""
        async with self._make_uow() as uow:
            notes = await self._open_notes(uow)
        if not notes or await missing(self._management, self._service):
            # Sent again before it is mended, it would be lost again.
            return
        since = min(notes.values())
        for sender in self._senders:
            await self._ask(sender, since)
        async with self._make_uow() as uow:
            details = {"notes": sorted(notes), "since": since.isoformat(), "asked": self._senders}
            await uow.audit(actor=f"service:{self._service}", action=SETTLED, subject=self._subject, details=details)
            await uow.commit()
        log.info("what was lost is published again", since=since.isoformat(), senders=self._senders)

    async def close(self) -> None:
        """Closes the connections."""
        await self._management.close()
