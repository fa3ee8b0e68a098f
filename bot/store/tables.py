"""The tables. The database is the memory: nothing that matters lives only in a process."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    false,
    text,
    true,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

account = Table(
    "account",
    metadata,
    Column("id", String, primary_key=True),
    Column("created", Float, nullable=False),
    Column("weight", Float, nullable=False, server_default="1"),
    Column("own_weight", Float),
    Column("level", String),
)

# Who is blocked, why, by whom (platform:id), and until when; without an end for good.
ban = Table(
    "ban",
    metadata,
    Column("account", ForeignKey("account.id"), primary_key=True),
    Column("reason", String, nullable=False),
    Column("by", String, nullable=False),
    Column("at", Float, nullable=False),
    Column("until", Float),
)

identity = Table(
    "identity",
    metadata,
    Column("platform", String, primary_key=True),
    Column("external_id", String, primary_key=True),
    Column("account", ForeignKey("account.id"), nullable=False),
    Column("name", String, nullable=False),
)

place = Table(
    "place",
    metadata,
    Column("id", String, primary_key=True),
    Column("platform", String, nullable=False),
    Column("external_id", String, nullable=False),
    UniqueConstraint("platform", "external_id"),
)

# What admins said of a place, or of what places are part of: whether the bot serves there, which workflows run there
# (null: all), whether it lets adults alone in (null: as its platform says). Not all of them were asked in yet.
place_rule = Table(
    "place_rule",
    metadata,
    Column("platform", String, primary_key=True),
    Column("external_id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("allowed", Boolean),
    Column("workflows", JSON(none_as_null=True)),
    Column("age_restricted", Boolean),
)

# One per account and lane: virtual time in seconds of backends by weight. `waiting`, `seconds` (the work that waits)
# and `running` are derived from the jobs and rebuilt at every start.
flow = Table(
    "flow",
    metadata,
    Column("account", ForeignKey("account.id"), primary_key=True),
    Column("lane", String, primary_key=True),
    Column("vtime", Float, nullable=False),
    Column("waiting", Integer, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("running", Integer, nullable=False),
    Index(None, "lane", "waiting", "vtime"),
)

# Jobs that wait and are alike to the scheduler, as long as there are any; derived from the jobs like the above, but
# for `served`: the flow's virtual time when one of them was taken last, or when the first began to wait.
line = Table(
    "line",
    metadata,
    Column("account", ForeignKey("account.id"), primary_key=True),
    Column("lane", String, primary_key=True),
    Column("place", ForeignKey("place.id"), primary_key=True),
    Column("models", String, primary_key=True),
    Column("shunned", String, primary_key=True),
    Column("waiting", Integer, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("served", Float, nullable=False),
    Index(None, "place"),
)

lane = Table(
    "lane",
    metadata,
    Column("name", String, primary_key=True),
    Column("vtime", Float, nullable=False),
)

# What a backend is believed to have loaded: the models of the graph that it was given last, while it answers.
loaded = Table(
    "loaded",
    metadata,
    Column("backend", String, primary_key=True),
    Column("models", String, nullable=False),
)

# What was learned of how long things take: the latest values by key.
estimate = Table(
    "estimate",
    metadata,
    Column("key", String, primary_key=True),
    Column("latest", JSON, nullable=False),
)

request = Table(
    "request",
    metadata,
    Column("id", String, primary_key=True),
    Column("event_key", String, nullable=False, unique=True),
    Column("account", ForeignKey("account.id"), nullable=False),
    Column("actor_platform", String, nullable=False),
    Column("actor_external_id", String, nullable=False),
    Column("place", ForeignKey("place.id"), nullable=False),
    Column("command", String, nullable=False),
    Column("fingerprint", String, nullable=False),
    Column("created", Float, nullable=False),
    Index(None, "account", "created"),
)

# A workflow's graph as it was when a job was made, so that editing the file changes no job that waits.
workflow_version = Table(
    "workflow_version",
    metadata,
    Column("version", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("graph", JSON, nullable=False),
)

# What was added while Muralist runs. A version is never changed: jobs name the one that they were made with.
library = Table(
    "library",
    metadata,
    Column("name", String, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("graph", JSON, nullable=False),
    Column("ui", JSON(none_as_null=True)),
    Column("file", JSON, nullable=False),
    Column("author", String, nullable=False),
    Column("created", Float, nullable=False),
)

# Which version of a workflow is in use, none where its files are, and whether people may use it.
shelf = Table(
    "shelf",
    metadata,
    Column("name", String, primary_key=True),
    Column("number", Integer),
    Column("enabled", Boolean, nullable=False, server_default=true()),
)

job = Table(
    "job",
    metadata,
    Column("id", String, primary_key=True),
    Column("number", Integer, nullable=False, unique=True),
    Column("request", ForeignKey("request.id"), nullable=False, index=True),
    Column("account", ForeignKey("account.id"), nullable=False),
    Column("parent_job", String),
    Column("parent_output", Integer),
    Column("workflow", String, nullable=False),
    Column("version", ForeignKey("workflow_version.version"), nullable=False),
    Column("values", JSON, nullable=False),
    Column("patch", JSON, nullable=False),
    Column("seed", String),
    Column("state", String, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("backend", String),
    Column("epoch", Integer),
    Column("cancel_requested", Boolean, nullable=False),
    Column("fraction", Float, nullable=False),
    Column("node", String),
    Column("error", JSON),
    Column("created", Float, nullable=False),
    Column("started", Float),
    Column("finished", Float),
    Column("lane", String, nullable=False, server_default="interactive"),
    Column("place", String),
    Column("models", String, nullable=False, server_default=""),
    Column("shunned", String, nullable=False, server_default=""),
    Column("pixels", Integer),
    Column("steps", Integer),
    Column("batch", Integer, nullable=False, server_default="1"),
    Column("estimate", Float, nullable=False, server_default="20"),
    Column("charged", Float, nullable=False, server_default="0"),
    Column("loads", Boolean, nullable=False, server_default=false()),
    Column("guess", Float),
    Column("held", Boolean, nullable=False, server_default=false()),
    Column("early", Float),
    Column("late", Float),
    Column("front", Integer),
    Column("revision", Integer),
    Column("paid", Boolean, nullable=False, server_default=false()),
    Column("price", Float),
    Column("reading", JSON(none_as_null=True)),
    Index(None, "state", "account", "lane", "models", "number"),
    Index(None, "front", sqlite_where=text("front IS NOT NULL"), postgresql_where=text("front IS NOT NULL")),
    Index(None, "backend", "state"),
    Index(None, "account", "finished"),
    Index(None, "finished"),
)

attempt = Table(
    "attempt",
    metadata,
    Column("job", ForeignKey("job.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("prompt_id", String, nullable=False, unique=True),
    Column("backend", String, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("outcome", String),
)

blob = Table(
    "blob",
    metadata,
    Column("sha256", String, primary_key=True),
    Column("size", Integer, nullable=False),
)

input_ = Table(
    "input",
    metadata,
    Column("job", ForeignKey("job.id"), primary_key=True),
    Column("parameter", String, nullable=False),
    Column("node", String, primary_key=True),
    Column("input", String, primary_key=True),
    Column("sha256", ForeignKey("blob.sha256"), nullable=False),
)

output = Table(
    "output",
    metadata,
    Column("job", ForeignKey("job.id"), primary_key=True),
    Column("index", Integer, primary_key=True),
    Column("sha256", ForeignKey("blob.sha256"), nullable=False),
    Column("media_type", String, nullable=False),
    Column("name", String, nullable=False),
    Column("node", String, nullable=False),
)

# The outbox is the pair of revisions: whatever changes durably raises `wanted`, and whoever shows the card as
# it then stands raises `shown` to the `wanted` it had read. Showing is an edit, so showing twice is harmless.
# A message is parked while its address has expired, dead once it is gone.
message = Table(
    "message",
    metadata,
    Column("id", String, primary_key=True),
    Column("number", Integer, nullable=False, unique=True),
    Column("request", ForeignKey("request.id"), nullable=False, unique=True),
    Column("place", ForeignKey("place.id"), nullable=False),
    Column("adapter", String, nullable=False),
    Column("address", JSON, nullable=False),
    Column("wanted", Integer, nullable=False),
    Column("shown", Integer, nullable=False),
    Column("removed", Boolean, nullable=False),
    Column("dead", Boolean, nullable=False),
    Column("transient", Boolean, nullable=False, server_default=false()),
    Column("parked", Boolean, nullable=False, server_default=false()),
    Column("spoiler", Boolean, nullable=False, server_default=false()),
    Index(None, "place", "number"),
    Index(None, "adapter", "dead", "wanted", "shown"),
)

# What an adapter keeps for itself: events that it has acknowledged, half-asked commands, what it last published.
memory = Table(
    "memory",
    metadata,
    Column("adapter", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("value", JSON, nullable=False),
    Column("kept", Float, nullable=False),
)

# What this installation remembers of a server between runs: the websocket's client id, so that a restarted
# bot hears the rest of what it had begun. And what its lease holder last saw of it: whether it answers, and how many
# prompts run or wait there that are not ours.
backend = Table(
    "backend",
    metadata,
    Column("url", String, primary_key=True),
    Column("client_id", String, nullable=False),
    Column("up", Boolean, nullable=False, server_default=false()),
    Column("others", Integer, nullable=False, server_default="0"),
)

# Dead when an observer's own monotonic clock saw no new beat for long enough: no wall clock decides.
lease = Table(
    "lease",
    metadata,
    Column("name", String, primary_key=True),
    Column("owner", String),
    Column("epoch", Integer, nullable=False),
    Column("beat", Integer, nullable=False),
)

# What admins have switched while running: what takes no jobs, servers beside those of the settings, limits; and of
# which hold a backend has given its memory back for. Without a backend it is about all of them.
switch = Table(
    "switch",
    metadata,
    Column("name", String, primary_key=True),
    Column("backend", String, primary_key=True),
    Column("value", JSON, nullable=False),
    Column("since", Float, nullable=False),
)

# Who changed what, on whom, from what to what; rows are only ever added.
audit = Table(
    "audit",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", Float, nullable=False),
    Column("platform", String, nullable=False),
    Column("external_id", String, nullable=False),
    Column("name", String, nullable=False),
    Column("what", String, nullable=False),
    Column("whom", String, nullable=False),
    Column("before", String, nullable=False),
    Column("after", String, nullable=False),
)
