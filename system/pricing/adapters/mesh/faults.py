"""Why a file cannot be measured. The code is one of the domain's problems."""

from __future__ import annotations

from typing import Any


class MeshFault(Exception):
    """The file itself is the reason: measuring it again gives the same fault. `facts` fill the problem's sentence."""

    def __init__(self, code: str, **facts: Any) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts
