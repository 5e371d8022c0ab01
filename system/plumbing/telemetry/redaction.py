"""What never leaves a process in a log line or on a span: who somebody is, and whatever opens a door.

Keys are judged by their words, values by their form, and what an error says by whose error it is: errors of databases, of validation
and of Python itself quote the values that they are about. Words that have no form (a name in a sentence of ours) are kept out by
whoever writes the sentence: we log ids.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from functools import lru_cache
from typing import Any

from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError

REDACTED = "[redacted]"
TEXT_CHARACTERS_MAX = 4_000
_CACHED_CHARACTERS_MAX = 1_200
"""As long as the statements on spans: the same few hundred again and again, and to look through one takes half a millisecond."""
_DEPTH_MAX = 4

_WHO = ("name", "email", "mail", "phone", "address", "city", "street", "recipient", "contact", "person")
_DOORS = (
    "password",
    "passwd",
    "pin",
    "secret",
    "token",
    "jwt",
    "authorization",
    "cookie",
    "cookies",
    "session",
    "code",
)
_KEYS = ("credential", "credentials", "signature", "apikey", "key", "otp")
_SAID = ("answer", "body", "payload", "reply", "params", "query", "fragment", "note", "comment")
_TELLING = frozenset((*_WHO, *_DOORS, *_KEYS, *_SAID))
"""Words that make a key one that is never shown. A key is taken apart at dots, dashes, underscores and capitals."""

_HARMLESS = frozenset(
    {
        "alexandrite.release",
        "code",
        "code.function.name",
        "db.collection.name",
        "db.operation.name",
        "db.query.text",
        "db.response.status_code",
        "db.system.name",
        "deployment.environment.name",
        "http.response.status_code",
        "messaging.destination.name",
        "messaging.operation.name",
        "service.name",
    }
)
"""Keys that only sound so."""

_FORMS = re.compile(
    r"""
    (?P<address>[\w.+%-]+(?:@|%40)[\w-]+(?:\.[\w-]+)+)
    | (?P<jwt>eyJ[\w-]{6,}\.[\w-]+(?:\.[\w-]*)?)
    | (?P<webhook>whsec_[\w+/=-]+)
    | (?P<bearer>\b(?:bearer|basic)\s+[\w.~+/=-]{6,})
    | (?P<url>\b(?:https?|wss?|amqps?|rediss?|postgres(?:ql)?|smtps?)(?:\+\w+)?://[^\s"'<>]+)
    | (?P<signed>\b(?:x-amz-(?:signature|credential|security-token)|signature|sig|access_token|token|password|passwd|secret|
        api_?key|session|cookie)\s*[=:]\s*["']?[^\s"'&,;)]+)
    | (?P<phone>(?<![\w.-])(?:\+|%2[Bb])\d[\d\s()-]{8,17}\d(?!\w)
        | (?<![\w.:+-])8[\s(-]*\d{3}[\s)-]*\d{3}[\s-]*\d{2}[\s-]*\d{2}(?![\w.-]))
    | (?P<opaque>(?<![\w/-])[A-Za-z0-9_-]{43,}(?![\w/-]))
    """,
    re.VERBOSE | re.IGNORECASE,
)
_QUOTED_BY_POSTGRES = re.compile(
    r"""
      \)=\(.*?\)(?=\s+(?:already|is|conflicts|still)|\s*$)
    | (?<=Failing\ row\ contains\ )\(.*\)
    | (?<=for\ type\ )(\w[\w\ ]*:\s*".*")
    | \[parameters:.*
    | CONTEXT:.*
    | input_value=.*?(?=,\ input_type)
    """,
    re.VERBOSE | re.DOTALL | re.MULTILINE,
)
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_QUOTES_VALUES = (ValueError, LookupError, ArithmeticError, OSError, AssertionError)
"""Families of Python's errors that quote the value they are about. (TypeError and AttributeError quote code.)"""
_SUSPICIOUS = re.compile(
    r"@|%40|eyJ|whsec_|://|[=:]|(?i:bearer|basic)\s|\+\d|%2[Bb]|8[\s(\d-]{10}|[\w-]{43}|Failing row|CONTEXT|input_value"
)


def redact_text(text: str) -> str:
    """The text without what looks like an address, a phone, a token, a signature, or the query of a URL; cut off when it is long."""
    if len(text) <= _CACHED_CHARACTERS_MAX:
        return _redacted(text)
    return _cleaned(text if len(text) <= TEXT_CHARACTERS_MAX else text[:TEXT_CHARACTERS_MAX] + " ...")


def _cleaned(text: str) -> str:
    # Most texts are a route, an id or a word of ours: one look tells.
    if _SUSPICIOUS.search(text) is None:
        return text
    return _FORMS.sub(_replaced, _QUOTED_BY_POSTGRES.sub(REDACTED, text))


_redacted = lru_cache(maxsize=4096)(_cleaned)


def _replaced(found: re.Match[str]) -> str:
    if found.lastgroup == "url":
        return _bare_url(found.group())
    if found.lastgroup == "opaque" and _is_digest(found.group()):
        return found.group()
    return REDACTED


def _bare_url(url: str) -> str:
    """A URL as far as its path: no user, no query, no fragment; nor what looks like something in the path."""
    bare, *rest = re.split(r"[?#]", url, maxsplit=1)
    scheme, _, place = bare.partition("://")
    host, *path = place.split("/")
    # Before the host stand a name and a password.
    shown = f"{scheme}://" + "/".join([host.rpartition("@")[2], *(_cleaned(part) for part in path)])
    return f"{shown}?{REDACTED}" if rest else shown


def _is_digest(text: str) -> bool:
    return len(text) == 64 and all(letter in "0123456789abcdef" for letter in text)


@lru_cache(maxsize=4096)
def is_telling(key: str) -> bool:
    """Whether a key names something that is never shown, whatever it holds."""
    if key in _HARMLESS:
        return False
    words = re.split(r"[._\-\s]+", re.sub(r"(?<=[a-z])(?=[A-Z])", "_", key).lower())
    # What is only counted, measured or named by an id is not the thing.
    return words[-1] not in ("id", "ids", "count", "ms", "s", "bytes", "kind", "at") and any(
        word in _TELLING for word in words
    )


def redact_value(value: Any, *, depth: int = 0) -> Any:
    """The value without anything telling in it; of the same shape as far as it is one of JSON."""
    if isinstance(value, str):
        return redact_text(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if depth >= _DEPTH_MAX:
        return REDACTED
    if isinstance(value, Mapping):
        return {
            str(key): REDACTED if is_telling(str(key)) else redact_value(inner, depth=depth + 1)
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple | set | frozenset):
        return [redact_value(inner, depth=depth + 1) for inner in value]
    if isinstance(value, BaseException):
        return f"{type(value).__name__}: {said_by(value)}"
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    return redact_text(str(value))


def redact_event(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The processor of every log line. What an error says was taken care of when its traceback was."""
    for key, value in event.items():
        if key == "exception" and not isinstance(value, str):
            continue
        event[key] = REDACTED if is_telling(key) and value is not None else redact_value(value)
    return event


def redacted_attributes(attributes: Mapping[str, Any]) -> dict[str, Any] | None:
    """The attributes of a span as they may be sent; None when they may be sent as they are."""
    changed: dict[str, Any] = {}
    for key, value in attributes.items():
        if is_telling(key):
            changed[key] = REDACTED
        elif isinstance(value, str):
            if (cleaned := redact_text(value)) != value:
                changed[key] = cleaned
        elif isinstance(value, tuple):
            changed[key] = tuple(redact_value(inner) for inner in value)
    return {**attributes, **changed} if changed else None


def said_by(error: BaseException) -> str:
    """What an error says, without the values that it quotes."""
    if isinstance(error, DBAPIError):
        return said_by(error.orig) if error.orig is not None else type(error).__name__
    if (diagnosis := getattr(error, "diag", None)) is not None:
        return _of_postgres(error, diagnosis)
    if isinstance(error, ValidationError):
        problems = error.errors(include_url=False, include_input=False, include_context=False)
        return "; ".join(f"{'.'.join(map(str, one['loc'])) or 'it'}: {one['type']}" for one in problems[:10])
    said = str(error)
    if isinstance(error, _QUOTES_VALUES) and type(error).__module__ == "builtins":
        said = _QUOTED.sub(REDACTED, said)
    return redact_text(said)


def _of_postgres(error: BaseException, diagnosis: Any) -> str:
    """Its state, and the names of what was concerned: the message and its details quote values."""
    state = getattr(error, "sqlstate", None)
    if state is None or state.startswith(("08", "57", "53")):
        # About the server, not about a row.
        return redact_text(str(error))
    names = ("constraint_name", "table_name", "column_name", "datatype_name")
    concerned = {name.removesuffix("_name"): getattr(diagnosis, name, None) for name in names}
    told = ", ".join(f"{what} {name}" for what, name in concerned.items() if name)
    return f"{state} {type(error).__name__}" + (f": {told}" if told else "")
