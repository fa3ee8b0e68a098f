"""campaign: a long run in which everything is killed again and again, on SQLite and on PostgreSQL.

Bots, workers, servers and PostgreSQL get SIGKILL at moments drawn by a seed while jobs flow, asked for on the page, on
Discord and on Telegram. In the end every job must be over, once, and its own picture shown once where it was asked for;
and no more runs may have been repeated than there were kills.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
from sqlalchemy import Connection, func, select

from adapters.discord.desk import EVENT
from benchmarks import crowd
from benchmarks.crowd import PEOPLE, Crowd, OnDiscord, OnPage, OnTelegram
from benchmarks.report import Figure, at_most, exactly
from benchmarks.workflows import write_workflows
from bot.jobs.states import ENDS, State
from bot.store.database import Database
from bot.store.tables import attempt, job, memory, message, output, request
from tests.discord.double import Discord
from tests.postgres import Server, binaries, running
from tests.processes import Program, bot_program, fork_programs, simulator_program
from tests.telegram.double import Telegram

OPEN_JOBS = 60
"""So many are asked for ahead of those that are done."""

LATE_SECONDS = 600.0
"""How long after the last request the last job may end."""

SECONDS = 600.0
PAUSE = 4.0
QUICK_JOBS, QUICK_PAUSE = 30, 1.0

NODE_SECONDS = 0.1
DOWN_SECONDS = 3.0
"""A victim stays away for up to so long."""

KINDS = ("chat processes", "servers", "workers", "PostgreSQL")
"""Who is killed; of SQLite the first two, as its one process does everything."""

_ASKED = (
    select(request.c.actor_platform, func.count())
    .join(job, job.c.request == request.c.id)
    .group_by(request.c.actor_platform)
)

_ORDERS = select(func.count()).select_from(memory).where(memory.c.name.like(f"{EVENT}%"))

RUN = ["-c", "from bot.cli import main; main()", "run"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What one campaign does. `pause` is the mean time in seconds between two kills.

    It ends once `jobs` were asked for and each kind of program was killed, but not before `seconds`.
    """

    database: str
    workers: int
    servers: int
    jobs: int
    pause: float
    seconds: float
    seed: int


@dataclass(kw_only=True)
class Scene:
    """All programs of a campaign. `asks` is the one that takes requests; SQLite's does everything."""

    folder: Path
    url: str
    asks: Program
    workers: list[Program]
    servers: list[Program]
    postgres: Server | None
    kinds: Sequence[str]
    crowds: Sequence[Crowd]
    killed: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What the database says in the end; `asked` are jobs by platform, `orders` what is only acknowledged."""

    unfinished: int
    failed: int
    asked: Mapping[str, int]
    cards: int
    doubled: int
    without_picture: int
    not_shown: int
    orders: int


async def measure(
    *, quick: bool, seconds: float | None = None, seed: int = 1, database: str = "", jobs: int = 0
) -> list[Figure]:
    """All figures of this row; PostgreSQL's where one is installed. `database` names one of the two alone.

    `jobs`: so many are asked for. Without either 1,000 on PostgreSQL, and ten minutes long on SQLite.
    """
    if quick:  # what a process is started from changes no figure
        fork_programs()
    figures: list[Figure] = []
    for name in ("SQLite", "PostgreSQL"):
        if database in ("", name.lower()) and (name == "SQLite" or binaries() is not None):
            figures += await _campaign(_plan(name, quick=quick, seconds=seconds, seed=seed, jobs=jobs))
    return figures


def _plan(database: str, *, quick: bool, seconds: float | None, seed: int, jobs: int) -> Plan:
    many = database == "PostgreSQL"
    if quick:
        size = {"workers": 2 if many else 0, "servers": 2, "jobs": QUICK_JOBS}
        return Plan(database=database, **size, pause=QUICK_PAUSE, seconds=0.0, seed=seed)
    size = {"workers": 4 if many else 0, "servers": 8 if many else 3}
    asked = jobs or (1000 if many and seconds is None else 0)
    length = seconds if seconds is not None else 0.0 if asked else SECONDS
    return Plan(database=database, **size, jobs=asked, pause=PAUSE, seconds=length, seed=seed)


async def _campaign(plan: Plan) -> list[Figure]:
    begun = time.monotonic()
    async with (
        crowd.platforms() as chats,
        aiohttp.ClientSession() as http,
        _scene(plan, chats, http) as scene,
    ):
        asking = asyncio.create_task(_ask_all(scene, plan, begun))
        await _kill_all(scene, plan, asking)
        await asking
        await _until_over(scene)
        seen = {each.platform: await each.pictures() for each in scene.crowds}
        return _figures(plan, scene, await _found(scene), seen, time.monotonic() - begun)


def _figures(
    plan: Plan, scene: Scene, found: Found, seen: Mapping[str, Counter[str]], took: float
) -> list[Figure]:
    jobs, kills, runs = sum(found.asked.values()), scene.killed.total(), _runs(scene)
    who = ", ".join(f"{count} {name}" for name, count in sorted(scene.killed.items()))
    where = ", ".join(f"{count} on {name}" for name, count in sorted(found.asked.items()))
    against = f"{jobs} jobs ({where}) in {took:.0f} s with {kills} kills ({who}), seed {plan.seed}"
    unseen = {name: max(0, count - len(seen[name])) for name, count in found.asked.items()}
    missing = {"not over": found.unfinished, "without a picture": found.without_picture}
    missing |= {f"not seen on {name}": count for name, count in unseen.items()}
    which = "".join(f"; {count} {what}" for what, count in missing.items() if count)
    unasked = sum(abs(found.asked.get(each.platform, 0) - each.asked) for each in scene.crowds if each.exact)
    twice = sum(pictures.total() - len(pictures) for pictures in seen.values())
    left = sum(each.left_behind for each in scene.crowds if isinstance(each, OnTelegram))
    name = f"campaign, {plan.database}"
    return [
        exactly(f"{name}: lost", sum(missing.values()), 0, against + which),
        exactly(
            f"{name}: doubled",
            found.doubled + twice + unasked + abs(found.cards - jobs),
            0,
            "ended twice, with more than its one picture, with that shown twice, or not one job and card a request",
        ),
        exactly(f"{name}: failed", found.failed, 0, against),
        exactly(f"{name}: not shown", found.not_shown, 0, "messages that do not show the end"),
        at_most(
            f"{name}: messages left behind on Telegram",
            left,
            kills,
            "a send that a kill cut off has no key there; as many as kills are allowed, without a picture",
        ),
        at_most(
            f"{name}: runs repeated",
            runs.total() - len(runs),
            kills,
            f"{runs.total()} runs; as many as kills are allowed",
        ),
        exactly(
            f"{name}: kinds of program killed", len(scene.killed), len(scene.kinds), ", ".join(scene.kinds)
        ),
    ]


@asynccontextmanager
async def _scene(
    plan: Plan, chats: tuple[Discord, Telegram], http: aiohttp.ClientSession
) -> AsyncIterator[Scene]:
    """Everything started; all of it is ended, whatever becomes of the campaign."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="campaign-")))
        write_workflows(folder / "data" / "workflows")
        postgres = stack.enter_context(running()) if plan.workers else None
        url = postgres.create("campaign") if postgres else f"sqlite+aiosqlite:///{folder}/data/muralist.db"
        shared = {"DATA_DIR": str(folder / "data"), "DATABASE_URL": url}
        servers = [_server(folder, number) for number in range(plan.servers)]
        addresses = ",".join(each.url for each in servers)
        asks = bot_program(folder, addresses, **shared, **crowd.settings(*chats))
        asks.arguments += ["--role", "chat"] if postgres else []
        scene = Scene(
            folder=folder,
            url=url,
            asks=asks,
            workers=[_worker(folder, plan, number, servers, shared) for number in range(plan.workers)],
            servers=servers,
            postgres=postgres,
            kinds=KINDS if postgres else KINDS[:2],
            crowds=(OnPage(http, asks), OnDiscord(chats[0]), OnTelegram(chats[1])),
        )
        async with _started(scene):
            yield scene


def _server(folder: Path, number: int) -> Program:
    own = folder / f"server-{number}"
    own.mkdir()
    return simulator_program(own, "--node-seconds", str(NODE_SECONDS))


def _worker(folder: Path, plan: Plan, number: int, servers: list[Program], shared: dict[str, str]) -> Program:
    """Each works for its own servers, and stands by for those of the next one."""
    each = plan.servers // plan.workers
    mine = [servers[(number * each + offset) % plan.servers].url for offset in range(2 * each)]
    log = folder / f"worker-{number}.log"
    settings = {**shared, "COMFYUI_URLS": ",".join(mine), "LOG_FORMAT": "json"}
    return Program([*RUN, "--role", "worker"], servers[number * each].url, "/system_stats", settings, log)


@asynccontextmanager
async def _started(scene: Scene) -> AsyncIterator[None]:
    programs = [*scene.servers, scene.asks, *scene.workers]
    try:
        for program in programs:
            program.patience = LATE_SECONDS  # so many on few cores may starve each other for long
            await program.start()
        yield
    finally:
        for program in reversed(programs):
            await program.end()


async def _ask_all(scene: Scene, plan: Plan, begun: float) -> None:
    """Ask for jobs, some ahead of those that are done, until there were enough, for long enough, and enough kills."""
    turns = itertools.cycle(scene.crowds)
    async with Database(scene.url) as database:
        while True:
            counts = await database.read(_counts)
            goes_on = sum(counts.values()) < plan.jobs or time.monotonic() - begun < plan.seconds
            if not goes_on and len(scene.killed) == len(scene.kinds):
                return
            room = OPEN_JOBS - sum(count for state, count in counts.items() if state not in ENDS)
            await asyncio.gather(*(next(turns).ask() for _ in range(min(room, PEOPLE))))
            await asyncio.sleep(0.2)


async def _kill_all(scene: Scene, plan: Plan, asking: asyncio.Task[None]) -> None:
    """Kill somebody, bring them back, and so on while jobs are asked for: of each kind one in each round."""
    chance = random.Random(plan.seed)
    while True:
        for kind in chance.sample(scene.kinds, len(scene.kinds)):
            await asyncio.sleep(chance.expovariate(1 / plan.pause))
            if asking.done():
                asking.result()
                return
            await _kill(scene, chance, kind)


async def _kill(scene: Scene, chance: random.Random, kind: str) -> None:
    scene.killed[kind] += 1
    if scene.postgres is not None and kind == "PostgreSQL":
        await asyncio.to_thread(scene.postgres.kill)
        await asyncio.sleep(chance.uniform(0.0, DOWN_SECONDS))
        await asyncio.to_thread(scene.postgres.start)
        return
    kinds = {"servers": scene.servers, "chat processes": [scene.asks], "workers": scene.workers}
    victim = chance.choice(kinds[kind])
    await victim.kill()
    await asyncio.sleep(chance.uniform(0.0, DOWN_SECONDS))
    await victim.start()


async def _until_over(scene: Scene) -> None:
    """Wait until every job is over and shown; those that are not in time count as lost."""
    deadline = time.monotonic() + LATE_SECONDS
    async with Database(scene.url) as database:
        while time.monotonic() < deadline:
            found = await database.read(_look)
            if found.unfinished == 0 and found.not_shown == 0 and found.orders == 0:
                return
            await asyncio.sleep(0.5)


async def _found(scene: Scene) -> Found:
    async with Database(scene.url) as database:
        return await database.read(_look)


def _counts(connection: Connection) -> dict[str, int]:
    query = select(job.c.state, func.count()).group_by(job.c.state)
    return {state: count for state, count in connection.execute(query)}  # noqa: C416 - rows are no pairs


def _look(connection: Connection) -> Found:
    counts = _counts(connection)
    done = job.c.state == State.DONE
    per_job = select(job.c.id, func.count(output.c.index).label("outputs")).outerjoin(
        output, output.c.job == job.c.id
    )
    outputs = connection.execute(per_job.where(done).group_by(job.c.id)).all()
    ended = select(attempt.c.job).where(attempt.c.outcome.in_(ENDS))
    twice = connection.execute(ended.group_by(attempt.c.job).having(func.count() > 1)).all()
    stale = select(func.count()).where(message.c.wanted > message.c.shown)
    return Found(
        unfinished=sum(count for state, count in counts.items() if state not in ENDS),
        failed=counts.get(State.FAILED, 0),
        asked={platform: count for platform, count in connection.execute(_ASKED)},  # noqa: C416 - rows are no pairs
        cards=connection.scalar(select(func.count()).select_from(message)) or 0,
        doubled=len(twice) + sum(row.outputs > 1 for row in outputs),
        without_picture=sum(row.outputs == 0 for row in outputs),
        not_shown=connection.scalar(stale) or 0,
        orders=connection.scalar(_ORDERS) or 0,
    )


def _runs(scene: Scene) -> Counter[str]:
    """How often the servers ran each job."""
    lines: Sequence[str] = [
        line
        for number in range(len(scene.servers))
        for line in (scene.folder / f"server-{number}" / "comfyui" / "runs.jsonl")
        .read_text(encoding="utf-8")
        .splitlines()
    ]
    starts = [entry for entry in map(json.loads, lines) if "extra_data" in entry]
    return Counter(entry["extra_data"]["muralist"]["job"] for entry in starts)
