"""Files' unit of work: plumbing's transaction with the uploads on it."""

from __future__ import annotations

from system.files.adapters.repositories import UploadRepository
from system.files.application.ports import Uploads
from system.plumbing.unit_of_work import UnitOfWork


class SqlFilesUnitOfWork(UnitOfWork):
    """One transaction over files' tables."""

    uploads: Uploads

    async def on_enter(self) -> None:
        self.uploads = UploadRepository(self.connection)
