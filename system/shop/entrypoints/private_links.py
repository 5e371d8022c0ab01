"""Links by which somebody without a session follows an order: whoever holds the link was given it."""

from __future__ import annotations

import base64
import binascii
import hmac
import secrets
from uuid import UUID

from pydantic import SecretStr

PURPOSE = b"alexandrite shop: links to follow an order"
ID_BYTES = 16
SEAL_BYTES = 16


class PrivateLinks:
    """Makes and reads tokens: an order's id with a seal of 128 bits (HMAC-SHA-256), made with a key of this purpose alone."""

    def __init__(self, signing_key: SecretStr) -> None:
        # A process without a key of its own seals what no other accepts.
        secret = signing_key.get_secret_value().encode() or secrets.token_bytes(32)
        self._key = hmac.digest(secret, PURPOSE, "sha256")

    def token_of(self, order_id: UUID) -> str:
        """The token of an order, always the same one."""
        return base64.urlsafe_b64encode(order_id.bytes + self._seal(order_id)).decode().rstrip("=")

    def order_in(self, token: str) -> UUID | None:
        """The order whose token this is; None for any other text."""
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        if len(raw) != ID_BYTES + SEAL_BYTES:
            return None
        order_id = UUID(bytes=raw[:ID_BYTES])
        return order_id if hmac.compare_digest(raw[ID_BYTES:], self._seal(order_id)) else None

    def _seal(self, order_id: UUID) -> bytes:
        return hmac.digest(self._key, order_id.bytes, "sha256")[:SEAL_BYTES]
