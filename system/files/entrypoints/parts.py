"""Uploads in parts over HTTP: where each part is put, and which have arrived. They begin and end as every upload (api.py)."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter

from system.files.application import handlers
from system.files.application.commands import AddressParts
from system.files.entrypoints.api import HandlerTools, Owner
from system.files.entrypoints.schemas import PartAddresses, PartAddressView, PartNumbers, PartsView

router = APIRouter()


@router.post("/uploads/{file_id}/parts")
async def address_parts(file_id: UUID, body: PartNumbers, who: Owner, tools: HandlerTools) -> PartAddresses:
    """Gives the addresses of some parts, each of which is PUT straight to the storage. One that arrived may be sent anew.

    404 `upload-unknown`; 409 `not-in-parts`, `upload-settled`, `upload-expired`; 422 `part-unknown`.
    """
    command = AddressParts(file_id=file_id, owner_id=who.subject, numbers=tuple(dict.fromkeys(body.numbers)))
    addresses = await handlers.address_parts(command, tools)
    return PartAddresses(
        items=[PartAddressView(number=each.number, size_bytes=each.size_bytes, url=each.url) for each in addresses]
    )


@router.get("/uploads/{file_id}/parts")
async def show_parts(file_id: UUID, who: Owner, tools: HandlerTools) -> PartsView:
    """How far an upload in parts is: whoever was interrupted sends what is missing. 404 `upload-unknown`; 409 `not-in-parts`."""
    return PartsView.of(*await handlers.arrived_parts(file_id, who.subject, tools))
