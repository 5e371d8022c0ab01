"""The kit under the scenarios: one decorator for steps, and checks for what pytest-bdd lets pass silently."""

from step_defs.kit.phrases import parameter_type, words
from step_defs.kit.registry import Given, Then, When, step

__all__ = ["Given", "Then", "When", "parameter_type", "step", "words"]
