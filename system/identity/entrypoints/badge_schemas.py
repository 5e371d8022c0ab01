"""What goes over HTTP about workstations, badges and PINs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints

from system.identity.adapters.queries import BadgeState
from system.identity.application.workstations import Issued, OneTimeCode
from system.identity.domain.workstation import Workstation
from system.identity.entrypoints.schemas import Body

_NO_CONTROL_CHARACTERS = r"^[^\x00-\x1f\x7f]*$"
WorkstationName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=60, pattern=_NO_CONTROL_CHARACTERS)
]
# What was typed is judged by the domain, which says what is wrong in words for people; here it is only kept short.
Typed = Annotated[str, StringConstraints(max_length=40)]


class WorkstationBody(Body):
    """A name for the workstation that the asking browser becomes."""

    name: WorkstationName = Field(examples=["Bench 3"])


class WorkstationView(BaseModel):
    """A workstation as administrators see it."""

    workstation_id: UUID
    name: str
    registered_at: datetime
    registered_by: str
    last_seen_at: datetime

    @classmethod
    def of(cls, workstation: Workstation) -> Self:
        """The view of a workstation; its secret stays inside."""
        return cls(
            workstation_id=workstation.workstation_id,
            name=workstation.name,
            registered_at=workstation.registered_at,
            registered_by=workstation.registered_by,
            last_seen_at=workstation.last_seen_at,
        )


class WorkstationList(BaseModel):
    """All workstations, by name."""

    items: list[WorkstationView]


class BadgeBody(Body):
    """The badge that the new one replaces: the id of the one that the person has, none when there is none."""

    replaces: UUID | None = None


class OneTimeCodeView(BaseModel):
    """What lets somebody choose a PIN, once and until then. It is never shown again."""

    one_time_code: str
    until: datetime

    @classmethod
    def of(cls, given: OneTimeCode) -> Self:
        """The view of a code that was given now."""
        return cls(one_time_code=given.code, until=given.until)


class IssuedView(BaseModel):
    """A new badge. Its code is never shown again; `first_use` is for somebody who has no PIN yet."""

    badge_id: UUID
    code: str
    first_use: OneTimeCodeView | None

    @classmethod
    def of(cls, issued: Issued) -> Self:
        """The view of a badge that was issued now."""
        first_use = OneTimeCodeView.of(issued.one_time) if issued.one_time else None
        return cls(badge_id=issued.badge.badge_id, code=issued.code, first_use=first_use)


class BadgeView(BaseModel):
    """How it is with somebody's badge and PIN."""

    badge_id: UUID | None
    issued_at: datetime | None
    issued_by: str | None
    last_used_at: datetime | None
    has_pin: bool
    one_time_until: datetime | None
    locked_at: datetime | None

    @classmethod
    def of(cls, state: BadgeState) -> Self:
        """The view of a state; digests and hashes stay inside."""
        return cls(
            badge_id=state.badge_id,
            issued_at=state.issued_at,
            issued_by=state.issued_by,
            last_used_at=state.last_used_at,
            has_pin=state.has_pin,
            one_time_until=state.one_time_until,
            locked_at=state.locked_at,
        )


class PinBody(Body):
    """The PIN that somebody chooses."""

    pin: Typed = Field(examples=["4096"])


class BadgeSessionBody(Body):
    """A sign-in by badge: what the scanner read, and the PIN."""

    code: Typed
    pin: Typed


class FirstBadgeSessionBody(BadgeSessionBody):
    """The first sign-in by badge: the administrator's one-time code as well; `pin` is the one that is chosen now."""

    one_time_code: Typed
