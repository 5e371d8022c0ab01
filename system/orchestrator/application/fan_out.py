"""Asking every service at once; one that does not answer is named, never waited for twice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

from system.kernel.errors import NotFound, Unavailable
from system.messages import catalogue

Answered = TypeVar("Answered")

SERVICES: tuple[str, ...] = tuple(
    sorted({*catalogue.services(), *(published.owner() for published in catalogue.BY_TYPE.values())})
)
"""Every service that sends or receives messages."""


async def ask_all(
    services: Iterable[str], ask: Callable[[str], Awaitable[Answered]]
) -> tuple[dict[str, Answered], dict[str, str]]:
    """The answers by service, and for each that gave none the reason."""
    asked = list(services)

    async def one(service: str) -> Answered | Unavailable | NotFound:
        try:
            return await ask(service)
        except (Unavailable, NotFound) as error:
            return error

    answers: dict[str, Answered] = {}
    silent: dict[str, str] = {}
    for service, answer in zip(asked, await asyncio.gather(*map(one, asked)), strict=True):
        if isinstance(answer, (Unavailable, NotFound)):
            silent[service] = answer.detail
        else:
            answers[service] = answer
    return answers, silent
