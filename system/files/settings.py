"""Files' settings."""

from __future__ import annotations

from pydantic import Field, SecretStr

from system.plumbing.settings import ServiceSettings


class FilesSettings(ServiceSettings):
    """What files is told at start, beside what every service is told."""

    service: str = "files"
    roles: str = Field(
        "api,timer", description="what this process does: api, timer, levels; files neither sends nor receives messages"
    )

    s3_endpoint: str = Field("http://s3:8333", description="the storage as services reach it")
    s3_public_url: str = Field("https://localhost:8444", description="the storage as browsers reach it")
    s3_access_key: str = "alexandrite"
    s3_secret_key: SecretStr = SecretStr("")
    s3_bucket: str = "models"
    storage_at_once: int = Field(8, ge=1, description="calls to the storage, long reads among them, at the same time")

    upload_bytes_max: int = Field(100_000_000, ge=1, description="the largest file that is taken")
    upload_expires_s: int = Field(900, ge=0, description="how long an upload may begin after it was announced")
    upload_part_bytes: int = Field(
        8 * 1024 * 1024,
        ge=5 * 1024 * 1024,
        description="size of a part of an upload in parts; S3 takes a smaller one only as the last",
    )
    upload_parts_expires_s: int = Field(
        86_400, ge=0, description="how long an upload in parts may take, with all its interruptions"
    )
    upload_linger_s: int = Field(3600, ge=0, description="how long after that what it left behind is removed")
    uploads_pending_max: int = Field(50, ge=1, description="uploads of one owner that were begun and not completed")
    download_expires_s: int = Field(900, ge=1, description="how long a service may begin to read a file")
    browser_expires_s: int = Field(
        60, ge=1, description="how long a browser that was led to a file may begin to read it"
    )
    previews_kept_bytes_max: int = Field(16 * 1024 * 1024, ge=0, description="memory for the previews asked for last")
    tidy_every_s: float = 300.0

    levels_above_bytes: int = Field(
        5_000_000, ge=0, description="models above this size get levels of detail; what the viewer loads unasked"
    )
    levels_timeout_s: float = Field(300.0, gt=0, description="how long the making of one model's levels may take")
    levels_cpu_s: int = Field(60, ge=1, description="how much processor time it may take")
    levels_memory_bytes: int = Field(1_150 * 1024 * 1024, ge=1, description="how much memory it may take")
    levels_stalled_after_s: float = Field(
        30.0, gt=0, description="after so long without a beat a worker's job is taken over"
    )
    levels_sought_every_s: float = Field(
        300.0, gt=0, description="how often large models without levels are looked for"
    )
    levels_retry_after_s: int = Field(5, ge=1, description="when to ask again for levels that are being made")
