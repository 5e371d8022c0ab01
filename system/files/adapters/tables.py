"""Files' tables."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    Uuid,
    text,
)

metadata = MetaData()

APPEND_ONLY: tuple[str, ...] = ()
"""Of files' own tables none: an upload changes once, from PENDING to its verdict, a preview when it is drawn anew, and what is known
of a mesh's levels when they are made."""

upload = Table(
    "upload",
    metadata,
    Column("file_id", Uuid, primary_key=True),
    Column("owner_id", Uuid, nullable=False),
    Column("filename", String(120), nullable=False),
    Column("declared_bytes", BigInteger, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False),
    Column("expires_at", DateTime(timezone=True), nullable=False),
    Column("status", String(10), nullable=False, server_default="PENDING"),
    Column("settled_at", DateTime(timezone=True)),
    Column("size_bytes", BigInteger),
    Column("sha256", String(64)),
    # For a release that knows STL only; `recognised_as` is what the file is, where it is something else.
    Column("format", String(20)),
    Column("recognised_as", String(20)),
    Column("triangle_count", BigInteger),
    Column("problem_code", String(60)),
    Column("problem_title", String(200)),
    Column("problem_detail", Text),
    Column("tidied_at", DateTime(timezone=True)),
    Column("part_bytes", Integer),
    Column("multipart_id", String(200)),
    CheckConstraint("status IN ('PENDING', 'VERIFIED', 'REFUSED')", name="upload_status_known"),
    CheckConstraint(
        "(status = 'PENDING') = (settled_at IS NULL) AND (status = 'PENDING') = (size_bytes IS NULL)",
        name="upload_settled_whole",
    ),
    CheckConstraint(
        "(status = 'VERIFIED') = (format IS NOT NULL) AND (status = 'VERIFIED') <= (sha256 IS NOT NULL)"
        " AND (status = 'REFUSED') = (problem_code IS NOT NULL)",
        name="upload_verdict_whole",
    ),
    Index("upload_pending", "owner_id", "expires_at", postgresql_where=text("status = 'PENDING'")),
    Index("upload_untidied", "expires_at", postgresql_where=text("tidied_at IS NULL")),
    Index("upload_owner", "owner_id", "file_id"),
    Index("upload_content", "sha256"),
)

preview = Table(
    "preview",
    metadata,
    Column("mesh_sha256", String(64), nullable=False),
    Column("size_px", Integer, nullable=False),
    Column("etag", String(64), nullable=False),
    Column("size_bytes", Integer, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("mesh_sha256", "size_px"),
)

mesh_levels = Table(
    "mesh_levels",
    metadata,
    Column("mesh_sha256", String(64), primary_key=True),
    Column("state", String(10), nullable=False),
    Column("reason", String(200)),
    Column("asked_at", DateTime(timezone=True), nullable=False),
    Column("settled_at", DateTime(timezone=True)),
    CheckConstraint("state IN ('WANTED', 'MADE', 'REFUSED')", name="mesh_levels_state_known"),
    CheckConstraint(
        "(state = 'WANTED') = (settled_at IS NULL) AND (state = 'REFUSED') = (reason IS NOT NULL)",
        name="mesh_levels_settled_whole",
    ),
)

level = Table(
    "level",
    metadata,
    Column("mesh_sha256", String(64), nullable=False),
    Column("name", String(10), nullable=False),
    Column("triangle_count", Integer, nullable=False),
    Column("size_bytes", Integer, nullable=False),
    Column("made_at", DateTime(timezone=True), nullable=False),
    PrimaryKeyConstraint("mesh_sha256", "name"),
)

# Of uploads that are gone: their forms may still be used, so that these places are emptied once more afterwards.
landing_left = Table(
    "landing_left",
    metadata,
    Column("key", String(200), primary_key=True),
    Column("empty_from", DateTime(timezone=True), nullable=False),
    Index("landing_left_due", "empty_from"),
)
