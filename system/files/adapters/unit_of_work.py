"""Files' unit of work: plumbing's transaction with the uploads on it."""

from __future__ import annotations

from system.files.adapters.levels.repository import LevelRepository
from system.files.adapters.people import PeopleRepository
from system.files.adapters.repositories import PreviewRepository, UploadRepository
from system.files.application.people import People
from system.files.application.ports import Levels, Previews, Uploads
from system.plumbing.unit_of_work import UnitOfWork


class SqlFilesUnitOfWork(UnitOfWork):
    """One transaction over files' tables."""

    uploads: Uploads
    previews: Previews
    levels: Levels
    people: People

    async def on_enter(self) -> None:
        self.uploads = UploadRepository(self.connection)
        self.previews = PreviewRepository(self.connection)
        self.levels = LevelRepository(self.connection)
        self.people = PeopleRepository(self)
