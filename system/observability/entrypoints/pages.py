"""What the pages of observability share: who may see them, their words, their tabs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast

from fastapi import APIRouter, Depends, Request

from system.observability.domain import figure
from system.observability.entrypoints import alert_words
from system.observability.settings import ObservabilitySettings
from system.pagekit.pages import Pages
from system.plumbing.auth import require
from system.plumbing.tokens import Principal

BASE = "/observability"
NAMES: dict[str, dict[str, str]] = {**alert_words.NAMES}
PROBLEMS: dict[str, str] = {**alert_words.PROBLEMS}
FIGURES_WORDS = Path(figure.__file__).parent / "locales"
"""Figures are described where they are asked for, and so are their Russian words."""

router = APIRouter(prefix=BASE)

Support = Annotated[Principal, require("seller", "administrator")]
"""Whoever answers for an order."""
Administrator = Annotated[Principal, require("administrator")]


def pages_of(settings: ObservabilitySettings) -> Pages:
    """The pages of observability."""
    home = Path(__file__).parent
    return Pages(BASE, home, settings, problems=PROBLEMS, names=NAMES, catalogues=[FIGURES_WORDS])


def _pages(request: Request) -> Pages:
    return cast(Pages, request.app.state.pages)


Shown = Annotated[Pages, Depends(_pages)]
