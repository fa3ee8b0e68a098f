"""The first tables"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
    )
    op.create_table(
        "backend",
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("client_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("url", name=op.f("pk_backend")),
    )
    op.create_table(
        "blob",
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_blob")),
    )
    op.create_table(
        "lease",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=True),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("beat", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_lease")),
    )
    op.create_table(
        "place",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("platform", sa.String(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_place")),
        sa.UniqueConstraint("platform", "external_id", name=op.f("uq_place_platform_external_id")),
    )
    op.create_table(
        "workflow_version",
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("graph", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_workflow_version")),
    )
    op.create_table(
        "flow",
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("vtime", sa.Float(), nullable=False),
        sa.Column("waiting", sa.Integer(), nullable=False),
        sa.Column("running", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["account.id"], name=op.f("fk_flow_account")),
        sa.PrimaryKeyConstraint("account", name=op.f("pk_flow")),
    )
    with op.batch_alter_table("flow", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_flow_waiting_vtime"), ["waiting", "vtime"], unique=False)

    op.create_table(
        "identity",
        sa.Column("platform", sa.String(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["account.id"], name=op.f("fk_identity_account")),
        sa.PrimaryKeyConstraint("platform", "external_id", name=op.f("pk_identity")),
    )
    op.create_table(
        "request",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("event_key", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("actor_platform", sa.String(), nullable=False),
        sa.Column("actor_external_id", sa.String(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("command", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("created", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["account.id"], name=op.f("fk_request_account")),
        sa.ForeignKeyConstraint(["place"], ["place.id"], name=op.f("fk_request_place")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_request")),
        sa.UniqueConstraint("event_key", name=op.f("uq_request_event_key")),
    )
    op.create_table(
        "job",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("request", sa.String(), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("parent_job", sa.String(), nullable=True),
        sa.Column("parent_output", sa.Integer(), nullable=True),
        sa.Column("workflow", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("values", sa.JSON(), nullable=False),
        sa.Column("patch", sa.JSON(), nullable=False),
        sa.Column("seed", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("backend", sa.String(), nullable=True),
        sa.Column("epoch", sa.Integer(), nullable=True),
        sa.Column("cancel_requested", sa.Boolean(), nullable=False),
        sa.Column("fraction", sa.Float(), nullable=False),
        sa.Column("node", sa.String(), nullable=True),
        sa.Column("error", sa.JSON(), nullable=True),
        sa.Column("created", sa.Float(), nullable=False),
        sa.Column("started", sa.Float(), nullable=True),
        sa.Column("finished", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["account"], ["account.id"], name=op.f("fk_job_account")),
        sa.ForeignKeyConstraint(["request"], ["request.id"], name=op.f("fk_job_request")),
        sa.ForeignKeyConstraint(["version"], ["workflow_version.version"], name=op.f("fk_job_version")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
        sa.UniqueConstraint("number", name=op.f("uq_job_number")),
    )
    with op.batch_alter_table("job", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_job_backend_state"), ["backend", "state"], unique=False)
        batch_op.create_index(batch_op.f("ix_job_request"), ["request"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_job_state_account_number"), ["state", "account", "number"], unique=False
        )

    op.create_table(
        "message",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("request", sa.String(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("adapter", sa.String(), nullable=False),
        sa.Column("address", sa.JSON(), nullable=False),
        sa.Column("wanted", sa.Integer(), nullable=False),
        sa.Column("shown", sa.Integer(), nullable=False),
        sa.Column("removed", sa.Boolean(), nullable=False),
        sa.Column("dead", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["place"], ["place.id"], name=op.f("fk_message_place")),
        sa.ForeignKeyConstraint(["request"], ["request.id"], name=op.f("fk_message_request")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
        sa.UniqueConstraint("number", name=op.f("uq_message_number")),
        sa.UniqueConstraint("request", name=op.f("uq_message_request")),
    )
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_message_adapter_dead_wanted_shown"),
            ["adapter", "dead", "wanted", "shown"],
            unique=False,
        )
        batch_op.create_index(batch_op.f("ix_message_place_number"), ["place", "number"], unique=False)

    op.create_table(
        "attempt",
        sa.Column("job", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("prompt_id", sa.String(), nullable=False),
        sa.Column("backend", sa.String(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["job"], ["job.id"], name=op.f("fk_attempt_job")),
        sa.PrimaryKeyConstraint("job", "number", name=op.f("pk_attempt")),
        sa.UniqueConstraint("prompt_id", name=op.f("uq_attempt_prompt_id")),
    )
    op.create_table(
        "input",
        sa.Column("job", sa.String(), nullable=False),
        sa.Column("parameter", sa.String(), nullable=False),
        sa.Column("node", sa.String(), nullable=False),
        sa.Column("input", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["job"], ["job.id"], name=op.f("fk_input_job")),
        sa.ForeignKeyConstraint(["sha256"], ["blob.sha256"], name=op.f("fk_input_sha256")),
        sa.PrimaryKeyConstraint("job", "node", "input", name=op.f("pk_input")),
    )
    op.create_table(
        "output",
        sa.Column("job", sa.String(), nullable=False),
        sa.Column("index", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("node", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["job"], ["job.id"], name=op.f("fk_output_job")),
        sa.ForeignKeyConstraint(["sha256"], ["blob.sha256"], name=op.f("fk_output_sha256")),
        sa.PrimaryKeyConstraint("job", "index", name=op.f("pk_output")),
    )


def downgrade() -> None:
    op.drop_table("output")
    op.drop_table("input")
    op.drop_table("attempt")
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_message_place_number"))
        batch_op.drop_index(batch_op.f("ix_message_adapter_dead_wanted_shown"))

    op.drop_table("message")
    with op.batch_alter_table("job", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_job_state_account_number"))
        batch_op.drop_index(batch_op.f("ix_job_request"))
        batch_op.drop_index(batch_op.f("ix_job_backend_state"))

    op.drop_table("job")
    op.drop_table("request")
    op.drop_table("identity")
    with op.batch_alter_table("flow", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_flow_waiting_vtime"))

    op.drop_table("flow")
    op.drop_table("workflow_version")
    op.drop_table("place")
    op.drop_table("lease")
    op.drop_table("blob")
    op.drop_table("backend")
    op.drop_table("account")
