"""A person's data leaves: the part that all services have in common.

Identity drives it (system/identity/application/erasures.py) and asks each service by `POST /internal/people/{user_id}/erasure` with a
Reach; it answers with what it did as an Erased. Asked again it does what is left, which usually is nothing.
Here is what plumbing itself keeps: stored messages, dead letters, answers to repeated requests, and the words of the audit log.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, Self, TypeVar, cast
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Column, ColumnElement, delete, func, literal, literal_column, or_, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import Text

from system.messages.personal import without_person
from system.plumbing.schema import dead_letter, idempotency_key, inbox, outbox
from system.plumbing.unit_of_work import UnitOfWork

BY = "identity"
"""In whose name a person is forgotten, as audit logs have it."""

AUDIT_FORGETS = """
CREATE FUNCTION audit_forgets(words text[]) RETURNS bigint
    LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    -- Nobody edits the log; only what people wrote in an order's or a person's lines can be taken out of it, by this and nothing else.
    WITH emptied AS (
        UPDATE audit_log SET details = details - ARRAY['reason', 'amended', 'text']
        WHERE details ?| ARRAY['reason', 'amended', 'text']
          AND (subject = ANY (words) OR (details ? 'amended' AND EXISTS (
              SELECT FROM unnest(words) AS word WHERE position(word IN CAST(details AS text)) > 0)))
        RETURNING id
    )
    SELECT count(*) FROM emptied
$$;
REVOKE EXECUTE ON FUNCTION audit_forgets(text[]) FROM PUBLIC;
"""
"""For a migration of each service that keeps messages about customers."""

_NAMED_WITHIN = """EXISTS (
    SELECT FROM unnest(CAST(:words AS text[])) AS word WHERE position(convert_to(word, 'UTF8') IN body) > 0
)"""


Held = TypeVar("Held", covariant=True)


class Forgetting(Protocol):
    """What every service takes a person out of, beside what it alone holds of them."""

    async def forget_in_messages(self, person: UUID, order_ids: Sequence[UUID]) -> int:
        """Takes them out of stored messages, kept answers and the audit log; how many rows."""

    async def note(self, person: UUID, counts: dict[str, int]) -> None:
        """Writes into the audit log that they were forgotten."""


class PeopleUnitOfWork(Protocol[Held]):
    """An open transaction over what belongs to people."""

    @property
    def people(self) -> Held:
        """What the service holds of people."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *exc: Any) -> bool | None: ...

    async def lock(self, *subjects: UUID | str) -> None:
        """Waits until nobody else works on these; held until the end."""

    async def commit(self) -> Any:
        """Makes it all durable."""


class Reach(BaseModel):
    """What the person had: the orders that are accounted for, and the models that those were made from. Other models are deleted."""

    model_config = ConfigDict(extra="ignore")

    order_ids: list[UUID] = Field(default_factory=list)
    model_ids: list[UUID] = Field(default_factory=list)


class Erased(Reach):
    """What a service did. `remaining` counts what it could not do in one go: it wants to be asked again."""

    counts: dict[str, int] = Field(default_factory=dict)
    remaining: int = 0


async def forget_in_plumbing(uow: UnitOfWork, *, person: UUID, order_ids: Sequence[UUID]) -> int:
    """Takes the person out of this service's messages, kept answers, dead letters and audit log, in `uow`; how many rows changed.

    Messages keep their ids and places in the sequence, so that nothing waits for one that is gone. The caller commits.
    """
    words = [str(person), *(str(order_id) for order_id in order_ids)]
    changed = await _forget_in_outbox(uow, words)
    changed += await _forget_in_inbox(uow, words)
    changed += await _forget_rows(uow, words)
    changed += int(await uow.connection.scalar(select(func.audit_forgets(_texts(words)))) or 0)
    return changed


def is_engraved(extras: Column[Any]) -> ColumnElement[bool]:
    """Whether the extras in this column (ExtrasV1, as JSON) hold the words of an engraving."""
    return cast(ColumnElement[bool], extras["engraving"]["text"].astext.is_not(None))


def without_engraved_words(extras: Column[Any]) -> ColumnElement[Any]:
    """The extras of the same shape, without the words."""
    return func.jsonb_set(extras, _texts(["engraving", "text"]), literal_column("'null'::jsonb"))


async def note_erasure(uow: UnitOfWork, *, person: UUID, counts: dict[str, int]) -> None:
    """Writes into the audit log that somebody was forgotten, and how much of them; once there is nothing left, no more."""
    if any(counts.values()):
        await uow.audit(actor=BY, action="person-forgotten", subject=str(person), details=counts)


async def _forget_in_outbox(uow: UnitOfWork, subjects: Sequence[str]) -> int:
    wanted = select(outbox.c.id, outbox.c.type, outbox.c.data).where(
        outbox.c.source == uow.source, outbox.c.subject.in_(subjects)
    )
    changed = 0
    for row in (await uow.connection.execute(wanted)).all():
        scrubbed = without_person(row.type, row.data)
        if scrubbed != row.data:
            await uow.connection.execute(
                update(outbox).where(outbox.c.id == row.id).values(data=scrubbed, last_error=None)
            )
            changed += 1
    return changed


async def _forget_in_inbox(uow: UnitOfWork, subjects: Sequence[str]) -> int:
    """Those with a body: set aside, waiting or refused. They can still be replayed, and then say nothing of anybody."""
    wanted = select(inbox.c.event_id, inbox.c.type, inbox.c.envelope).where(
        inbox.c.subject.in_(subjects), inbox.c.envelope.is_not(None)
    )
    changed = 0
    for row in (await uow.connection.execute(wanted)).all():
        envelope: dict[str, Any] | None = row.envelope
        if not envelope:
            continue
        scrubbed = envelope | {"data": without_person(row.type, envelope["data"])}
        if scrubbed != envelope:
            await uow.connection.execute(
                update(inbox).where(inbox.c.event_id == row.event_id).values(envelope=scrubbed, last_error=None)
            )
            changed += 1
    return changed


async def _forget_rows(uow: UnitOfWork, words: Sequence[str]) -> int:
    """Dead letters cannot be read, so they are not scrubbed but deleted; so are kept answers about the person or an order."""
    named = text(_NAMED_WITHIN).bindparams(words=list(words))
    letters = await uow.connection.execute(delete(dead_letter).where(or_(dead_letter.c.subject.in_(words), named)))
    asked = idempotency_key.c.scope.like(func.any(_texts([f"%{word}%" for word in words])))
    answers = await uow.connection.execute(delete(idempotency_key).where(asked))
    return letters.rowcount + answers.rowcount


def _texts(words: Sequence[str]) -> Any:
    return literal(list(words), ARRAY(Text))
