"""People have levels and may be banned; places have rules; what somebody had in a day is found quickly."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("account", sa.Column("own_weight", sa.Float()))
    op.add_column("account", sa.Column("level", sa.String()))
    op.execute("UPDATE account SET own_weight = weight WHERE weight <> 1")
    op.create_table(
        "ban",
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("by", sa.String(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("until", sa.Float()),
        sa.ForeignKeyConstraint(["account"], ["account.id"], name=op.f("fk_ban_account")),
        sa.PrimaryKeyConstraint("account", name=op.f("pk_ban")),
    )
    op.create_table(
        "place_rule",
        sa.Column("platform", sa.String(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("allowed", sa.Boolean()),
        sa.Column("workflows", sa.JSON()),
        sa.Column("age_restricted", sa.Boolean()),
        sa.PrimaryKeyConstraint("platform", "external_id", name=op.f("pk_place_rule")),
    )
    op.create_index(op.f("ix_job_account_finished"), "job", ["account", "finished"])
