"""Uploads."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from system.plumbing.schema import create_plumbing_tables

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Creates files' table and those of plumbing."""
    create_plumbing_tables(op.get_bind())
    op.create_table(
        "upload",
        sa.Column("file_id", sa.Uuid, primary_key=True),
        sa.Column("owner_id", sa.Uuid, nullable=False),
        sa.Column("filename", sa.String(120), nullable=False),
        sa.Column("declared_bytes", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.String(10), nullable=False, server_default="PENDING"),
        sa.Column("settled_at", sa.DateTime(timezone=True)),
        sa.Column("size_bytes", sa.BigInteger),
        sa.Column("sha256", sa.String(64)),
        sa.Column("format", sa.String(20)),
        sa.Column("triangle_count", sa.BigInteger),
        sa.Column("problem_code", sa.String(60)),
        sa.Column("problem_title", sa.String(200)),
        sa.Column("problem_detail", sa.Text),
        sa.Column("tidied_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("status IN ('PENDING', 'VERIFIED', 'REFUSED')", name="upload_status_known"),
        sa.CheckConstraint(
            "(status = 'PENDING') = (settled_at IS NULL) AND (status = 'PENDING') = (size_bytes IS NULL)",
            name="upload_settled_whole",
        ),
        sa.CheckConstraint(
            "(status = 'VERIFIED') = (format IS NOT NULL) AND (status = 'VERIFIED') <= (sha256 IS NOT NULL)"
            " AND (status = 'REFUSED') = (problem_code IS NOT NULL)",
            name="upload_verdict_whole",
        ),
    )
    op.create_index(
        "upload_pending", "upload", ["owner_id", "expires_at"], postgresql_where=sa.text("status = 'PENDING'")
    )
    op.create_index("upload_untidied", "upload", ["expires_at"], postgresql_where=sa.text("tidied_at IS NULL"))
