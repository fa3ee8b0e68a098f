"""Workflows that were added in a chat, their versions, and what jobs cost"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "library",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("graph", sa.JSON(), nullable=False),
        sa.Column("ui", sa.JSON(), nullable=True),
        sa.Column("file", sa.JSON(), nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("name", "number", name=op.f("pk_library")),
    )
    op.create_table(
        "shelf",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False, server_default=sa.true()),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_shelf")),
    )
    with op.batch_alter_table("job") as job:
        job.add_column(sa.Column("revision", sa.Integer(), nullable=True))
        job.add_column(sa.Column("paid", sa.Boolean(), nullable=False, server_default=sa.false()))
        job.add_column(sa.Column("price", sa.Float(), nullable=True))
