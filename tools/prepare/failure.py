"""The one error of preparing: what is wrong and what to do about it, in a sentence each."""

from __future__ import annotations


class Failure(Exception):
    """Preparing cannot go on; `str()` is one line for a person, with the remedy. Never shown as a traceback."""

    def __init__(self, problem: str, *, remedy: str) -> None:
        super().__init__(f"{problem} {remedy}")
        self.problem = problem
        self.remedy = remedy
