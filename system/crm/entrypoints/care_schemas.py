"""Bodies of what sellers keep in mind, and of customers, in CRM's API."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from system.crm.entrypoints.schemas import LetterView, MoneyView, OrderSummary, Words

ReminderText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class TakingBody(BaseModel):
    """Whom the seller relieves, when somebody looks after the order already."""

    model_config = ConfigDict(extra="forbid")

    instead_of: UUID | None = Field(None, description="the colleague who has it; without, only a free order is taken")


class NoteBody(BaseModel):
    """A note, or the correction of one."""

    model_config = ConfigDict(extra="forbid")

    text: Words
    corrects: UUID | None = Field(None, description="the note that this one corrects")


class ReminderBody(BaseModel):
    """A reminder for oneself or a colleague."""

    model_config = ConfigDict(extra="forbid")

    text: ReminderText
    due_at: AwareDatetime
    for_id: UUID | None = Field(None, description="a colleague; without: oneself")


class PutOffBody(BaseModel):
    """Until when."""

    model_config = ConfigDict(extra="forbid")

    due_at: AwareDatetime
    seen_version: int | None = Field(None, ge=0, description="refuses to put off what was put off since you read it")


class PersonView(BaseModel):
    """Somebody who looks after orders."""

    id: UUID
    name: str


class ColleaguesView(BaseModel):
    """Whom CRM has met, by name."""

    items: list[PersonView]


class _About(BaseModel):
    order_id: UUID | None
    customer_id: UUID | None


class NoteView(_About):
    """A note. `corrects` names the note that it corrects."""

    note_id: UUID
    author: PersonView
    text: str
    at: datetime
    corrects: UUID | None


class ListedNote(NoteView):
    """A note among others; `corrected`: another one corrects it."""

    corrected: bool
    order_number: str | None


class NotesView(BaseModel):
    """The newest notes, the newest first."""

    items: list[ListedNote]


class ReminderView(_About):
    """A reminder. For nobody by name: for any one of the administrators; made by nobody: by the system."""

    reminder_id: UUID
    text: str
    due_at: datetime
    state: Literal["due", "later", "done"]
    for_whom: PersonView | None
    made_by: PersonView | None
    made_at: datetime
    version: int
    done_by: PersonView | None
    done_at: datetime | None


class ListedReminder(ReminderView):
    """A reminder among others, with what it is about in words."""

    order_number: str | None
    customer_name: str | None


class RemindersView(BaseModel):
    """One page of reminders."""

    items: list[ListedReminder]
    next: str | None


class OpenRemindersView(BaseModel):
    """The reminders about one order or customer that are not done."""

    items: list[ListedReminder]


class LastOrder(BaseModel):
    """A customer's newest order."""

    order_id: UUID
    number: str
    status: str
    at: datetime


class CustomerLine(BaseModel):
    """A customer, as their newest order has them."""

    customer_id: UUID
    name: str
    email: str
    phone: str | None
    language: str | None
    channel: str | None
    last_order: LastOrder


class CustomersPage(BaseModel):
    """One page of customers, whoever ordered last first."""

    items: list[CustomerLine]
    next: str | None


class LetterOfOrder(LetterView):
    """A letter with the order that it is about."""

    order_id: UUID
    order_number: str


class CustomerDetails(CustomerLine):
    """Everything about a customer but the pages of their orders. `totals`: of what was not taken back, by currency."""

    orders: int
    by_status: dict[str, int]
    totals: list[MoneyView]
    customer_since: datetime
    open: list[OrderSummary]
    letters: list[LetterOfOrder]
    notes: list[ListedNote]
    reminders: list[ListedReminder]
