"""What those who run the bot do with its queue, its servers and its limits."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import pairwise

from bot.cards.notes import note, queue_card
from bot.commands.registry import Context, Entry, command
from bot.contract.card import Card, Code, Span, Text
from bot.contract.overview import StandingJob
from bot.contract.values import Answer, Invocation, ParameterSpec, ParameterType, Said
from bot.errors import InvalidValue
from bot.service.steer import CAPS, ID_SHOWN, WEIGHT
from bot.store.statistics import Figure

ADMIN: dict[str, Entry] = {}

FINISH, HAND_OVER = "finish", "hand over"
SHOWN_WAITING = 15
SHOWN_CHANGES = 15
SHOWN_FIGURES = 5
DAYS = 7

_Line = tuple[Span, ...]


def _text(name: str, title: str, description: str, *, required: bool = False) -> ParameterSpec:
    return ParameterSpec(
        name=name, type=ParameterType.TEXT, title=title, description=description, required=required
    )


SERVER = _text("server", "Server", "A ComfyUI server by its address; left out: all, or the only one")
ONE_SERVER = _text("server", "Server", "A ComfyUI server by its address; left out: the only one")
JOB = _text("id", "Id", "The beginning of a job's id, as /queue shows it", required=True)
PERSON = _text("person", "Person", "A name, or platform:id", required=True)
URL = _text("url", "URL", "The server's address, like http://192.168.1.20:8188", required=True)
HOW = ParameterSpec(
    name="how",
    type=ParameterType.CHOICE,
    title="How",
    description="Whether what runs is finished, or handed over to another server or to later",
    choices=(FINISH, HAND_OVER),
)
VALUE = _text("value", "Value", "The new value; 0 is no limit, default is what the settings say")
LIMIT = ParameterSpec(
    name="limit",
    type=ParameterType.CHOICE,
    title="Limit",
    description="What to set; left out: show all",
    choices=(*CAPS, WEIGHT),
)
WHOSE = _text("person", "Person", "Whose weight it is: a name, or platform:id")


@command(ADMIN, "pause", "Begin nothing that waits, anywhere or at one server", SERVER)
async def pause(context: Context, invocation: Invocation) -> Answer:
    """What runs is finished."""
    return _said(await context.steer.pause(invocation.actor, _given(invocation, SERVER)))


@command(ADMIN, "resume", "Go on after /pause", SERVER)
async def resume(context: Context, invocation: Invocation) -> Answer:
    """The queue, or one server."""
    return _said(await context.steer.resume(invocation.actor, _given(invocation, SERVER)))


@command(ADMIN, "cancel-job", "Cancel anybody's job", JOB)
async def cancel_job(context: Context, invocation: Invocation) -> Answer:
    """Be it waiting or running."""
    return _said(await context.steer.cancel_job(invocation.actor, _required(invocation, JOB)))


@command(ADMIN, "clear", "Cancel all jobs of a person that wait", PERSON)
async def clear(context: Context, invocation: Invocation) -> Answer:
    """What runs is left alone."""
    return _said(await context.steer.clear(invocation.actor, _required(invocation, PERSON)))


@command(ADMIN, "front", "Have a job taken before all others", JOB)
async def front(context: Context, invocation: Invocation) -> Answer:
    """Behind those that were moved there earlier."""
    return _said(await context.steer.front(invocation.actor, _required(invocation, JOB)))


@command(ADMIN, "drain", "Have a server finish what it runs and take no more", ONE_SERVER)
async def drain(context: Context, invocation: Invocation) -> Answer:
    """As before an update of it."""
    return _said(await context.steer.drain(invocation.actor, _given(invocation, ONE_SERVER)))


@command(ADMIN, "restore", "Have a drained server work again", ONE_SERVER)
async def restore(context: Context, invocation: Invocation) -> Answer:
    """The other way round."""
    return _said(await context.steer.restore(invocation.actor, _given(invocation, ONE_SERVER)))


@command(ADMIN, "backend add", "Work with another ComfyUI server from now on", URL)
async def backend_add(context: Context, invocation: Invocation) -> Answer:
    """It stays after a restart."""
    return _said(await context.steer.add_server(invocation.actor, _required(invocation, URL)))


@command(ADMIN, "backend remove", "Work with an added server no longer", ONE_SERVER)
async def backend_remove(context: Context, invocation: Invocation) -> Answer:
    """Those of the settings stay."""
    return _said(await context.steer.remove_server(invocation.actor, _required(invocation, ONE_SERVER)))


@command(ADMIN, "gpu back", "Give the GPU back to its owner, its memory freed", SERVER, HOW)
async def gpu_back(context: Context, invocation: Invocation) -> Answer:
    """Of one server or of all."""
    server, how = _given(invocation, SERVER), _given(invocation, HOW).replace("-", " ")
    for each in (HAND_OVER, FINISH) if not how else ():
        if server.replace("-", " ").endswith(each):  # typed behind the server
            server, how = server[: -len(each)].strip(), each
    if how not in ("", FINISH, HAND_OVER):
        raise InvalidValue("how", f'How is "{FINISH}" or "{HAND_OVER}", not "{how}".')
    said = await context.steer.give_gpu(invocation.actor, server, hand_over=how == HAND_OVER)
    return _said(said)


@command(ADMIN, "gpu take", "Take the GPU again after /gpu back, or against its hours", SERVER)
async def gpu_take(context: Context, invocation: Invocation) -> Answer:
    """Of one server or of all."""
    return _said(await context.steer.take_gpu(invocation.actor, _given(invocation, SERVER)))


@command(ADMIN, "limits", "Show or set how much people may have", VALUE, LIMIT, WHOSE)
async def limits(context: Context, invocation: Invocation) -> Answer:
    """As `/limits cooldown 5` or `/limits weight Ann 2`, too."""
    value, limit = _given(invocation, VALUE), _given(invocation, LIMIT)
    person = _given(invocation, WHOSE)
    if value and not limit:
        limit, _, value = value.partition(" ")
        person, _, value = (
            value.strip().rpartition(" ") if limit == WEIGHT and not person else (person, "", value)
        )
    if not limit:
        return Said(card=note("Limits", *[_limit(*each) for each in await context.steer.limits()]))
    if not value.strip():
        raise InvalidValue("value", f"Say what {limit} is to be, as in /limits cooldown 5.")
    if limit != WEIGHT:
        return _said(await context.steer.limit(invocation.actor, limit, value.strip()))
    if not person.strip():
        raise InvalidValue("person", "Say whose weight it is, as in /limits weight Ann 2.")
    return _said(await context.steer.weigh(invocation.actor, person, value.strip()))


@command(ADMIN, "stats", "What was made lately: by day, person and workflow")
async def stats(context: Context, _invocation: Invocation) -> Answer:
    """Of the last seven days."""
    days = _days(time.time())
    since = days[-1][1]
    groups = [
        ("", await context.statistics.between(days)),
        ("People", await context.statistics.people(since, SHOWN_FIGURES)),
        ("Workflows", await context.statistics.workflows(since, SHOWN_FIGURES)),
    ]
    lines: list[_Line] = []
    for title, figures in groups:
        lines += [(Text(text=title, strong=True),)] if title and figures else []
        lines += [_figure(each) for each in figures]
    return Said(card=note(f"The last {DAYS} days", *lines))


@command(ADMIN, "audit", "What admins have changed")
async def audit(context: Context, _invocation: Invocation) -> Answer:
    """The newest first."""
    lines: list[_Line] = [
        (
            Text(text=f"{_clock(change.at)} {change.by.name} ({change.by.platform}): "),
            Code(text=change.what),
            Text(text=f" {change.whom}: {change.before} → {change.after}"),
        )
        for change in await context.steer.changes(SHOWN_CHANGES)
    ]
    return Said(card=note("Changes", *(lines or [(Text(text="Nothing was changed yet."),)])))


async def whole_queue(context: Context, invocation: Invocation) -> Card:
    """The queue as admins see it: whose job runs where, and who waits. Prompts stay their owners'."""
    found = await context.oversee.overview(invocation.actor)
    card = queue_card(await context.look.queue())
    waiting = found.waiting[:SHOWN_WAITING]
    more = len(found.waiting) - len(waiting) + found.more_waiting
    lines: list[_Line] = [
        *(_standing(job, f"{job.fraction:.0%} at {job.backend}") for job in found.running),
        *(_standing(job, "waits") for job in waiting),
        *([(Text(text=f"and {more} more"),)] if more else []),
    ]
    return note(card.title, *card.body, *lines)


def _standing(job: StandingJob, how: str) -> _Line:
    who = f"{job.actor.name} ({job.actor.platform})"
    return Code(text=job.job[:ID_SHOWN]), Text(text=f" {who} /{job.command}: {how}")


def _limit(name: str, value: float, ours: bool) -> _Line:
    shown = "no limit" if value == 0 else f"{value:g}{' s' if name == 'cooldown' else ''}"
    return Code(text=name), Text(text=f" {shown}{'' if ours else ', set here'}")


def _figure(figure: Figure) -> _Line:
    wait = "" if figure.wait is None else f", waited {_seconds(figure.wait)} in the mean"
    failed = f", {figure.failed} failed" if figure.failed else ""
    counts = f" {figure.asked} asked, {figure.done} done{failed}, {_seconds(figure.seconds)} of GPUs{wait}"
    return Code(text=figure.of), Text(text=counts)


def _seconds(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 600 else f"{seconds / 60:.0f} min"


def _days(now: float) -> Sequence[tuple[str, float, float]]:
    """The last days by the server's own clock, the newest first: name, begin and end."""
    year, month, day = time.localtime(now)[:3]
    edges = [time.mktime((year, month, day + 1 - ago, 0, 0, 0, 0, 0, -1)) for ago in range(DAYS + 1)]
    return [
        (time.strftime("%Y-%m-%d", time.localtime(begins)), begins, ends) for ends, begins in pairwise(edges)
    ]


def _clock(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))


def _given(invocation: Invocation, spec: ParameterSpec) -> str:
    return str(invocation.values.get(spec.name, "") or "").strip()


def _required(invocation: Invocation, spec: ParameterSpec) -> str:
    given = _given(invocation, spec)
    if not given and spec.required:
        raise InvalidValue(
            spec.name, f"{spec.title} is missing: {spec.description[0].lower()}{spec.description[1:]}."
        )
    return given


def _said(sentence: str) -> Said:
    title, end, rest = sentence.partition(". ")
    return Said(card=note(f"{title}{end.strip()}", *([(Text(text=rest),)] if rest else [])))
