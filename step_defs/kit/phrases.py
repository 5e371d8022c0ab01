"""A phrase: the sentence pattern by which a feature calls a step.

`{name}` captures any text (between quotes: anything but the closing quote), `{name:type}` a typed value,
`(s)` is optional text, `is/are` is either word, `\\` takes the next character literally.
A phrase matches a whole step text, with its capitals.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

CLOSING_QUOTE = {'"': '"', "«": "»", "“": "”", "„": "“", "'": "'"}

TOKEN = re.compile(
    r"\\(?P<escaped>.)"
    r"|\{(?P<parameter>[^{}]*)\}"
    r"|\((?P<optional>[^()]*)\)"
    r"""|(?P<either>[^\s{}()\\/"«»]+(?:/[^\s{}()\\/"«»]+)+)"""
    r"|(?P<stray>[{}()\\])"
    r"|(?P<text>.)",
    re.DOTALL,
)
PARAMETER = re.compile(r"(?P<name>[a-z_][a-z0-9_]*)(?::(?P<type>\w+))?\Z")


class PhraseMistake(ValueError):
    """A phrase or a parameter type that cannot be compiled; the text says what to change."""


@dataclass(frozen=True, slots=True)
class ParameterType:
    """What `{name:type}` accepts (a regular expression without groups) and the value it becomes."""

    name: str
    pattern: str
    convert: Callable[[str], Any]


def _whole_number(text: str) -> int:
    return int(text)


def _decimal_number(text: str) -> Decimal:
    return Decimal(re.sub(r"[ \u00a0\u202f]", "", text).replace(",", "."))


_TYPES: dict[str, ParameterType] = {
    "w": ParameterType("w", r"[\w.@+\-]+", str),
    "d": ParameterType("d", r"[+-]?\d+", _whole_number),
    "n": ParameterType("n", r"[+-]?\d+(?:[ \u00a0\u202f]\d{3})*(?:[.,]\d+)?", _decimal_number),
}


def parameter_type(name: str, *, pattern: str, convert: Callable[[str], Any] = str) -> None:
    """Makes `{anything:name}` available to phrases. Refuses a second, different pattern under one name."""
    if not re.fullmatch(r"\w+", name):
        raise PhraseMistake(f"parameter type {name!r}: use letters, digits and underscores")
    if re.compile(pattern).groups:
        raise PhraseMistake(f"parameter type {name!r}: write (?:...) instead of (...) in {pattern!r}")
    known = _TYPES.get(name)
    if known is not None and known.pattern != pattern:
        raise PhraseMistake(f"parameter type {name!r} is already {known.pattern!r}")
    _TYPES[name] = ParameterType(name, pattern, convert)


def words(name: str, values: Mapping[str, Any]) -> None:
    """A parameter type that knows a fixed set of words, of either language, and the value each stands for."""
    longest_first = sorted(values, key=len, reverse=True)
    parameter_type(name, pattern="|".join(re.escape(word) for word in longest_first), convert=values.__getitem__)


@dataclass(frozen=True, slots=True)
class Captured:
    """One parameter found in a step text: where it stands, what it says, what it became."""

    name: str
    type_name: str
    start: int
    text: str
    value: Any


@dataclass(frozen=True, slots=True)
class Phrase:
    """A compiled phrase. `parameters` maps each captured name to its type's name ("" is any text)."""

    text: str
    language: str
    regex: re.Pattern[str]
    parameters: Mapping[str, str] = field(hash=False)

    def captures(self, step_text: str) -> list[Captured] | None:
        """The parameters in the order of the sentence, or None when the text is another sentence.

        A value that its type cannot convert raises what the conversion raised.
        """
        match = self.regex.fullmatch(step_text)
        if match is None:
            return None
        found = [
            Captured(
                name=name,
                type_name=type_name,
                start=match.start(name),
                text=match[name],
                value=_TYPES[type_name].convert(match[name]) if type_name else match[name],
            )
            for name, type_name in self.parameters.items()
        ]
        return sorted(found, key=lambda captured: captured.start)


def compile_phrase(text: str, language: str) -> Phrase:
    """Compiles a phrase. Raises PhraseMistake for an unknown type, a repeated name or an unbalanced bracket."""
    if text != text.strip() or not text:
        raise PhraseMistake(f"phrase {text!r}: empty, or with spaces around it")
    parameters: dict[str, str] = {}
    pieces: list[str] = []
    before = ""
    for token in TOKEN.finditer(text):
        kind = token.lastgroup
        value = token[kind] if kind else ""
        if kind == "parameter":
            pieces.append(_parameter_piece(value, text, before, parameters))
        elif kind == "optional":
            pieces.append(f"(?:{re.escape(value)})?")
        elif kind == "either":
            pieces.append("(?:" + "|".join(re.escape(word) for word in value.split("/")) + ")")
        elif kind == "stray":
            raise PhraseMistake(f"phrase {text!r}: {value!r} has no partner; write \\{value} for the character itself")
        else:
            pieces.append(re.escape(value))
        before = value[-1:]
    return Phrase(text=text, language=language, regex=re.compile("".join(pieces)), parameters=parameters)


def _parameter_piece(declaration: str, text: str, before: str, parameters: dict[str, str]) -> str:
    declared = PARAMETER.match(declaration)
    if declared is None:
        raise PhraseMistake(f"phrase {text!r}: write {{name}} or {{name:type}} instead of {{{declaration}}}")
    name, type_name = declared["name"], declared["type"] or ""
    if name in parameters:
        raise PhraseMistake(f"phrase {text!r}: {{{name}}} stands there twice")
    if type_name and type_name not in _TYPES:
        raise PhraseMistake(f"phrase {text!r}: type {type_name!r} is unknown; known: {', '.join(sorted(_TYPES))}")
    parameters[name] = type_name
    if type_name:
        return f"(?P<{name}>{_TYPES[type_name].pattern})"
    closing = CLOSING_QUOTE.get(before)
    return f"(?P<{name}>[^{closing}]*)" if closing else f"(?P<{name}>.+?)"
