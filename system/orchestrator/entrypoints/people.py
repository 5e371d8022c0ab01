"""For identity alone: taking a customer out of their orders."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Request

from system.orchestrator.application.people import erase_person
from system.plumbing.auth import require
from system.plumbing.erasure import Erased, Reach

router = APIRouter(prefix="/internal/people", dependencies=[require("service:identity")])


@router.post("/{person}/erasure")
async def erase(request: Request, person: UUID, reach: Reach | None = None) -> Erased:
    """Takes the person's name and words out of their orders. Repeatable."""
    return await erase_person(person, reach or Reach(), request.app.state.make_uow)
