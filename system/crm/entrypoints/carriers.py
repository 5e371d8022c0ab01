"""What carriers tell us, as Standard Webhooks: the route is public, and the signature decides."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, cast

from fastapi import APIRouter, Depends, Request, Response
from pydantic import ValidationError

from system.crm.application import handlers
from system.crm.application.commands import ReceiveCarrierEvent
from system.crm.application.ports import CrmUnitOfWork
from system.crm.domain import webhook
from system.crm.domain.parcel import CarrierEvent
from system.crm.entrypoints.schemas import CarrierEventAnswer, CarrierEventBody
from system.crm.settings import CrmSettings
from system.kernel.errors import Invalid
from system.plumbing.auth import public
from system.plumbing.web import to_response

router = APIRouter()
_HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")
_OPENAPI = {
    "parameters": [{"name": name, "in": "header", "required": True, "schema": {"type": "string"}} for name in _HEADERS],
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": CarrierEventBody.model_json_schema()}},
    },
}


async def signed_webhook(request: Request) -> webhook.SignedWebhook:
    """The webhook as it was sent, once its signature and time are proven. Raises WebhookNotTrusted."""
    settings = cast(CrmSettings, request.app.state.settings)
    arrived = webhook.SignedWebhook(
        id=request.headers.get("webhook-id", ""),
        timestamp=request.headers.get("webhook-timestamp", ""),
        signatures=request.headers.get("webhook-signature", ""),
        body=await request.body(),
    )
    key = webhook.secret_bytes(settings.carrier_secret.get_secret_value())
    webhook.check(arrived, key=key, now=datetime.now(UTC), tolerance_s=settings.carrier_tolerance_s)
    return arrived


@router.post("/carrier-events", dependencies=[public], response_model=CarrierEventAnswer, openapi_extra=_OPENAPI)
async def carrier_events(
    request: Request, arrived: Annotated[webhook.SignedWebhook, Depends(signed_webhook)]
) -> Response:
    """A carrier's message about a parcel. The same webhook-id again does nothing; an unknown parcel's message is kept."""
    try:
        body = CarrierEventBody.model_validate_json(arrived.body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = "/".join(str(part) for part in first["loc"]) or "body"
        raise Invalid("carrier-event-invalid", f"{place}: {first['msg']}") from error
    event = CarrierEvent(
        webhook_id=arrived.id,
        carrier=body.carrier,
        tracking_number=body.tracking_number,
        event=body.event,
        occurred_at=body.occurred_at,
        received_at=datetime.now(UTC),
        body=body.model_dump(mode="json"),
    )
    uow = cast(CrmUnitOfWork, request.app.state.make_uow())
    return to_response(await handlers.receive_carrier_event(ReceiveCarrierEvent(event), uow))
