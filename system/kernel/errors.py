"""The three families of error.

AlexandriteError
├── Refused            the business says no: a 4xx problem, no alert, the caller can act on it
│   ├── NotFound       404: there is no such thing, or it is not yours
│   ├── Forbidden      403: you may not do this
│   ├── Invalid        422: the request makes no sense; `detail` says what to send instead
│   ├── Conflict       409: the state does not allow it; `extra` names what is allowed
│   └── Stale          412: somebody changed it since you read it
└── Unavailable        a dependency did not answer: 503, the same request may work later

Anything else is a bug: 500 and an alert.
"""

from __future__ import annotations

from typing import Any, ClassVar


class AlexandriteError(Exception):
    """The root. `code` is a stable kebab-case word, `detail` a sentence for a person, `extra` JSON for a machine."""

    status: ClassVar[int] = 500

    def __init__(self, code: str, detail: str, **extra: Any) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.extra = extra


class Refused(AlexandriteError):
    """A business refusal. Nothing was changed."""

    status = 400


class NotFound(Refused):
    """There is no such thing, or the caller may not know of it."""

    status = 404


class Forbidden(Refused):
    """The caller is known and may not do this."""

    status = 403


class Invalid(Refused):
    """The request makes no sense as it is."""

    status = 422


class Conflict(Refused):
    """The present state does not allow it."""

    status = 409


class Stale(Refused):
    """The caller acted on an older version."""

    status = 412


class Unavailable(AlexandriteError):
    """A dependency did not answer in time. Trying again later is safe."""

    status = 503
