"""The carrier: reports deliveries by a signed webhook (Standard Webhooks)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from step_defs.drivers.http import Reply
from step_defs.dsl.order import Order

if TYPE_CHECKING:
    from step_defs.dsl.world import World


class Carrier:
    """Whoever delivers our parcels. Has no account: its signature is its proof."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.last: tuple[str, str, str] | None = None

    def delivers(self, order: Order) -> None:
        """Reports every parcel of the order as delivered."""
        assert order.parcels, f"no parcel of {order.number} was handed over"
        for carrier, tracking_number in order.parcels:
            self.reports(carrier, tracking_number)

    def reports(self, carrier: str, tracking_number: str) -> Reply:
        """Reports one delivery in a new message."""
        body = json.dumps(
            {
                "carrier": carrier,
                "tracking_number": tracking_number,
                "event": "delivered",
                "occurred_at": datetime.now(UTC).isoformat(),
            }
        )
        message_id, timestamp = f"msg_{uuid.uuid4().hex}", str(int(time.time()))
        self.last = (message_id, timestamp, body)
        return self._send(message_id, timestamp, body, secret=self.world.backstage.address.carrier_secret)

    def repeats(self) -> Reply:
        """Sends the last message again, as it was."""
        assert self.last is not None, "the carrier has reported nothing yet"
        return self._send(*self.last, secret=self.world.backstage.address.carrier_secret)

    def is_impersonated(self, order: Order) -> Reply:
        """Somebody who does not know the secret reports the delivery. Raises Refusal."""
        carrier, tracking_number = order.parcels[0]
        body = json.dumps(
            {
                "carrier": carrier,
                "tracking_number": tracking_number,
                "event": "delivered",
                "occurred_at": datetime.now(UTC).isoformat(),
            }
        )
        return self._send(f"msg_{uuid.uuid4().hex}", str(int(time.time())), body, secret=uuid.uuid4().hex)

    def _send(self, message_id: str, timestamp: str, body: str, *, secret: str) -> Reply:
        return self.world.stranger.ask(
            "POST",
            "/api/crm/v1/carrier-events",
            content=body.encode(),
            headers={
                "content-type": "application/json",
                "webhook-id": message_id,
                "webhook-timestamp": timestamp,
                "webhook-signature": f"v1,{signature(secret, message_id, timestamp, body)}",
            },
        )


def signature(secret: str, message_id: str, timestamp: str, body: str) -> str:
    """The `v1` signature of Standard Webhooks: HMAC-SHA256 over `id.timestamp.body`, base64.

    A secret written as `whsec_<base64>` is decoded; any other is used byte for byte.
    """
    key = base64.b64decode(secret.removeprefix("whsec_")) if secret.startswith("whsec_") else secret.encode()
    signed = f"{message_id}.{timestamp}.{body}".encode()
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
