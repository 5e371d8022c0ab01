"""What files refuses.

Refused
├── UploadUnknown        404: there is no such upload, or it is somebody else's
├── NotUploadedYet       409: the storage holds nothing for this upload yet
├── UploadExpired        409: nothing arrived in time; a new upload has to be started
├── UploadChanged        409: the file was replaced while it was being checked
├── ContentDeleted       409: the same content was deleted at this moment; completing again keeps it
├── TooManyUploads       409: too many uploads of this owner were begun and never completed
├── PreviewMissing       404: there is no picture of this model, or not yet
└── PreviewRefused       422: what was sent is no preview

A file that arrived and is not a model is no error: its upload is settled as REFUSED, with a problem that says why.
"""

from __future__ import annotations

from system.kernel.errors import Conflict, Invalid, NotFound


class UploadUnknown(NotFound):
    """There is no such upload, or it is somebody else's."""

    def __init__(self) -> None:
        super().__init__("upload-unknown", "There is no such upload of yours: start one with POST /uploads.")


class NotUploadedYet(Conflict):
    """The storage holds nothing for this upload yet."""

    def __init__(self) -> None:
        super().__init__(
            "not-uploaded-yet", "The file has not arrived: send it to the upload's url with its fields, then complete."
        )


class UploadExpired(Conflict):
    """Nothing arrived in time."""

    def __init__(self) -> None:
        super().__init__("upload-expired", "The time for this upload is over and no file arrived: start a new one.")


class UploadChanged(Conflict):
    """The file was replaced while it was being checked."""

    def __init__(self) -> None:
        super().__init__("upload-changed", "The file was replaced while it was being checked: complete it again.")


class ContentDeleted(Conflict):
    """The last other upload of the same content was deleted, and the content with it, while this one was being checked."""

    def __init__(self) -> None:
        super().__init__("upload-changed", "The file was moved while it was being checked: complete it again.")


class TooManyUploads(Conflict):
    """Too many uploads of this owner were begun and never completed."""

    def __init__(self, *, pending_max: int) -> None:
        super().__init__(
            "too-many-uploads",
            f"You have begun {pending_max} uploads without completing them: complete one, or wait until they expire.",
            pending_max=pending_max,
        )


class PreviewMissing(NotFound):
    """There is no picture of this model, or not yet."""

    def __init__(self) -> None:
        super().__init__("preview-missing", "There is no preview of this model: it is drawn once its price is firm.")


class PreviewRefused(Invalid):
    """What was sent is no preview."""

    def __init__(self, reason: str) -> None:
        super().__init__("preview-refused", f"This is not kept: {reason}.")
