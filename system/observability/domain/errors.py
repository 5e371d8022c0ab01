"""What is refused to whoever sends spans and log lines."""

from __future__ import annotations

from system.kernel.errors import Refused, Unavailable


class ExportUnreadable(Refused):
    """It is not what it says it is; sent again, it would be no better."""


class ExportTooLarge(Refused):
    """More than is taken at once."""

    status = 413


class ExportUnknown(Refused):
    """Neither protobuf nor JSON, or packed in an unknown way."""

    status = 415


class StoreFull(Refused):
    """There is no room before older days go."""

    status = 429


class StoreLags(Unavailable):
    """More is waiting to be written than is worth waiting for."""
