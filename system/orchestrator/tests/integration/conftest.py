"""The orchestrator over a real database, and messages handed to its consumer as the broker would."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert

from system.kernel.ids import BUCKET_COUNT, bucket_of, new_id
from system.messages.envelope import Envelope, Message
from system.orchestrator.main import service
from system.orchestrator.settings import OrchestratorSettings
from system.plumbing.consumer import Consumer, Delivery, decode
from system.plumbing.runtime import Service
from system.plumbing.schema import inbox


class AllBuckets:
    """A lease on every bucket: this process is alone."""

    def held(self) -> frozenset[int]:
        return frozenset(range(BUCKET_COUNT))


class Post:
    """Delivers messages to the consumer, numbering them per source and order like the senders' outboxes do."""

    def __init__(self, built: Service, settings: OrchestratorSettings) -> None:
        self.service = built
        leases: Any = AllBuckets()
        self.consumer = Consumer(settings, built.make_uow, built.reactions, leases, gated=True)
        self._sequences: dict[tuple[str, UUID], int] = {}

    def envelope(self, message: Message, *, sequence: int | None = None) -> Envelope:
        key = (message.owner(), message.order_id)
        if sequence is None:
            sequence = self._sequences[key] = self._sequences.get(key, 0) + 1
        return Envelope(
            id=new_id(),
            source=message.owner(),
            type=message.TYPE,
            subject=str(message.order_id),
            time=datetime.now(UTC),
            sequence=sequence,
            data=message.model_dump(mode="json"),
        )

    async def delivers(self, *messages: Message | Envelope) -> None:
        """Hands them over one after another, as received; the consumer works until nothing is due."""
        for message in messages:
            await self._receive(message if isinstance(message, Envelope) else self.envelope(message))
            while await self.consumer.work_due():
                pass

    async def delivers_at_once(self, *messages: Message | Envelope) -> None:
        """Hands them over as one batch, as the broker does when it was away; what had to wait for others follows."""
        envelopes = [message if isinstance(message, Envelope) else self.envelope(message) for message in messages]
        await self.consumer._take_lane(self.as_delivered(envelopes))
        while await self.consumer.work_due():
            pass

    def as_delivered(self, envelopes: Iterable[Envelope]) -> list[Delivery]:
        """As the consumer decodes them from the broker."""
        return [Delivery(*decode(envelope.to_json(), self.service.reactions)) for envelope in envelopes]

    async def _receive(self, envelope: Envelope) -> None:
        async with self.service.make_uow() as uow:
            await uow.connection.execute(
                insert(inbox).values(
                    event_id=envelope.id,
                    source=envelope.source,
                    type=envelope.type,
                    subject=envelope.subject,
                    sequence=envelope.sequence,
                    bucket=bucket_of(envelope.subject),
                    state="waiting",
                    envelope=envelope.model_dump(mode="json"),
                    occurred_at=envelope.time,
                )
            )
            await uow.commit()


@pytest.fixture(scope="session")
def database(fresh_database: Callable[[str], None]) -> None:
    """The orchestrator's own database, made anew by its migration."""
    fresh_database("orchestrator")


@pytest.fixture
def settings(infrastructure: Any, database: None) -> OrchestratorSettings:
    """Settings of a process on this machine; it looks for overdue steps at once and waits for no second look."""
    made: OrchestratorSettings = infrastructure.settings_of(
        "orchestrator", OrchestratorSettings, reconciliation_grace_s=0, step_retries=1
    )
    return made


@pytest.fixture
async def built(settings: OrchestratorSettings) -> AsyncIterator[Service]:
    """The service, wired as in production, without its background tasks."""
    made = service(settings)
    yield made
    await made.close()


@pytest.fixture
async def post(built: Service, settings: OrchestratorSettings) -> Post:
    """The post office."""
    return Post(built, settings)
