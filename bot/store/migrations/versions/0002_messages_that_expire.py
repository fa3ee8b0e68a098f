"""Messages that expire, hidden pictures, and what an adapter keeps for itself"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("message") as message:
        for name in ("transient", "parked", "spoiler"):
            message.add_column(sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "memory",
        sa.Column("adapter", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.Column("kept", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("adapter", "name", name=op.f("pk_memory")),
    )
