"""A job as a card. Pure: the same facts always give the same card."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import assert_never

from bot.cards.actions import Button, Verb
from bot.cards.notes import line, note
from bot.comfy.models import file_name
from bot.contract.card import Action, ActionStyle, Card, Code, Countdown, Effect, Media, Span, Text
from bot.contract.values import JobId, JobState, OutputRef
from bot.feed import Live
from bot.jobs.models import MessageView
from bot.jobs.states import State, outside
from bot.scheduling.caps import in_dollars
from bot.scheduling.holds import Hold, Reason
from bot.scheduling.place import Ahead

PROMPT_SHOWN = 300
"""Characters of a prompt that a card shows; "Info" shows all."""
TEXT_SHOWN = 1500
"""Characters of a result in words that a card shows; a longer one is a file, too."""

ON_PICTURES = (Verb.USE, Verb.VARY, Verb.UPSCALE, Verb.ANIMATE, Verb.DESCRIBE)
"""What can be done with a picture, what people do most first."""
MOST_ON_PICTURES = 12
"""Buttons about single pictures of a card that shows several."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """All that a job's card is made of.

    `texts` are results in words, `media` all others. `ahead` is what comes before it; `loaded`: a ComfyUI has its
    models loaded; `answering`: some ComfyUI answers; `others`: so many prompts that are not ours keep every ComfyUI
    busy; `hold`: why those that could take it do not. `now` in seconds since 1970. `offered` is what can be done with
    a picture.
    """

    view: MessageView
    media: Sequence[Media]
    texts: Sequence[str]
    live: Live | None
    ahead: Ahead | None
    loaded: bool
    answering: bool
    now: float
    others: int = 0
    offered: frozenset[Verb] = frozenset()
    hold: Hold | None = None


def render(facts: Facts) -> Card:
    """The card of a job as it stands."""
    state = outside(facts.view.job.state)
    match state:
        case JobState.QUEUED:
            return _queued(facts)
        case JobState.RUNNING:
            return _running(facts)
        case JobState.DONE:
            return _done(facts)
        case JobState.FAILED:
            return _failed(facts)
        case JobState.CANCELLED:
            return Card(
                state=state,
                title="Cancelled",
                body=_prompt_lines(facts),
                actions=_buttons(facts, Verb.AGAIN, Verb.DELETE),
            )
        case _ as never:
            assert_never(never)


def _queued(facts: Facts) -> Card:
    return Card(
        state=JobState.QUEUED,
        title=_queued_title(facts),
        body=(*_prompt_lines(facts), *_others_lines(facts), *_ready_lines(facts), *_attempt_lines(facts)),
        actions=_buttons(facts, Verb.CANCEL, *_fetch(facts)),
    )


def _queued_title(facts: Facts) -> str:
    if facts.view.job.cancel_requested:
        return "Cancelling"
    if facts.hold is not None:
        return _queued_behind(facts.hold, facts.ahead)
    if not facts.answering:
        return _queued_for_nobody(facts)
    if facts.view.job.state is not State.QUEUED:
        return "Starting"
    if facts.ahead is None:
        return "Queued"
    if facts.ahead.jobs == 0:
        return "Queued: you are next"
    pictures = "1 picture" if facts.ahead.jobs == 1 else f"{facts.ahead.jobs} pictures"
    people = f" of {facts.ahead.people} people" if facts.ahead.people > 1 else ""
    return f"Queued: {pictures}{people} ahead of you"


def _others_lines(facts: Facts) -> tuple[tuple[Span, ...], ...]:
    """Why nothing begins though ComfyUI answers: it is its owner's first."""
    if facts.others == 0 or facts.view.job.state is not State.QUEUED or not facts.answering:
        return ()
    return (line(f"ComfyUI is busy with {facts.others} of its owner's own"),)


def _attempt_lines(facts: Facts) -> tuple[tuple[Span, ...], ...]:
    """That it is not the first try. One that waits again has had as many as it counts."""
    job = facts.view.job
    if job.attempt == 0 or (job.attempt == 1 and job.state is not State.QUEUED):
        return ()
    number = job.attempt + (job.state is State.QUEUED)
    return (line(f"Attempt {number}: the one before did not come to its end"),)


def _ready_lines(facts: Facts) -> tuple[tuple[Span, ...], ...]:
    """When it was thought to be ready, while that is still ahead; and what shortens it."""
    job = facts.view.job
    if facts.hold is not None and facts.hold.until is not None and facts.now < facts.hold.until:
        until = Countdown(at=facts.hold.until, text=_away(facts.hold.until - facts.now))
        return ((Text(text="That is "), until),)
    if job.state is not State.QUEUED or job.cancel_requested or facts.hold or not facts.answering:
        return ()
    lines: list[tuple[Span, ...]] = []
    if job.early is not None and job.late is not None and facts.now < job.late:
        until = Countdown(at=job.late, text=_away(job.late - facts.now))
        if facts.now < job.early:
            since = Countdown(at=job.early, text=_away(job.early - facts.now))
            lines.append((Text(text="Ready "), since, Text(text=" to "), until))
        else:
            lines.append((Text(text="Ready soon, or "), until))
    if facts.loaded and job.models:
        main = PurePosixPath(file_name(job.models.split("\n", 1)[0])).stem
        lines.append((Code(text=main), Text(text=" is loaded")))
    return tuple(lines)


def _away(seconds: float) -> str:
    if seconds < 55:
        return f"in {max(5, 5 * round(seconds / 5))} s"
    if seconds >= 90 * 60:
        return f"in {round(seconds / 3600)} h"
    return f"in {round(seconds / 60)} min"


def _queued_for_nobody(facts: Facts) -> str:
    if facts.ahead is None:
        return "ComfyUI does not answer. This goes on when it returns."
    return f"ComfyUI is off. You are {_ordinal(facts.ahead.jobs + 1)} when it returns."


def _queued_behind(hold: Hold, before: Ahead | None) -> str:
    why, when = _HELD[hold.reason]
    place = "This goes on" if before is None else f"You are {_ordinal(before.jobs + 1)}"
    return f"{why} {place} {when}."


def _ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 11th, 22nd."""
    endings = {1: "st", 2: "nd", 3: "rd"}
    return f"{number}{'th' if number % 100 in (11, 12, 13) else endings.get(number % 10, 'th')}"


def _running(facts: Facts) -> Card:
    job = facts.view.job
    fraction = facts.live.fraction if facts.live else job.fraction
    node = facts.live.node if facts.live else job.node
    if job.cancel_requested:
        title = "Cancelling"
    elif not facts.answering:
        title = "ComfyUI does not answer. This goes on when it returns."
    elif job.state is State.FETCHING:
        title, fraction = "Fetching the result", 1.0
    else:
        title = f"{node}: {fraction:.0%}" if node else f"{fraction:.0%}"
    return Card(
        state=JobState.RUNNING,
        title=title,
        body=(*_prompt_lines(facts), *_note_lines(facts), *_attempt_lines(facts)),
        fraction=fraction,
        preview=facts.live.preview if facts.live else None,
        alt=prompt_of(facts.view) or "",
        actions=_buttons(facts, Verb.CANCEL, *_fetch(facts)),
        spoiler=facts.view.spoiler,
    )


def _done(facts: Facts) -> Card:
    job = facts.view.job
    details: list[Span] = []
    if job.seed is not None:
        details += [Text(text="Seed "), Code(text=str(job.seed))]
    if job.started is not None and job.finished is not None:
        details.append(Text(text=f"{', ' if details else ''}{_took(job.finished - job.started)}"))
    return Card(
        state=JobState.DONE,
        title=f"/{facts.view.command}",
        body=(*_prompt_lines(facts), *_text_lines(facts), *([tuple(details)] if details else [])),
        media=tuple(facts.media),
        alt=prompt_of(facts.view) or "",
        spoiler=facts.view.spoiler,
        actions=(
            *_buttons(facts, Verb.AGAIN),
            *_going_on(facts),
            *_buttons(facts, Verb.INFO, Verb.DELETE),
        ),
    )


def _going_on(facts: Facts) -> Iterator[Action]:
    """What can be done with each picture; with many, only what people do most."""
    pictures = [media for media in facts.media if media.media_type.startswith("image/")]
    offered = [verb for verb in ON_PICTURES if verb in facts.offered]
    if len(facts.media) == 1:
        yield from (
            _button(facts, verb, _LABELS[verb], media.index) for media in pictures for verb in offered
        )
        return
    for verb in offered[: max(1, MOST_ON_PICTURES // max(1, len(pictures)))]:
        for media in pictures:
            yield _button(facts, verb, f"{_LABELS[verb]} {media.index + 1}", media.index)


def _failed(facts: Facts) -> Card:
    error = facts.view.job.error
    sentence = error.message if error is not None else "Something went wrong. Try again."
    partly = [line("What was made before that:")] if facts.media else []
    return Card(
        state=JobState.FAILED,
        title="That did not work",
        body=((Text(text=sentence),), *_prompt_lines(facts), *partly),
        media=tuple(facts.media),
        spoiler=facts.view.spoiler,
        actions=_buttons(facts, Verb.AGAIN, Verb.DELETE),
    )


def originals(card: Card) -> Action | None:
    """The button that brings a card's outputs as they were made; None if it shows none."""
    if not card.media:
        return None
    ref = OutputRef(job=JobId(card.media[0].job), index=0)
    return Action(id=str(Button(verb=Verb.FILES, ref=ref)), label=_LABELS[Verb.FILES], effect=Effect.ASIDE)


def info(view: MessageView) -> Card:
    """Everything that a job was asked to do."""
    lines: list[tuple[Span, ...]] = [
        (Text(text=f"{name}: "), Code(text=str(value)))
        for name, value in view.job.values.items()
        if value != ""
    ]
    read = [
        (Text(text=f"{name} as it was read: "), Code(text=text))
        for name, text in view.job.reading.texts.items()
    ]
    return note(f"/{view.command}", *lines, *read, *_remarks(view))


def prompt_of(view: MessageView) -> str | None:
    """As it was read: the alternative that was chosen, and not those that were not."""
    prompt = view.job.reading.texts.get("prompt", view.job.values.get("prompt"))
    return prompt if isinstance(prompt, str) and prompt else None


def _prompt_lines(facts: Facts) -> tuple[tuple[Span, ...], ...]:
    prompt, cost = prompt_of(facts.view), _cost_lines(facts.view)
    if prompt is None:
        return cost
    short = prompt if len(prompt) <= PROMPT_SHOWN else prompt[:PROMPT_SHOWN].rstrip() + "…"
    return ((Text(text=short, strong=True),), *_remarks(facts.view), *cost)


_NO_PRICE = "It costs money; how much is not known beforehand."


def _cost_lines(view: MessageView) -> tuple[tuple[Span, ...], ...]:
    """What a job that costs money costs."""
    if not view.job.paid:
        return ()
    price = view.job.price
    return (line(_NO_PRICE if price is None else f"It costs {in_dollars(price)} at most."),)


def _remarks(view: MessageView) -> tuple[tuple[Span, ...], ...]:
    """What people are told of how their words were read."""
    return tuple(line(remark) for remark in view.job.reading.remarks)


def _note_lines(facts: Facts) -> tuple[tuple[Span, ...], ...]:
    return (line(facts.live.note),) if facts.live is not None and facts.live.note else ()


def _text_lines(facts: Facts) -> tuple[tuple[Span, ...], ...]:
    return tuple(
        (Text(text=text if len(text) <= TEXT_SHOWN else f"{text[:TEXT_SHOWN].rstrip()}…", made=True),)
        for text in facts.texts
    )


def _took(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s"
    return f"{int(seconds // 60)} min {int(seconds % 60)} s"


_HELD = {
    Reason.OWNERS: ("The GPU is with its owner.", "when it is back"),
    Reason.HOURS: ("The GPU is with its owner at this hour.", "when it is back"),
    Reason.DRAINED: ("An admin has the server take no more for now.", "when it does again"),
    Reason.PAUSED: ("The server is paused by an admin.", "when it goes on"),
    Reason.QUEUE_PAUSED: ("The queue is paused by an admin.", "when it goes on"),
}

_LABELS = {
    Verb.AGAIN: "Again",
    Verb.INFO: "Info",
    Verb.DELETE: "Delete",
    Verb.CANCEL: "Cancel",
    Verb.USE: "Edit",
    Verb.VARY: "Vary",
    Verb.UPSCALE: "Upscale",
    Verb.ANIMATE: "Animate",
    Verb.DESCRIBE: "Describe",
    Verb.FETCH: "Fetch result",
    Verb.FILES: "Originals",
}

_EFFECTS = {
    Verb.AGAIN: Effect.NEW,
    Verb.INFO: Effect.ASIDE,
    Verb.USE: Effect.ASK,
    Verb.VARY: Effect.NEW,
    Verb.UPSCALE: Effect.NEW,
    Verb.ANIMATE: Effect.ASK,
    Verb.DESCRIBE: Effect.NEW,
}


def _fetch(facts: Facts) -> tuple[Verb, ...]:
    """Where the message can't be changed for ever, its reader can ask for what came of it."""
    return (Verb.FETCH,) if facts.view.transient else ()


def _buttons(facts: Facts, *verbs: Verb) -> tuple[Action, ...]:
    return tuple(_button(facts, verb, _LABELS[verb]) for verb in verbs)


def _button(facts: Facts, verb: Verb, label: str, index: int = 0) -> Action:
    ref = OutputRef(job=facts.view.job.id, index=index)
    style = ActionStyle.DANGER if verb in (Verb.DELETE, Verb.CANCEL) else ActionStyle.NORMAL
    effect = _EFFECTS.get(verb, Effect.HERE)
    return Action(id=str(Button(verb=verb, ref=ref)), label=label, style=style, effect=effect)
