"""The index of jobs that were moved to the front has those alone"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moved = sa.text("front IS NOT NULL")
    op.drop_index(op.f("ix_job_front"), "job")
    op.create_index(op.f("ix_job_front"), "job", ["front"], sqlite_where=moved, postgresql_where=moved)
