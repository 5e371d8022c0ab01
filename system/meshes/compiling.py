"""How loops over triangles become machine code: once, kept on disk, and read by processes that may write nothing.

    @compiled
    def total_of(values): ...

What is kept stands under NUMBA_CACHE_DIR; the image is built with it (`python -m system.pricing warm`).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

import numba
from numba.core import caching

_CONFIG: Any = numba.config
_FunctionCache: Any = caching.FunctionCache
Function = TypeVar("Function", bound=Callable[..., Any])

if not os.environ.get("NUMBA_CACHE_DIR"):
    _CONFIG.CACHE_DIR = str(Path(__file__).parents[2] / ".alexandrite" / "compiled")
if not os.environ.get("NUMBA_CPU_NAME"):
    # Code for the machine that built the image would not be found on another; it also rounds alike everywhere.
    _CONFIG.CPU_NAME = "generic"
    _CONFIG.CPU_FEATURES = ""

_OF_ALL = (Path(__file__).with_name("arithmetic.py"),)


@lru_cache(maxsize=64)
def _stamp(folder: Path) -> str:
    """A digest of every module beside a function, and of those of all: what it calls there is compiled into it."""
    modules = [*sorted(folder.glob("[!_]*.py")), *_OF_ALL]
    return sha256(b"\0".join(path.read_bytes() for path in modules)).hexdigest()


class Locator(caching.UserProvidedCacheLocator):
    """Finds what is kept also where nothing may be written, and is not fooled by a change in a neighbouring module."""

    def ensure_cache_path(self) -> None:
        """Whether it can be written shows when something is to be kept, and then does not matter."""

    def get_source_stamp(self) -> str:
        """What the kept code was compiled from."""
        return _stamp(Path(self._py_file).parent)


class _Kept(caching.CompileResultCacheImpl):
    _locator_classes = [Locator]  # noqa: RUF012  (as its base has it)


class _Cache(_FunctionCache):  # type: ignore[misc]
    _impl_class = _Kept

    def save_overload(self, signature: Any, data: Any) -> None:
        """Keeps it when that is possible; a process without a place to write has compiled for itself alone."""
        try:
            os.makedirs(self.cache_path, exist_ok=True)
            super().save_overload(signature, data)
        except OSError:
            pass


def compiled(function: Function) -> Function:
    """The same function as machine code, compiled when it is first called and kept for the next process."""
    return _kept(numba.njit(error_model="numpy", nogil=True)(function), function)


def inlined(function: Function) -> Function:
    """The same, for a small function that only compiled ones call: it becomes part of them, so that calling it costs nothing."""
    return _kept(numba.njit(error_model="numpy", nogil=True, forceinline=True)(function), function)


def helper(function: Function) -> Function:
    """A function that compiled ones call: it becomes part of them, and is kept with them."""
    made: Any = numba.njit(error_model="numpy", nogil=True)(function)
    return made  # type: ignore[no-any-return]


def _kept(dispatcher: Any, function: Function) -> Function:
    dispatcher._cache = _Cache(function)
    result: Function = dispatcher
    return result
