"""Shares in seconds of backends, lanes, lines of jobs that are alike, and what was learned of how long things take"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

LIVE = "('claimed', 'posting', 'waiting', 'running', 'fetching')"

FLOWS = f"""
    INSERT INTO flow (account, lane, vtime, waiting, seconds, running)
    SELECT account, lane, 0, SUM(CASE WHEN state = 'queued' THEN 1 ELSE 0 END),
        SUM(CASE WHEN state = 'queued' THEN estimate ELSE 0 END),
        SUM(CASE WHEN state IN {LIVE} THEN 1 ELSE 0 END)
    FROM job GROUP BY account, lane
"""

LINES = """
    INSERT INTO line (account, lane, place, models, shunned, waiting, seconds, served)
    SELECT account, lane, place, models, shunned, COUNT(*), SUM(estimate), 0
    FROM job WHERE state = 'queued' GROUP BY account, lane, place, models, shunned
"""


def upgrade() -> None:
    with op.batch_alter_table("account") as account:
        account.add_column(sa.Column("weight", sa.Float(), nullable=False, server_default="1"))
    with op.batch_alter_table("request") as request:
        request.create_index(op.f("ix_request_account_created"), ["account", "created"])
    _jobs()
    op.drop_table("flow")
    _tables()
    op.execute("UPDATE job SET place = (SELECT place FROM request WHERE request.id = job.request)")
    op.execute(FLOWS)
    op.execute(LINES)


def _jobs() -> None:
    added: tuple[sa.Column[Any], ...] = (
        sa.Column("lane", sa.String(), nullable=False, server_default="interactive"),
        sa.Column("place", sa.String()),
        sa.Column("models", sa.String(), nullable=False, server_default=""),
        sa.Column("shunned", sa.String(), nullable=False, server_default=""),
        sa.Column("pixels", sa.Integer()),
        sa.Column("steps", sa.Integer()),
        sa.Column("batch", sa.Integer(), nullable=False, server_default="1"),
        sa.Column("estimate", sa.Float(), nullable=False, server_default="20"),
        sa.Column("charged", sa.Float(), nullable=False, server_default="0"),
        sa.Column("loads", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("guess", sa.Float()),
        sa.Column("held", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("early", sa.Float()),
        sa.Column("late", sa.Float()),
    )
    with op.batch_alter_table("job") as job:
        for column in added:
            job.add_column(column)
        job.drop_index(op.f("ix_job_state_account_number"))
        job.create_index(
            op.f("ix_job_state_account_lane_models_number"), ["state", "account", "lane", "models", "number"]
        )


def _tables() -> None:
    op.create_table(
        "flow",
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("lane", sa.String(), nullable=False),
        sa.Column("vtime", sa.Float(), nullable=False),
        sa.Column("waiting", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("running", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["account.id"], name=op.f("fk_flow_account")),
        sa.PrimaryKeyConstraint("account", "lane", name=op.f("pk_flow")),
    )
    op.create_index(op.f("ix_flow_lane_waiting_vtime"), "flow", ["lane", "waiting", "vtime"])
    op.create_table(
        "line",
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("lane", sa.String(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("models", sa.String(), nullable=False),
        sa.Column("shunned", sa.String(), nullable=False),
        sa.Column("waiting", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("served", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["account.id"], name=op.f("fk_line_account")),
        sa.ForeignKeyConstraint(["place"], ["place.id"], name=op.f("fk_line_place")),
        sa.PrimaryKeyConstraint("account", "lane", "place", "models", "shunned", name=op.f("pk_line")),
    )
    op.create_index(op.f("ix_line_place"), "line", ["place"])
    op.create_table(
        "lane",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("vtime", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_lane")),
    )
    op.create_table(
        "loaded",
        sa.Column("backend", sa.String(), nullable=False),
        sa.Column("models", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("backend", name=op.f("pk_loaded")),
    )
    op.create_table(
        "estimate",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("latest", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_estimate")),
    )
