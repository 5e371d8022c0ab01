"""What CRM asks of the shop's letters by e-mail, and what it has to tell the customer. The gateway never leads here."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, cast
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict

from system.plumbing.auth import Principal, require
from system.plumbing.mail.box import KeptNotices
from system.plumbing.mail.notice import KeptNotice
from system.shop.application.notices import tell_of_question
from system.shop.domain.errors import OrderNotFound
from system.shop.entrypoints.api import Shop

Sellers = Annotated[Principal, require("service:crm")]
internal = APIRouter(prefix="/internal")


class NoticeView(BaseModel):
    """A letter that we wrote to the customer: about what, when, and what became of it. `said` is the mail server's word."""

    kind: str
    state: Literal["waiting", "sent", "refused", "given_up", "withdrawn"]
    written_at: datetime
    settled_at: datetime | None = None
    said: str | None = None

    @classmethod
    def of(cls, kept: KeptNotice) -> NoticeView:
        """The view of a kept notice; neither its address nor its words."""
        return cls(
            kind=kept.notice.kind,
            state=kept.state.value,
            written_at=kept.created_at,
            settled_at=kept.settled_at,
            said=kept.said,
        )


class NoticesView(BaseModel):
    """All of them about one order, the oldest first."""

    items: list[NoticeView]


class NewsBody(BaseModel):
    """A seller wrote this letter to the customer."""

    model_config = ConfigDict(extra="forbid")

    letter_id: UUID


class NewsAnswer(BaseModel):
    """Whether a letter by e-mail follows; not when one did for the same letter, or when nobody reads ours."""

    posted: bool


@internal.get("/orders/{order_id}/notices")
async def list_notices(order_id: UUID, who: Sellers, request: Request) -> NoticesView:
    """The letters by e-mail about an order; none for one that is not known here."""
    kept = cast(KeptNotices, request.app.state.notices)
    return NoticesView(items=[NoticeView.of(each) for each in await kept.of(order_id)])


@internal.post("/orders/{order_id}/news")
async def tell_news(order_id: UUID, body: NewsBody, who: Sellers, shop: Shop) -> NewsAnswer:
    """Has the customer told that a seller wrote to them. The same letter again tells nothing. 404 `order-not-found`."""
    async with shop.tools.begin() as uow:
        if await uow.orders.get(order_id) is None:
            raise OrderNotFound(order_id)
        posted = await tell_of_question(order_id, body.letter_id, uow)
        await uow.commit()
    return NewsAnswer(posted=posted)
