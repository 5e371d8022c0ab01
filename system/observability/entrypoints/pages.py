"""What the pages of observability share: who may see them, their words, their tabs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Request

from system.observability.settings import ObservabilitySettings
from system.pagekit.pages import Pages
from system.plumbing.auth import require
from system.plumbing.tokens import Principal

BASE = "/observability"
NAMES: dict[str, dict[str, str]] = {}
PROBLEMS: dict[str, str] = {}

router = APIRouter(prefix=BASE)

Support = Annotated[Principal, require("seller", "administrator")]
"""Whoever answers for an order."""
Administrator = Annotated[Principal, require("administrator")]


def pages_of(settings: ObservabilitySettings) -> Pages:
    """The pages of observability."""
    return Pages(BASE, Path(__file__).parent, settings, problems=PROBLEMS, names=NAMES)


def _pages(request: Request) -> Pages:
    return cast(Pages, request.app.state.pages)


Shown: Any = Annotated[Pages, Depends(_pages)]
