"""What failed, recognised when it fails again: the same place, the same error, the same line of ours.

What differs from one time to the next (numbers, ids, quoted values) is taken out of the message. The number of a line is no part
of it: it moves with every release.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from system.observability.domain.telemetry import ERROR, STACK, LogLine, Span, cut

MESSAGE_MAX = 300
PLACE_MAX = 200
EXCEPTION = "exception"
TYPE, MESSAGE = "exception.type", "exception.message"
ERROR_TYPE = "error.type"

# As Python prints a stack, and as our processes send it: a line for each frame, the innermost last.
_FRAME = re.compile(
    r'File "(?P<path>[^"]+)", line \d+, in (?P<function>[^\s|]+)|^(?P<path_sent>\S+\.py):\d+ (?P<function_sent>\S+)$',
    re.MULTILINE,
)
_OURS = re.compile(r"(?:^|/)(system/(?:[\w-]+/)*[\w-]+\.py)$")
_VARYING = (
    (re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+"), "<email>"),
    (re.compile(r"\b[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}\b", re.IGNORECASE), "<id>"),
    (re.compile(r"'[^']*'|\"[^\"]*\"|`[^`]*`|«[^»]*»|“[^”]*”"), "<value>"),
    (re.compile(r"\b(?=[0-9a-f]*[0-9])[0-9a-f]{8,}\b", re.IGNORECASE), "<id>"),
    (re.compile(r"\d+(?:[.,:]\d+)*"), "<n>"),
    (re.compile(r"\s+"), " "),
)
_SPAN_PLACES = ("http.route", "message.type", "messaging.message.type", "messaging.destination.name", "job", "timer")
_LINE_PLACES = ("route", "type", "timer", "job", "part")


@dataclass(frozen=True, slots=True)
class Failure:
    """One way of failing. `place` is a route, a type of message, a job; `frame` the innermost function of ours."""

    service: str
    place: str
    exception: str
    message: str
    frame: str

    @property
    def fingerprint(self) -> str:
        """Sixteen hex digits, the same for the same way of failing."""
        told = "\n".join((self.service, self.place, self.exception, self.message, self.frame))
        return hashlib.blake2b(told.encode(), digest_size=8).hexdigest()


def failure_of_span(span: Span) -> Failure | None:
    """How a span failed; None for one that did not, or inside of which it only passed.

    Only where a process was entered: what failed inside is told again by everything around it. A request that turned out to be
    about an order is told of by its span in the order's trace.
    """
    if not span.is_error or not span.is_entry or (span.kind == "server" and span.links):
        return None
    told = next((event.attributes for event in reversed(span.events) if event.name == EXCEPTION), span.attributes)
    status = span.attributes.get("http.response.status_code")
    named = str(told.get(TYPE) or span.attributes.get(ERROR_TYPE) or "").rpartition(".")[2]
    exception = named or (f"HTTP {status}" if status else "error")
    return Failure(
        service=span.service,
        place=cut(_place_of_span(span), PLACE_MAX),
        exception=cut(exception, PLACE_MAX),
        message=normalised(str(told.get(MESSAGE) or "")),
        frame=frame_of(told.get(STACK)),
    )


def failure_of_line(line: LogLine) -> Failure | None:
    """How what a line tells of failed; None for a line that is no error."""
    if line.severity < ERROR:
        return None
    attributes = line.attributes
    place = next((str(attributes[key]) for key in (*_SPAN_PLACES, *_LINE_PLACES) if attributes.get(key)), line.body)
    method = attributes.get("http.request.method") or attributes.get("method")
    return Failure(
        service=line.service,
        place=cut(f"{method} {place}" if method else place, PLACE_MAX),
        exception=cut(str(attributes.get(TYPE) or "error"), PLACE_MAX),
        message=normalised(str(attributes.get(MESSAGE) or attributes.get("error") or line.body)),
        frame=frame_of(attributes.get(STACK)),
    )


def _place_of_span(span: Span) -> str:
    attributes = span.attributes
    place = next((str(attributes[key]) for key in _SPAN_PLACES if attributes.get(key)), span.name)
    method = attributes.get("http.request.method")
    return f"{method} {place}" if method and "http.route" in attributes else place


def normalised(message: str) -> str:
    """The message without what differs each time."""
    kept = message[: 4 * MESSAGE_MAX]
    for pattern, instead in _VARYING:
        kept = pattern.sub(instead, kept)
    return cut(kept.strip(), MESSAGE_MAX)


def frame_of(stack: object) -> str:
    """The innermost function of ours in a stack, as `system/shop/application/handlers.py: submit`; empty when there is none."""
    ours = [(found[1], function) for path, function in _frames(stack) if (found := _OURS.search(path))]
    return ": ".join(ours[-1]) if ours else ""


def _frames(stack: object) -> list[tuple[str, str]]:
    if isinstance(stack, str):
        return [
            (found["path"] or found["path_sent"], found["function"] or found["function_sent"])
            for found in _FRAME.finditer(stack)
        ]
    if isinstance(stack, Sequence):
        told = [frame for each in stack if isinstance(each, Mapping) for frame in _listed(each)]
        return [(str(frame.get("filename", "")), str(frame.get("name", ""))) for frame in told]
    return []


def _listed(told: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [frame for frame in told.get("frames", ()) if isinstance(frame, Mapping)]
