"""The same failure is recognised, another one is told apart."""

from __future__ import annotations

import dataclasses
from uuid import uuid4

import pytest

from system.observability.domain.fingerprints import (
    Failure,
    failure_of_line,
    failure_of_span,
    frame_of,
    normalised,
)
from system.observability.domain.telemetry import Link
from system.observability.tests.telling import a_line, a_span

PYTHON = """Traceback (most recent call last):
  File "/app/system/shop/entrypoints/api.py", line 10, in submit
    await handlers.submit(command)
  File "/app/system/shop/application/handlers.py", line 20, in place
    raise ValueError
  File "/usr/lib/python3.11/site-packages/sqlalchemy/engine.py", line 5, in execute
    raise
"""
SENT = (
    "/app/system/shop/entrypoints/api.py:10 submit\n"
    "/app/system/shop/application/handlers.py:20 place\n"
    "/usr/lib/python3.11/site-packages/sqlalchemy/engine.py:5 execute"
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("order 1 is late by 3.5 s", "order 22 is late by 17 s"),
        ("no order 0197aaaa-1111-7222-8333-444455556666", "no order 0197bbbb-1111-7222-8333-444455557777"),
        ("column 'a' is missing", "column 'bb' is missing"),
        ('key "x" twice', 'key "a b" twice'),
        ("trace deadbeef01 lost", "trace 0011aabbcc lost"),
        ("to anna@example.com", "to boris.b@post.example.org"),
        ("two\n  lines", "two lines"),
    ],
)
def test_what_differs_each_time_is_taken_out(one: str, other: str) -> None:
    assert normalised(one) == normalised(other)


def test_words_stay_apart() -> None:
    assert normalised("the feedback is away") == "the feedback is away"
    assert normalised("the broker is away") != normalised("the database is away")


@pytest.mark.parametrize(
    "stack",
    [
        PYTHON,
        SENT,
        [{"frames": [{"filename": "/app/system/shop/application/handlers.py", "lineno": 20, "name": "place"}]}],
    ],
    ids=["python", "sent", "listed"],
)
def test_the_innermost_frame_of_ours(stack: object) -> None:
    assert frame_of(stack) == "system/shop/application/handlers.py: place"


@pytest.mark.parametrize("stack", [None, "", "no stack", [3], {"frames": 1}])
def test_no_frame_is_none(stack: object) -> None:
    assert frame_of(stack) == ""


def test_each_part_tells_apart_and_a_release_does_not() -> None:
    known = Failure("shop", "POST /orders", "ValueError", "no", "system/shop/a.py: f")
    others = [
        dataclasses.replace(known, **{name: "other"}) for name in ("service", "place", "exception", "message", "frame")
    ]
    assert len({known.fingerprint, *(other.fingerprint for other in others)}) == 6
    moved = a_line(severity=17, attributes={"exception.stacktrace": PYTHON.replace("line 20", "line 25")})
    still = a_line(severity=17, attributes={"exception.stacktrace": PYTHON})
    found = [failure_of_line(line) for line in (moved, still)]
    assert found[0] and found[1] and found[0].fingerprint == found[1].fingerprint


def test_a_line_tells_of_its_route_and_error() -> None:
    line = a_line(
        "request failed",
        severity=17,
        attributes={
            "method": "POST",
            "route": "/orders/{order_id}",
            "exception.type": "KeyError",
            "exception.message": "'a'",
            "exception.stacktrace": SENT,
        },
    )
    assert failure_of_line(line) == Failure(
        "shop", "POST /orders/{order_id}", "KeyError", "<value>", "system/shop/application/handlers.py: place"
    )
    assert failure_of_line(dataclasses.replace(line, severity=13)) is None


def test_a_failed_request_is_told_once() -> None:
    trace = uuid4()
    failed = a_span(
        trace,
        is_error=True,
        attributes={"http.request.method": "POST", "http.route": "/orders", "error.type": "builtins.KeyError"},
    )
    assert failure_of_span(failed) == Failure("shop", "POST /orders", "KeyError", "", "")
    inside = a_span(trace, parent=failed.span_id, is_error=True)
    assert failure_of_span(inside) is None, "what it is inside of tells it"
    went_on = dataclasses.replace(failed, links=(Link(uuid4(), "00000000000000aa"),))
    assert failure_of_span(went_on) is None, "its span in the order's trace tells it"
    assert failure_of_span(dataclasses.replace(failed, is_error=False)) is None


def test_a_failed_answer_without_an_error_is_known_by_its_status() -> None:
    failed = a_span(uuid4(), is_error=True, attributes={"http.route": "/orders", "http.response.status_code": 503})
    found = failure_of_span(failed)
    assert found and found.exception == "HTTP 503"
