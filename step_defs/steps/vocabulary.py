"""The words that phrases take, in both languages. Imported by every module of steps before its own phrases."""

from __future__ import annotations

from step_defs.dsl import roles
from step_defs.dsl.words import (
    CASE_REASONS,
    CONSENT_REASONS,
    GOODS,
    LANGUAGES,
    LETTERS,
    MATERIALS,
    MODELS,
    PROBLEMS,
    REFUSALS,
    SCREENS,
    STATUSES,
    STONES,
)
from step_defs.dsl.world import World
from step_defs.kit import Given, Then, When, step, words

words("status", STATUSES)
words("model", MODELS)
words("material", MATERIALS)
words("good", GOODS)
words("problem", {word: word for word in PROBLEMS})
words("because", CONSENT_REASONS)
words("why", CASE_REASONS)
words("refusal", {word: word for word in REFUSALS})
words("screen", SCREENS)
words("letter", LETTERS)
words("language", LANGUAGES)
words("stone", STONES)
words("role", roles.ROLES)
words("deed", roles.DEEDS)

__all__ = ["Given", "Then", "When", "World", "step"]
