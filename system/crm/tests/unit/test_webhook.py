"""Which webhooks are believed."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime, timedelta

import pytest

from system.crm.domain.errors import WebhookNotTrusted
from system.crm.domain.webhook import SignedWebhook, check, secret_bytes, signature

# The worked example of the Standard Webhooks specification's reference libraries.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
TIMESTAMP = "1614265330"
BODY = b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
SENT_AT = datetime.fromtimestamp(int(TIMESTAMP), UTC)


def accept(*, now: datetime = SENT_AT, secret: str = SECRET, **changes: object) -> None:
    values: dict[str, object] = {"id": ID, "timestamp": TIMESTAMP, "signatures": SIGNATURE, "body": BODY} | changes
    check(SignedWebhook(**values), key=secret_bytes(secret), now=now, tolerance_s=300)  # type: ignore[arg-type]


def test_the_published_example_is_accepted() -> None:
    assert signature(secret_bytes(SECRET), webhook_id=ID, timestamp=TIMESTAMP, body=BODY) == SIGNATURE
    accept()


@pytest.mark.parametrize(
    "changes",
    [
        {"body": b'{"test": 2432232315}'},
        {"id": "msg_other"},
        {"timestamp": str(int(TIMESTAMP) + 1)},
        {"signatures": ""},
        {"signatures": "v1,"},
        {"signatures": "v1,bm90IGl0"},
        {"signatures": "v1,not base64!"},
        {"signatures": SIGNATURE.replace("v1,", "v1a,")},
        {"signatures": SIGNATURE.removeprefix("v1,")},
        {"id": ""},
        {"id": "x" * 201},
        {"timestamp": ""},
        {"timestamp": "-1614265330"},
        {"timestamp": "1e9"},
        {"timestamp": "9" * 400},
        {"secret": "whsec_" + base64.b64encode(b"another secret").decode()},
    ],
)
def test_anything_else_is_not(changes: dict[str, str]) -> None:
    with pytest.raises(WebhookNotTrusted):
        accept(**changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("away_s", [-301, 301])
def test_a_replay_outside_the_window_is_refused(away_s: int) -> None:
    with pytest.raises(WebhookNotTrusted, match="300 seconds"):
        accept(now=SENT_AT + timedelta(seconds=away_s))


@pytest.mark.parametrize("away_s", [-300, 300])
def test_the_window_includes_its_ends(away_s: int) -> None:
    accept(now=SENT_AT + timedelta(seconds=away_s))


def test_one_fitting_signature_of_several_is_enough() -> None:
    accept(signatures=f"v1,bm90IGl0 v2,whatever {SIGNATURE}")


def test_a_secret_without_the_prefix_is_its_text() -> None:
    assert secret_bytes("plain text") == b"plain text"
    with pytest.raises(ValueError, match="not set"):
        secret_bytes("")
    with pytest.raises(binascii.Error):
        secret_bytes("whsec_###")
