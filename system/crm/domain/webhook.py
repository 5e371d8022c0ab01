"""Whether a webhook is from who it says, and from now: the symmetric scheme of Standard Webhooks (HMAC-SHA256, version v1)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime

from system.crm.domain.errors import WebhookNotTrusted

SECRET_PREFIX = "whsec_"  # noqa: S105 - how a secret begins, not one
ID_CHARACTERS_MAX = 200


@dataclass(frozen=True, slots=True)
class SignedWebhook:
    """What arrived: the three headers as they were sent, and the body's exact bytes."""

    id: str
    timestamp: str
    signatures: str
    body: bytes


def secret_bytes(secret: str) -> bytes:
    """The key of a secret: decoded base64 after the prefix `whsec_`, else the text itself. Raises ValueError when it is empty."""
    if not secret:
        raise ValueError("the carriers' secret is not set")
    if secret.startswith(SECRET_PREFIX):
        return base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    return secret.encode()


def signature(key: bytes, *, webhook_id: str, timestamp: str, body: bytes) -> str:
    """`v1,` and the base64 of the HMAC over id.timestamp.body."""
    digest = hmac.new(key, f"{webhook_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def check(webhook: SignedWebhook, *, key: bytes, now: datetime, tolerance_s: int) -> None:
    """Raises WebhookNotTrusted for a missing id, a time further than `tolerance_s` from now either way, or no fitting signature.

    Several signatures, separated by spaces, are tried: a sender that changes its secret signs with both."""
    if not webhook.id or len(webhook.id) > ID_CHARACTERS_MAX:
        raise WebhookNotTrusted("The header webhook-id is missing or too long.")
    if not webhook.timestamp.isascii() or not webhook.timestamp.isdigit() or len(webhook.timestamp) > 12:
        raise WebhookNotTrusted("The header webhook-timestamp is not a number of seconds since 1970.")
    if abs(now.timestamp() - int(webhook.timestamp)) > tolerance_s:
        raise WebhookNotTrusted(f"The message was not sent within the last {tolerance_s} seconds.")
    expected = signature(key, webhook_id=webhook.id, timestamp=webhook.timestamp, body=webhook.body).partition(",")[2]
    for candidate in webhook.signatures.split():
        version, _, given = candidate.partition(",")
        if version == "v1" and _same(expected, given):
            return
    raise WebhookNotTrusted("No signature in webhook-signature fits this message.")


def _same(expected: str, given: str) -> bool:
    try:
        decoded = base64.b64decode(given, validate=True)
    except (binascii.Error, ValueError):
        return False
    return hmac.compare_digest(base64.b64decode(expected), decoded)
