"""The decorators: one function, a phrase in each language, registered with pytest-bdd.

A definition is kept in its own module (`__kit_steps__`), so that two functions of one name cannot hide each other.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import pytest_bdd
from pytest_bdd.parsers import StepParser

from step_defs.kit.phrases import Phrase, compile_phrase

StepFunction = TypeVar("StepFunction", bound=Callable[..., Any])

LANGUAGES = ("en", "ru")
POSITIONS = ("given", "when", "then")
STEPS_OF_MODULE = "__kit_steps__"
POSITIONS_OF_FUNCTION = "__kit_positions__"
BLOCK_ARGUMENTS = ("datatable", "docstring")


class StepReturnedValue(AssertionError):
    """A step returned something: its assertion would have been lost."""


@dataclass(frozen=True, slots=True)
class StepDefinition:
    """A step as its module declares it: phrases and examples by language, positions, and the function."""

    phrases: Mapping[str, Phrase] = field(hash=False)
    examples: Mapping[str, str] = field(hash=False)
    positions: tuple[str, ...]
    about: str
    reserve: str
    function: Callable[..., Any] = field(hash=False)
    path: Path
    line: int

    @property
    def id(self) -> str:
        return f"{self.function.__module__}:{self.line}"

    @property
    def name(self) -> str:
        return self.function.__name__

    @property
    def arguments(self) -> list[str]:
        return list(inspect.signature(self.function).parameters)

    def takes(self, block: str) -> bool:
        """Whether the function asks for `datatable` or `docstring`."""
        return block in self.arguments


class PhraseParser(StepParser):
    """A phrase in the form pytest-bdd asks for."""

    def __init__(self, phrase: Phrase) -> None:
        super().__init__(phrase.text)
        self.phrase = phrase

    def is_matching(self, name: str) -> bool:
        return self.phrase.regex.fullmatch(name) is not None

    def parse_arguments(self, name: str) -> dict[str, Any] | None:
        captured = self.phrase.captures(name)
        return None if captured is None else {one.name: one.value for one in captured}


def _position(name: str) -> Callable[[StepFunction], StepFunction]:
    def mark(function: StepFunction) -> StepFunction:
        positions = (*getattr(function, POSITIONS_OF_FUNCTION, ()), name)
        setattr(function, POSITIONS_OF_FUNCTION, positions)
        return function

    mark.__doc__ = f"The step may stand in a {name} position. Below @step, nearest the function."
    return mark


Given = _position("given")
When = _position("when")
Then = _position("then")


def step(
    *, en: str, ru: str, about: str, example: str, example_ru: str = "", reserve: str = ""
) -> Callable[[StepFunction], StepFunction]:
    """Registers the function under an English and a Russian phrase, in the positions marked below it.

    `example` is a sentence in English, `example_ru` one in Russian. `reserve` says why a step may go unused for now.
    Raises PhraseMistake when a phrase cannot be compiled; every other mistake is found by the checks, all at once.
    """
    phrases = {"en": compile_phrase(en, "en"), "ru": compile_phrase(ru, "ru")}
    examples = {"en": example, "ru": example_ru} if example_ru else {"en": example}

    def register(function: StepFunction) -> StepFunction:
        definition = StepDefinition(
            phrases=phrases,
            examples=examples,
            positions=tuple(one for one in POSITIONS if one in getattr(function, POSITIONS_OF_FUNCTION, ())),
            about=about,
            reserve=reserve,
            function=function,
            path=Path(inspect.getsourcefile(function) or "?"),
            line=function.__code__.co_firstlineno if hasattr(function, "__code__") else 0,
        )
        function.__globals__.setdefault(STEPS_OF_MODULE, []).append(definition)
        guarded = _guarded(function)
        for position in definition.positions:
            for phrase in phrases.values():
                # pytest-bdd leaves a fixture in the namespace of the module that called `register`.
                getattr(pytest_bdd, position)(PhraseParser(phrase), stacklevel=2)(guarded)
        return function

    return register


def _guarded(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, refusing a returned value: a coroutine never ran, a boolean was never asserted."""

    @functools.wraps(function)
    def run(*arguments: Any, **named: Any) -> None:
        __tracebackhide__ = True
        returned = function(*arguments, **named)
        if returned is None:
            return
        if inspect.iscoroutine(returned) or inspect.isgenerator(returned):
            returned.close()
        raise StepReturnedValue(
            f"{function.__module__}.{function.__name__} returned {type(returned).__name__}; "
            "a step asserts or acts, and returns nothing"
        )

    return run


def definitions_in(module: ModuleType) -> list[StepDefinition]:
    """The steps that the module declares, in the order of its lines."""
    return list(vars(module).get(STEPS_OF_MODULE, []))
