"""Wires files: the only place that knows everything."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from system.files.adapters.levels.maker import SandboxedLevelMaker
from system.files.adapters.levels.models import StoredModels
from system.files.adapters.people import PeopleQueries
from system.files.adapters.pictures import Pictures
from system.files.adapters.queries import FilesQueries
from system.files.adapters.storage import S3Storage, StorageAddress
from system.files.adapters.unit_of_work import SqlFilesUnitOfWork
from system.files.application import handlers
from system.files.application import people as persons
from system.files.application.handlers import Limits, Tools
from system.files.application.levels import LevelMaking
from system.files.entrypoints import api, models, parts, people, previews
from system.files.entrypoints.ways import Ways
from system.files.entrypoints.worker import run_worker
from system.files.settings import FilesSettings
from system.plumbing.metrics import GaugeQuery
from system.plumbing.runtime import Service
from system.plumbing.timers import Timer


def service(settings: FilesSettings | None = None) -> Service:
    """Files, ready to serve."""
    settings = settings or FilesSettings()
    storage = storage_of(settings)
    limits = _limits(settings)

    async def tidy(make_uow: Callable[[], Any], buckets: frozenset[int]) -> int:
        # One process is enough: whoever leases the first bucket.
        if 0 not in buckets:
            return 0
        tools = Tools(make_uow, storage, limits)
        return await handlers.tidy(tools) + await persons.empty_landings(tools)

    async def close_storage(_: Service) -> None:
        storage.close()

    async def seek(make_uow: Callable[[], Any], buckets: frozenset[int]) -> int:
        return await handlers.ask_for_levels(Tools(make_uow, storage, limits)) if 0 in buckets else 0

    async def levels(process: Service) -> None:
        await run_worker(settings, making_of(process, storage, settings))

    files = Service(
        settings,
        routers=[
            api.router,
            api.internal,
            models.router,
            parts.router,
            previews.router,
            previews.internal,
            people.router,
        ],
        unit_of_work=SqlFilesUnitOfWork,
        timers=[Timer("tidy", settings.tidy_every_s, tidy), Timer("levels", settings.levels_sought_every_s, seek)],
        gauges=[_UPLOADS, _LEVELS],
        on_stop=[close_storage],
        background=[levels] if "levels" in settings.role_names else [],
        description="Models on their way in: uploads straight to the storage, checked once, then unchangeable.",
    )
    files.app.state.tools = Tools(files.make_uow, storage, limits)
    files.app.state.queries = FilesQueries(files.engine)
    files.app.state.ways = Ways(storage, settings)
    files.app.state.people = PeopleQueries(files.engine)
    files.app.state.pictures = Pictures(storage, bytes_max=settings.previews_kept_bytes_max)
    return files


_UPLOADS = GaugeQuery(
    "alexandrite_files_uploads",
    "Uploads of the last 24 hours, by status.",
    ("status",),
    "SELECT status, count(*) AS value FROM upload"
    " WHERE created_at > clock_timestamp() - interval '24 hours' GROUP BY status",
)


_LEVELS = GaugeQuery(
    "alexandrite_files_levels",
    "Large meshes, by what is known of their levels of detail.",
    ("state",),
    "SELECT state, count(*) AS value FROM mesh_levels GROUP BY state",
)


def worker(settings: FilesSettings | None = None) -> Service:
    """The same process with another role: it makes levels, and whoever asks it over HTTP is answered, but nobody is led to it."""
    return service((settings or FilesSettings()).model_copy(update={"roles": "levels"}))


def making_of(process: Service, storage: S3Storage, settings: FilesSettings) -> LevelMaking:
    """The making of levels as a worker runs it."""
    maker = SandboxedLevelMaker(
        timeout_s=settings.levels_timeout_s, cpu_s=settings.levels_cpu_s, memory_bytes=settings.levels_memory_bytes
    )
    return LevelMaking(process.make_uow, storage, StoredModels(storage), maker)


def storage_of(settings: FilesSettings) -> S3Storage:
    """The storage, as this process reaches it."""
    address = StorageAddress(
        endpoint=settings.s3_endpoint,
        public_url=settings.s3_public_url,
        bucket=settings.s3_bucket,
        access_key=settings.s3_access_key,
        secret_key=settings.s3_secret_key.get_secret_value(),
    )
    return S3Storage(address, at_once=settings.storage_at_once)


def _limits(settings: FilesSettings) -> Limits:
    return Limits(
        bytes_max=settings.upload_bytes_max,
        expires_s=settings.upload_expires_s,
        linger_s=settings.upload_linger_s,
        pending_max=settings.uploads_pending_max,
        levels_above_bytes=settings.levels_above_bytes,
        part_bytes=settings.upload_part_bytes,
        parts_expires_s=settings.upload_parts_expires_s,
    )
