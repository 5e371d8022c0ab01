"""What files refuses.

Refused
├── UploadUnknown        404: there is no such upload, or it is somebody else's
├── NotUploadedYet       409: the storage holds nothing for this upload yet, or not every part
├── UploadExpired        409: nothing arrived in time; a new upload has to be started
├── UploadChanged        409: the file was replaced while it was being checked
├── ContentDeleted       409: the same content was deleted at this moment; completing again keeps it
├── TooManyUploads       409: too many uploads of this owner were begun and never completed
├── NotInParts           409: this upload was announced as one form
├── UploadSettled        409: it is verified or refused; no part of it is taken any more
├── PartUnknown          422: the file has no part of this number
├── PreviewMissing       404: there is no picture of this model, or not yet
├── ModelRefused         404: the file is no model, or was not completed yet
├── LevelNotReady        404: a lighter form of this model is being made
├── LevelMissing         404: there is no lighter form of this model, and there will be none
└── PreviewRefused       422: what was sent is no preview

A file that arrived and is not a model is no error: its upload is settled as REFUSED, with a problem that says why.
"""

from __future__ import annotations

from collections.abc import Sequence

from system.kernel.errors import Conflict, Invalid, NotFound


class UploadUnknown(NotFound):
    """There is no such upload, or it is somebody else's."""

    def __init__(self) -> None:
        super().__init__("upload-unknown", "There is no such upload of yours: start one with POST /uploads.")


class NotUploadedYet(Conflict):
    """The storage holds nothing for this upload yet, or not every part of it."""

    def __init__(self, *, missing: Sequence[int] = ()) -> None:
        if missing:
            told = f"{len(missing)} parts have not arrived: send them, then complete."
            super().__init__("not-uploaded-yet", told, missing=list(missing))
            return
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


class NotInParts(Conflict):
    """This upload was announced as one form."""

    def __init__(self) -> None:
        super().__init__(
            "not-in-parts",
            "This upload was announced as one form: post the file with it, or announce it with `in_parts`.",
        )


class UploadSettled(Conflict):
    """It is verified or refused already."""

    def __init__(self, *, status: str) -> None:
        super().__init__(
            "upload-settled",
            f"This upload is {status} already: no part of it is taken any more. Announce another file as a new upload.",
            file_status=status,
        )


class PartUnknown(Invalid):
    """The file has no part of this number."""

    def __init__(self, number: int, *, part_count: int) -> None:
        super().__init__(
            "part-unknown",
            f"There is no part {number}: this file has the parts 1 to {part_count}.",
            part_count=part_count,
        )


class PreviewMissing(NotFound):
    """There is no picture of this model, or not yet."""

    def __init__(self) -> None:
        super().__init__("preview-missing", "There is no preview of this model: it is drawn once its price is firm.")


class ModelRefused(NotFound):
    """The file is no model, or was not completed yet."""

    def __init__(self) -> None:
        super().__init__("model-missing", "There is no model to read: complete the upload, and look at its status.")


class LevelNotReady(NotFound):
    """A lighter form of this model is being made."""

    def __init__(self, *, retry_after_s: int) -> None:
        super().__init__(
            "level-not-ready",
            "The lighter form of this model is being made: ask again in a moment, or read the model itself.",
            retry_after_s=retry_after_s,
        )


class LevelMissing(NotFound):
    """There is no lighter form of this model, and there will be none."""

    def __init__(self) -> None:
        super().__init__(
            "level-missing", "A lighter form of this model could not be made: read the model itself, without `level`."
        )


class PreviewRefused(Invalid):
    """What was sent is no preview."""

    def __init__(self, reason: str) -> None:
        super().__init__("preview-refused", f"This is not kept: {reason}.")
