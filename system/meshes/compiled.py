"""Functions compiled by numba, from a cache where there is one, and in any case.

numba keeps what it compiled where NUMBA_CACHE_DIR says, or beside the source. It refuses to read a cache that it may not write to,
fails when it cannot write, and notices changes in one file only; a process under limits may not write, and our functions share files.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba
from numba.core import caching

F = TypeVar("F", bound=Callable[..., Any])


class _Kept:
    """A place of the cache that may be read-only; what is in it holds for the present bytes of all files of the function's folder."""

    _py_file: str

    def ensure_cache_path(self) -> None:
        """Raises OSError where there is no such place and none can be made."""
        try:
            super().ensure_cache_path()  # type: ignore[misc]
        except OSError:
            if not Path(self.get_cache_path()).is_dir():  # type: ignore[attr-defined]
                raise

    def get_source_stamp(self) -> tuple[str]:
        """What the kept code was made from."""
        digest = hashlib.sha256()
        for path in sorted(Path(self._py_file).parent.glob("*.py")):
            digest.update(path.read_bytes())
        return (digest.hexdigest(),)


class _Told(_Kept, caching.UserProvidedCacheLocator):
    """Where NUMBA_CACHE_DIR says."""


class _InTree(_Kept, caching.InTreeCacheLocator):
    """Beside the source."""


class _Implementation(caching.CompileResultCacheImpl):
    _locator_classes = [_Told, _InTree, caching.UserWideCacheLocator]  # noqa: RUF012  (numba's own way)


class _Cache(caching.FunctionCache):
    _impl_class = _Implementation

    def save_overload(self, *arguments: Any) -> None:
        try:
            super().save_overload(*arguments)  # type: ignore[no-untyped-call]
        except OSError:
            # What was compiled works all the same; the next process compiles it again.
            return


def helper(function: F) -> F:
    """A function that compiled ones call: it becomes part of them, and is kept with them."""
    made: Any = numba.njit(error_model="numpy")(function)
    return made  # type: ignore[no-any-return]


def compiled(function: F) -> F:
    """The function, compiled when it is first called with arguments of new types."""
    made: Any = helper(function)
    try:
        made._cache = _Cache(function)  # type: ignore[no-untyped-call]
    except RuntimeError:
        # There is no place at all: it is compiled anew in every process.
        return made  # type: ignore[no-any-return]
    return made  # type: ignore[no-any-return]
