"""Whether backends answer, and what others have queued there, for other processes; and which jobs ended lately"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("backend") as backend:
        backend.add_column(sa.Column("up", sa.Boolean(), nullable=False, server_default=sa.false()))
        backend.add_column(sa.Column("others", sa.Integer(), nullable=False, server_default="0"))
    with op.batch_alter_table("job") as job:
        job.create_index(op.f("ix_job_finished"), ["finished"])
