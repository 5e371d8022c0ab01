"""Why a file cannot be read or measured. The code is one of the words that the asking service has for it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


class MeshFault(Exception):
    """The file itself is the reason: reading it again gives the same fault. `facts` fill the problem's sentence.

    `sides` are sides of triangles where it shows, numbered 3 * triangle + corner they begin at, when any are known.
    """

    def __init__(self, code: str, *, sides: npt.NDArray[np.int64] | None = None, **facts: Any) -> None:
        super().__init__(code)
        self.code = code
        self.facts = facts
        self.sides = sides
