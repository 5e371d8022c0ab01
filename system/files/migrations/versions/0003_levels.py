"""Levels of detail: which meshes have them, which wait for them, and the queue of the workers that make them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from procrastinate.schema import SchemaManager

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Adds tables; the release before this one does not notice."""
    op.create_table(
        "mesh_levels",
        sa.Column("mesh_sha256", sa.String(64), primary_key=True),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("reason", sa.String(200)),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("state IN ('WANTED', 'MADE', 'REFUSED')", name="mesh_levels_state_known"),
        sa.CheckConstraint(
            "(state = 'WANTED') = (settled_at IS NULL) AND (state = 'REFUSED') = (reason IS NOT NULL)",
            name="mesh_levels_settled_whole",
        ),
    )
    op.create_table(
        "level",
        sa.Column("mesh_sha256", sa.String(64), nullable=False),
        sa.Column("name", sa.String(10), nullable=False),
        sa.Column("triangle_count", sa.Integer, nullable=False),
        sa.Column("size_bytes", sa.Integer, nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("mesh_sha256", "name"),
    )
    # Several statements with percent signs: the driver takes them as they are.
    op.get_bind().connection.driver_connection.execute(SchemaManager.get_schema())


def downgrade() -> None:
    """There is no way back; the next revision mends."""
    raise NotImplementedError("revisions only go forward")
