"""Nothing telling leaves: canaries are fed in wherever a request, an error or a message can carry them, and looked for outside."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest
import structlog
from fastapi import APIRouter, Request
from pydantic import BaseModel
from sqlalchemy.exc import IntegrityError

from system.kernel.errors import Unavailable
from system.kernel.ids import new_id
from system.plumbing import telemetry
from system.plumbing.auth import public
from system.plumbing.consumer import Undecodable, decode
from system.plumbing.mail.settings import MailSettings
from system.plumbing.mail.smtp import PostUnavailable, SmtpPost
from system.plumbing.metrics import exposition
from system.plumbing.service_client import ServiceClient
from system.plumbing.telemetry.redaction import REDACTED, is_telling, redact_text, redact_value, said_by
from system.plumbing.tests.canaries import Planted, plant
from system.plumbing.tests.spans import Collector, attribute, collecting
from system.plumbing.tests.unit.test_web import ANNA, NothingRevoked, authority, settings_of
from system.plumbing.web import make_app

JWT = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ6ZXBoeXJpbmUifQ.c2lnbmF0dXJl"
SIGNED = "http://seaweedfs:8333/models/a1?X-Amz-Credential=AKIA%2F20260101&X-Amz-Signature=0a1b2c3d4e5f"


@pytest.mark.parametrize(
    "text",
    [
        "zephyrine@wombat.example",
        "written to zephyrine.k+a@wombat.example today",
        "zephyrine%40wombat.example",
        "+79161234567",
        "call +7 (916) 123-45-67",
        "89161234567",
        "8 916 123-45-67",
        "%2B79161234567",
        JWT,
        f"cookie alexandrite_session={JWT}; path=/",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "authorization: Bearer abcdef0123456789",
        "Authorization: Basic YWxleDpzZWNyZXQ=",
        "X-Amz-Signature=0a1b2c3d4e5f",
        "password=hunter2",
        "token: 0123abcdef",
        "postgresql://shop_app:hunter2@postgres:5432/shop",
        "kXw1y2Z3a4B5c6D7e8F9g0H1i2J3k4L5m6N7o8P9q0R1",
    ],
)
def test_what_looks_like_a_person_or_a_key_is_taken_out(text: str) -> None:
    cleaned = redact_text(text)
    assert REDACTED in cleaned or "hunter2" not in cleaned
    for word in ("wombat", "916", "eyJ", "whsec_", "abcdef0123", "YWxle", "0a1b2c", "hunter2", "0123abcdef", "kXw1"):
        assert word not in cleaned


@pytest.mark.parametrize(
    "text",
    [
        "0190b3c2-8a4e-7cc1-8916-123456789012",
        "81612345-6789-7123-8161-234567890123",
        "0190b3c28a4e7cc18916123456789012",
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "SELECT a, b FROM outbox WHERE id = %(id)s AND bucket = ANY(%(buckets)s)",
        "shop.order_submitted.v1",
        "/orders/{order_id}/lines",
        "message set aside",
        "2026-11-29T21:16:45.562292Z",
        "again in 89.1 s of 1610.61",
        "A-2026-008916",
        "10450.00 RUB",
    ],
)
def test_what_we_work_with_stays(text: str) -> None:
    assert redact_text(text) == text


def test_a_url_is_shown_as_far_as_its_path() -> None:
    assert redact_text(SIGNED) == f"http://seaweedfs:8333/models/a1?{REDACTED}"
    assert redact_text("see https://shop.example/a#k=abc") == f"see https://shop.example/a?{REDACTED}"
    assert (
        redact_text("at https://shop.example/reset/zephyrine@wombat.example")
        == f"at https://shop.example/reset/{REDACTED}"
    )


@pytest.mark.parametrize(
    "key",
    ["name", "email", "user_name", "userName", "x-api-key", "http.request.header.cookie", "set-cookie", "contact_phone",
     "password", "access_token", "Authorization", "delivery.address", "client_secret", "enduser.email", "body"],
)  # fmt: skip
def test_keys_that_tell_who_or_open_doors_never_pass(key: str) -> None:
    assert is_telling(key)
    assert redact_value({key: "Zephyrine"}) == {key: REDACTED}


@pytest.mark.parametrize(
    "key",
    ["order.id", "session_id", "user_id", "db.query.text", "db.system.name", "messaging.destination.name", "service.name",
     "http.route", "http.request.method", "http.response.status_code", "elapsed_ms", "kind", "state", "quote.id", "part"],
)  # fmt: skip
def test_keys_that_say_what_happened_pass(key: str) -> None:
    assert redact_value({key: "shop"}) == {key: "shop"}


def test_values_inside_values_are_looked_at_too() -> None:
    told = redact_value(
        {"a": [{"email": "z"}, ("zephyrine@wombat.example", 3)], "b": b"zephyrine", "c": {"d": {"e": {"f": {}}}}}
    )
    assert told == {"a": [{"email": REDACTED}, [REDACTED, 3]], "b": "9 bytes", "c": {"d": {"e": {"f": REDACTED}}}}


class Form(BaseModel):
    """Something that people fill in."""

    amount: int


def _validation_error(planted: Planted) -> Exception:
    try:
        Form.model_validate({"amount": planted.words})
    except ValueError as error:
        return error
    raise AssertionError("it was taken")


def errors_about(planted: Planted) -> list[Exception]:
    """Errors that quote what somebody wrote."""
    said: list[Callable[[str], Any]] = [int, float, bytes.fromhex, UUID]
    errors: list[Exception] = [
        _validation_error(planted),
        KeyError(planted.name),
        FileNotFoundError(2, "No", planted.name),
    ]
    for reads in said:
        try:
            reads(planted.name)
        except ValueError as error:
            errors.append(error)
    errors.append(RuntimeError(f"cannot write to {planted.email} or {planted.phone}"))
    errors.append(httpx.ConnectError(f"cannot reach https://x.example/?q={planted.mark}"))
    errors.append(psycopg.errors.UniqueViolation(f"DETAIL:  Key (name)=({planted.name}) already exists."))
    errors.append(
        IntegrityError("INSERT", {"name": planted.name}, psycopg.errors.NotNullViolation(f"({planted.name})"))
    )
    return errors


def test_errors_do_not_quote(capsys: pytest.CaptureFixture[str]) -> None:
    planted = plant()
    for error in errors_about(planted):
        said = said_by(error)
        assert said
        assert planted.mark not in said, (type(error), said)
        assert planted.digits not in said


def test_an_error_text_that_a_database_wrote_is_emptied_of_its_values() -> None:
    planted = plant()
    texts = [
        f"duplicate key\nDETAIL:  Key (customer, name)=(7, {planted.name}) already exists.",
        f"DETAIL:  Failing row contains (1, {planted.name}, {planted.address}).",
        f'invalid input syntax for type integer: "{planted.name}"',
        f"[SQL: SELECT %(a)s]\n[parameters: {{'a': '{planted.name}'}}]",
        f"CONTEXT:  unnamed portal parameter $1 = '{planted.name}'",
        f"amount\n  Input should be valid [type=int, input_value='{planted.name}', input_type=str]",
    ]
    for text in texts:
        assert planted.mark not in redact_text(text), text
    assert "already exists" in redact_text(texts[0])


router = APIRouter()


@router.post("/echo/{secret}", dependencies=[public])
async def echo(request: Request, secret: str, form: Form) -> dict[str, str]:
    """Takes a form."""
    return {}


@router.post("/bug/{secret}", dependencies=[public])
async def bug(request: Request, secret: str, kind: int) -> None:
    """Fails with an error that quotes what came in."""
    planted = request.app.state.planted
    try:
        raise errors_about(planted)[kind]
    except Exception as error:
        raise ExceptionGroup("several", [error, KeyError(planted.name)]) from error


class World:
    """A process that sends what it logs and records, and everything that came out of it."""

    def __init__(self, collector: Collector, capsys: pytest.CaptureFixture[str]) -> None:
        self.collector = collector
        self.planted = plant()
        self.app = make_app(settings_of("shop"), routers=[router])
        self.app.state.planted = self.planted
        self._capsys = capsys
        self.printed = ""

    async def post(self, path: str, **more: Any) -> httpx.Response:
        transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="https://shop.example") as client:
            return await client.post(f"/api/shop/v1{path}", **more)

    async def leaks(self) -> list[str]:
        """Where a canary came out: standard output, what the collector got, the metrics."""
        telemetry.flush()
        printed = self._capsys.readouterr()
        self.printed += printed.out + printed.err
        outlets = {
            "stdout": self.printed.encode(),
            "collector": self.collector.bytes_seen,
            "metrics": await exposition(None),
        }
        words = (self.planted.mark, self.planted.digits, "AKIA", "0a1b2c3d4e5f", JWT.split(".")[1], "hunter2")
        return [f"{word} in {where}" for where, seen in outlets.items() for word in words if word.encode() in seen]


@pytest.fixture
async def world(capsys: pytest.CaptureFixture[str]) -> Any:
    """A process whose telemetry is collected."""
    with collecting() as collector:
        telemetry.configure("shop", endpoint=collector.endpoint, key="a key", level="DEBUG")
        made = World(collector, capsys)
        await made.app.state.revocations.close()
        made.app.state.revocations = NothingRevoked()
        yield made
        telemetry.configure("shop")


async def test_a_canary_in_plain_words_is_found(world: World) -> None:
    """The nets have no holes: what is let through on purpose is seen at both ways out."""
    structlog.get_logger().info("let through", thing=world.planted.mark)
    assert await world.leaks() == [f"{world.planted.mark} in stdout", f"{world.planted.mark} in collector"]


async def test_requests_leave_nothing(world: World) -> None:
    planted = world.planted
    headers = {
        "authorization": f"Bearer {authority('identity').issue_for_user(ANNA)}",
        "cookie": f"alexandrite_session={JWT}; theme={planted.mark}",
        "x-forwarded-for": planted.phone,
        "user-agent": planted.name,
        "traceparent": planted.mark,
        "idempotency-key": planted.mark,
    }
    params = {"email": planted.email, "q": planted.words, "X-Amz-Signature": "0a1b2c3d4e5f"}
    for body in ({"amount": planted.words}, {"amount": 3, "address": planted.address}):
        await world.post(f"/echo/{planted.mark}", params=params, headers=headers, json=body)
    await world.post(f"/nowhere/{planted.mark}", params=params, headers=headers, content=planted.name.encode())
    assert await world.leaks() == []
    assert len(world.collector.spans()) == 3 and len(world.collector.lines()) == 3
    assert world.collector.authorizations == {"Bearer a key"}


async def test_bugs_leave_nothing_and_are_found_again(world: World) -> None:
    for kind in range(len(errors_about(world.planted))):
        answer = await world.post(f"/bug/{world.planted.mark}", params={"kind": kind})
        assert answer.status_code == 500
    assert await world.leaks() == []
    failures = [line for line in world.collector.lines() if line.body.string_value == "request failed"]
    assert len(failures) == len(errors_about(world.planted))
    assert all(line.severity_text == "ERROR" and len(line.trace_id) == 16 for line in failures)
    assert all("test_redaction.py" in (attribute(line, "exception.stacktrace") or "") for line in failures)


async def test_calls_to_other_services_leave_nothing(world: World) -> None:
    planted = world.planted

    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError(f"no route to {request.url} {request.headers}", request=request)

    client = ServiceClient(settings_of("shop"), transport=httpx.MockTransport(refuse))
    with pytest.raises(Unavailable):
        await client.request(
            "POST", "pricing", "/internal/quotes", params={"email": planted.email}, json={"name": planted.name}
        )
    await client.close()
    assert await world.leaks() == []
    (span,) = world.collector.spans()
    assert (span.name, span.status.message) == ("POST pricing", "Unavailable")


async def test_messages_and_letters_leave_nothing(world: World) -> None:
    planted = world.planted
    for body in (planted.name.encode(), b'{"id": "%s"}' % planted.email.encode()):
        with pytest.raises(Undecodable) as refused:
            decode(body, {})
        telemetry.log.error("undecodable message set aside", reason=str(refused.value))
    message = EmailMessage()
    message["To"], message["Subject"] = planted.email, planted.name
    message.set_content(planted.words)
    with pytest.raises(PostUnavailable) as unsent:
        await SmtpPost(MailSettings(service="shop", smtp_host="127.0.0.1", smtp_port=9)).send(message, to=planted.email)
    telemetry.log.warning("letter not taken", error=str(unsent.value))
    assert await world.leaks() == []
    assert [span.name for span in world.collector.spans()] == ["SMTP send"]


async def test_lines_of_libraries_leave_nothing_either(world: World) -> None:
    logging.getLogger("somebody.elses").warning("cannot write to %s at %s", world.planted.email, SIGNED)
    try:
        int(world.planted.name)
    except ValueError:
        logging.getLogger("somebody.elses").exception("it failed")
    assert await world.leaks() == []
    assert [line.body.string_value for line in world.collector.lines()][1] == "it failed"


async def test_attributes_of_spans_are_cleaned(world: World) -> None:
    planted = world.planted
    with telemetry.span("look", email=planted.email, note=planted.words, url=SIGNED, order__id=str(new_id())) as span:
        span.set_attribute("server.address", "files")
        span.set_attribute("said", [planted.email, "a"])
        span.add_event("said", {"words": planted.words})
    assert await world.leaks() == []
    (sent,) = world.collector.spans()
    assert attribute(sent, "email") == REDACTED
    assert attribute(sent, "order.id")


@pytest.fixture(autouse=True)
def _no_context_is_left() -> Iterator[None]:
    yield
    assert telemetry.order_of_now() is None
