"""Which metrics a PromQL expression reads: its tokens, and no more grammar than that takes.

A name is an identifier that is neither called, nor a label, nor a word of the language: labels stand in braces, and in brackets
after `by`, `without`, `on`, `ignoring` and `group_left`. A metric that only a matcher names, `{__name__="up"}`, counts too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

TOKEN = re.compile(
    r"""
    (?P<space>\s+|\#[^\n]*)
  | (?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`)
  | (?P<number>0x[0-9a-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+|(?:ms|[smhdwy])(?:\d+(?:ms|[smhdwy]))*)?)
  | (?P<name>\$?[A-Za-z_:][A-Za-z0-9_:]*)
  | (?P<mark>=~|!~|!=|==|>=|<=|[-+*/%^<>={}()\[\],@:])
    """,
    re.VERBOSE,
)
LABELS_FOLLOW = frozenset({"by", "without", "on", "ignoring", "group_left", "group_right"})
WORDS = LABELS_FOLLOW | {"and", "or", "unless", "bool", "offset", "atan2", "inf", "nan"}


class NotPromql(ValueError):
    """Something that no expression can hold."""


def tokens(expression: str) -> Iterator[tuple[str, str]]:
    """Kind and text of each token, without spaces and comments. Raises NotPromql."""
    place = 0
    while place < len(expression):
        found = TOKEN.match(expression, place)
        if found is None:
            raise NotPromql(f"unexpected {expression[place]!r} at {place} of: {expression}")
        place = found.end()
        if found.lastgroup != "space":
            yield str(found.lastgroup), found.group()


def names_in(expression: str) -> frozenset[str]:
    """The metrics that an expression reads. Raises NotPromql for what is no expression."""
    found: set[str] = set()
    stream = [*tokens(expression), ("end", "")]
    _balanced(stream, expression)
    place = 0
    while place < len(stream) - 1:
        kind, text = stream[place]
        after = stream[place + 1][1]
        if text == "{":
            end = _end(stream, place, "}")
            found |= _named(stream[place:end])
            place = end
        elif text == "[":
            place = _end(stream, place, "]")
        elif text.lower() in LABELS_FOLLOW and after == "(":
            place = _end(stream, place + 1, ")")
        elif kind == "name" and text.lower() not in WORDS and not _is_called(stream, place):
            found.add(text)
        place += 1
    return frozenset(found)


def _is_called(stream: list[tuple[str, str]], place: int) -> bool:
    """`rate(...)`, and `sum by (...) (...)`."""
    after = stream[place + 1][1]
    return after == "(" or (after.lower() in ("by", "without") and stream[place + 2][1] == "(")


def _named(matchers: list[tuple[str, str]]) -> set[str]:
    texts = [text for _, text in matchers]
    return {
        texts[place + 2][1:-1]
        for place in range(len(texts) - 2)
        if texts[place] == "__name__" and texts[place + 1] == "="
    }


def _end(stream: list[tuple[str, str]], start: int, closing: str) -> int:
    """Where the bracket that opens at `start` closes: there is none inside of it."""
    return next(place for place in range(start, len(stream)) if stream[place][1] == closing)


def _balanced(stream: list[tuple[str, str]], expression: str) -> None:
    pairs = {")": "(", "]": "[", "}": "{"}
    waiting: list[str] = []
    for kind, text in stream:
        if kind != "mark":
            continue
        if text in pairs.values():
            waiting.append(text)
        elif text in pairs and (not waiting or waiting.pop() != pairs[text]):
            raise NotPromql(f"{text!r} closes nothing in: {expression}")
    if waiting:
        raise NotPromql(f"{waiting[-1]!r} is not closed in: {expression}")
