"""Why a file cannot be read or measured. The code is one of the words that the asking service has for it."""

from __future__ import annotations

from typing import Any


class MeshFault(Exception):
    """The file itself is the reason: reading it again gives the same fault. `facts` fill the problem's sentence."""

    def __init__(self, code: str, **facts: Any) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts
