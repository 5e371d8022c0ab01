"""Bodies of returns and complaints in CRM's API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from system.crm.domain.case import CaseKind, CaseReason, CaseState

Said = Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)]


class AnswerBody(BaseModel):
    """What the customer reads. It may be left out where the decision says enough: accepting a return, and closing."""

    model_config = ConfigDict(extra="forbid")

    text: Said = ""
    seen_version: int | None = Field(None, ge=0, description="refuses a decision on what changed since you read it")


class CaseStepView(BaseModel):
    """One thing that was done about it."""

    state: CaseState
    side: Literal["seller", "customer"]
    by: str
    at: datetime
    text: str


class CaseView(BaseModel):
    """A return or a complaint. No `line_ids`: the whole order. `due_at` while it waits for us; `return_to` once a return is
    accepted."""

    case_id: UUID
    order_id: UUID
    kind: CaseKind
    reason: CaseReason
    line_ids: list[UUID]
    state: CaseState
    opened_at: datetime
    due_at: datetime | None
    version: int
    allowed_actions: list[Literal["acceptance", "refusal", "question", "closure"]]
    return_to: str | None
    steps: list[CaseStepView]


class ListedCase(CaseView):
    """A case among others, with whose it is."""

    order_number: str | None
    customer_name: str | None


class CasePage(BaseModel):
    """One page of returns and complaints."""

    items: list[ListedCase]
    next: str | None
