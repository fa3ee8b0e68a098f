"""Small records for tests, and the whole of a database as data."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from bot.contract.values import AccountId, Actor, Command, JobId, MessageId, ParameterType, Place, RequestId
from bot.contract.values import ParameterSpec as Spec
from bot.jobs.models import Blob, Job, MessageView, NewRequest, Output, Setting
from bot.jobs.work import Work
from bot.store.database import Database
from bot.store.tables import metadata

GRAPH: dict[str, dict[str, Any]] = {
    "3": {"class_type": "KSampler", "inputs": {"seed": 0, "steps": 20, "positive": ["6", 0]}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": ""}},
}

Everything = dict[str, list[tuple[Any, ...]]]
"""All rows of all tables, by table."""


def actor(name: str = "ann") -> Actor:
    """A person on the platform `test`."""
    return Actor(platform="test", external_id=name, name=name.title())


def place(name: str = "room") -> Place:
    """A place on the platform `test`."""
    return Place(platform="test", external_id=name)


def new_request(key: str = "1", *, who: str = "ann", where: str = "room", **changes: Any) -> NewRequest:
    """A request whose ids all end in its key."""
    request = NewRequest(
        request=RequestId(f"request-{key}"),
        event_key=f"event-{key}",
        fingerprint="same",
        actor=actor(who),
        place=place(where),
        command="imagine",
        message=MessageId(f"message-{key}"),
        adapter="test",
        address={"chat": where, "message": key},
        job=JobId(f"job-{key}"),
        workflow="imagine",
        version="v1",
        graph=GRAPH,
        values={"prompt": "a red fox", "seed": 0},
        patch=(
            Setting(node="6", input="text", value="a red fox"),
            Setting(node="3", input="seed", value=0),
        ),
        seed=0,
        work=Work(workflow="imagine", steps=20),
        created=1000.0,
    )
    return replace(request, **changes)


def new_job(**changes: Any) -> Job:
    """The job of `new_request()` as it is stored, of the account `ann`."""
    job = Job(
        id=JobId("job-1"),
        request=RequestId("request-1"),
        account=AccountId("ann"),
        workflow="imagine",
        version="v1",
        values={"prompt": "a red fox", "seed": 0},
        patch=(
            Setting(node="6", input="text", value="a red fox"),
            Setting(node="3", input="seed", value=0),
        ),
        seed=0,
        created=1000.0,
    )
    return replace(job, **changes)


def new_view(job: Job, **changes: Any) -> MessageView:
    """The message of `new_request()`, showing this job."""
    view = MessageView(
        id=MessageId("message-1"),
        adapter="test",
        address={"chat": "room", "message": "1"},
        actor=actor(),
        place=place(),
        command="imagine",
        wanted=1,
        shown=0,
        removed=False,
        job=job,
    )
    return replace(view, **changes)


def new_output(sha256: str, index: int = 0) -> Output:
    """A picture as a result."""
    return Output(
        index=index,
        blob=Blob(sha256=sha256, size=3),
        media_type="image/png",
        name=f"imagine-{index + 1}.png",
        node="9",
    )


def imagine_command() -> Command:
    """A command with a text, a number and a seed."""
    return Command(
        name="imagine",
        title="Imagine",
        description="A picture from words",
        parameters=(
            Spec(name="prompt", type=ParameterType.TEXT, title="Prompt", required=True),
            Spec(name="negative", type=ParameterType.TEXT, title="Negative"),
            Spec(name="steps", type=ParameterType.INTEGER, title="Steps", minimum=1, maximum=100),
            Spec(name="seed", type=ParameterType.SEED, title="Seed"),
        ),
        workflow=True,
    )


def sqlite_url(folder: Path) -> str:
    """SQLAlchemy's name for a database in a folder."""
    return f"sqlite+aiosqlite:///{folder / 'muralist.db'}"


async def everything(database: Database) -> Everything:
    """All rows of all tables, to see that something changed nothing."""
    return await database.read(_rows)


def _rows(connection: Connection) -> Everything:
    return {
        name: [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key.columns))]
        for name, table in metadata.tables.items()
    }
