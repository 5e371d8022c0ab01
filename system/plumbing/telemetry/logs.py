"""Log lines: JSON on standard output, and the same lines to whoever collects them. Levels are in docs/telemetry.md."""

from __future__ import annotations

import io
import logging
import sys
import threading
from collections.abc import Callable, Mapping, MutableMapping
from datetime import datetime
from traceback import walk_tb
from types import TracebackType
from typing import Any

import orjson
import structlog
from opentelemetry import trace
from opentelemetry._logs import Logger, SeverityNumber

from system.plumbing.telemetry.redaction import redact_event, said_by

Event = MutableMapping[str, Any]
log = structlog.get_logger()
_SEVERITIES = {
    "debug": SeverityNumber.DEBUG,
    "info": SeverityNumber.INFO,
    "warning": SeverityNumber.WARN,
    "error": SeverityNumber.ERROR,
    "critical": SeverityNumber.FATAL,
}
_OWN_PLACE = frozenset({"event", "level", "timestamp", "service", "trace_id", "span_id", "exception"})
FRAMES_MAX = 60
"""The lines of a traceback that are kept: the innermost."""
CAUSES_MAX = 8
_processors: list[Any] = []
"""Filled at each start: loggers that were used before it keep this very list."""


class _Output(io.StringIO):
    """Standard output as it is at the time: loggers are kept, and in tests it changes."""

    def write(self, text: str) -> int:
        return sys.stdout.write(text)

    def flush(self) -> None:
        sys.stdout.flush()


def _stacks(exc_info: tuple[type[BaseException], BaseException, TracebackType | None]) -> list[dict[str, Any]]:
    """A traceback and those of its causes as data: no values of variables, and what an error says as far as it quotes nobody."""
    stacks: list[dict[str, Any]] = []
    seen: set[int] = set()
    waiting: list[BaseException | None] = [exc_info[1]]
    while waiting and len(stacks) < CAUSES_MAX:
        error = waiting.pop(0)
        if error is None or id(error) in seen:
            continue
        seen.add(id(error))
        stacks.append({"exc_type": type(error).__name__, "exc_value": said_by(error), "frames": _frames(error)})
        if isinstance(error, BaseExceptionGroup):
            waiting += error.exceptions
        waiting.append(error.__cause__ or (None if error.__suppress_context__ else error.__context__))
    return stacks


def _frames(error: BaseException) -> list[dict[str, Any]]:
    frames = [
        {"filename": frame.f_code.co_filename, "lineno": line, "name": frame.f_code.co_name}
        for frame, line in walk_tb(error.__traceback__)
    ]
    return frames[-FRAMES_MAX:]


tracebacks = structlog.processors.ExceptionRenderer(_stacks)


def start(service: str, *, level: str, export: Logger | None) -> None:
    """Sets up the log lines of this process, of ours and of libraries; `export` gets each of them, too."""
    sending = _sending(export) if export is not None else None
    ending: list[Any] = [_add_trace, tracebacks, redact_event, *([sending] if sending else []), _as_json]
    common: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    _processors[:] = [*common, *ending]
    structlog.configure(
        processors=_processors,
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(_Output()),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
    handler = logging.StreamHandler(_Output())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*common, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *ending],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    # The exporters' own complaints: `export` says it once a minute.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    sys.excepthook = _uncaught
    threading.excepthook = lambda raised: (
        _uncaught(raised.exc_type, raised.exc_value, raised.exc_traceback) if raised.exc_value is not None else None
    )


def _uncaught(kind: type[BaseException], error: BaseException, trace_of_it: TracebackType | None) -> None:
    """What nobody caught would be printed by the interpreter as it is, with all that it quotes."""
    if not issubclass(kind, KeyboardInterrupt | SystemExit):
        log.critical("uncaught error", exc_info=(kind, error, trace_of_it))


def _add_trace(_: Any, __: str, event: Event) -> Event:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = trace.format_trace_id(context.trace_id)
        event["span_id"] = trace.format_span_id(context.span_id)
    return event


def _as_json(_: Any, __: str, event: Event) -> str:
    return orjson.dumps(event, default=str).decode()


def _sending(export: Logger) -> Callable[[Any, str, Event], Event]:
    def send(_: Any, __: str, event: Event) -> Event:
        level = event.get("level", "info")
        export.emit(
            timestamp=_nanoseconds(event.get("timestamp")),
            severity_number=_SEVERITIES.get(level, SeverityNumber.INFO),
            severity_text=level.upper(),
            body=str(event.get("event", "")),
            attributes=_attributes(event),
        )
        return event

    return send


def _nanoseconds(moment: str | None) -> int | None:
    return int(datetime.fromisoformat(moment).timestamp() * 1e9) if moment else None


def _attributes(event: Mapping[str, Any]) -> dict[str, Any]:
    named = {
        key: value if isinstance(value, str | bool | int | float) else str(value)
        for key, value in event.items()
        if key not in _OWN_PLACE and value is not None
    }
    if stacks := event.get("exception"):
        named |= _exception_attributes(stacks)
    return named


def _exception_attributes(stacks: Any) -> dict[str, Any]:
    """By the names of the semantic conventions; the stack trace as text, the innermost line last."""
    if not isinstance(stacks, list) or not stacks:
        return {"exception.stacktrace": str(stacks)}
    first = stacks[0]
    lines = [f"{frame['filename']}:{frame['lineno']} {frame['name']}" for frame in first.get("frames", ())]
    return {
        "exception.type": first.get("exc_type", ""),
        "exception.message": first.get("exc_value", ""),
        "exception.stacktrace": "\n".join(lines[-FRAMES_MAX:]),
    }
