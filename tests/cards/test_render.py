"""A job as a card, whole, in every state."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.cards.actions import Verb
from bot.cards.notes import note, queue_card
from bot.cards.render import Facts, info, render
from bot.contract.card import Action, ActionStyle, Card, Code, Countdown, Effect, Media, Preview, Span, Text
from bot.contract.values import BackendStatus, QueueStatus, Trouble
from bot.feed import Live
from bot.jobs.models import Job
from bot.jobs.states import State
from bot.scheduling.holds import Hold, Reason
from bot.scheduling.place import Ahead
from tests.builders import new_job, new_view

PROMPT = ((Text(text="a red fox", strong=True),),)
CANCEL = Action(id="m1:cancel:job-1:0", label="Cancel", style=ActionStyle.DANGER)
AGAIN = Action(id="m1:again:job-1:0", label="Again", effect=Effect.NEW)
INFO = Action(id="m1:info:job-1:0", label="Info", effect=Effect.ASIDE)
DELETE = Action(id="m1:delete:job-1:0", label="Delete", style=ActionStyle.DANGER)
SILENT = "ComfyUI does not answer. This goes on when it returns."
PICTURE = Preview(data=b"jpeg", media_type="image/jpeg")


def _facts(job: Job, **changes: Any) -> Facts:
    facts: dict[str, Any] = {
        "view": new_view(job),
        "media": (),
        "texts": (),
        "live": None,
        "ahead": None,
        "loaded": False,
        "answering": True,
        "now": 1000.0,
    }
    return Facts(**(facts | changes))


def _ahead(jobs: int, people: int = 0) -> Ahead:
    return Ahead(people=people, jobs=jobs, seconds=10.0 * jobs)


def _media(index: int, media_type: str = "image/png") -> Media:
    return Media(
        job="job-1",
        index=index,
        path=Path(f"spool/{index}"),
        media_type=media_type,
        name=f"imagine-{index + 1}.png",
        size=3,
    )


def _queued(title: str) -> Card:
    return Card(state="queued", title=title, body=PROMPT, actions=(CANCEL,))


def _running(title: str, fraction: float, preview: Preview | None = None) -> Card:
    return Card(
        state="running",
        title=title,
        body=PROMPT,
        fraction=fraction,
        preview=preview,
        alt="a red fox",
        actions=(CANCEL,),
    )


@pytest.mark.parametrize(
    ("ahead", "title"),
    [
        (None, "Queued"),
        (_ahead(0), "Queued: you are next"),
        (_ahead(1), "Queued: 1 picture ahead of you"),
        (_ahead(12), "Queued: 12 pictures ahead of you"),
        (_ahead(12, people=1), "Queued: 12 pictures ahead of you"),
        (_ahead(12, people=3), "Queued: 12 pictures of 3 people ahead of you"),
    ],
)
def test_a_job_that_waits_says_where_it_stands(ahead: Ahead | None, title: str) -> None:
    """In pictures that are made before it."""
    assert render(_facts(new_job(), ahead=ahead)) == _queued(title)


@pytest.mark.parametrize(
    ("reason", "title"),
    [
        (Reason.QUEUE_PAUSED, "The queue is paused by an admin. You are 3rd when it goes on."),
        (Reason.PAUSED, "The server is paused by an admin. You are 3rd when it goes on."),
        (Reason.DRAINED, "An admin has the server take no more for now. You are 3rd when it does again."),
        (Reason.OWNERS, "The GPU is with its owner. You are 3rd when it is back."),
        (Reason.HOURS, "The GPU is with its owner at this hour. You are 3rd when it is back."),
    ],
)
def test_a_job_that_is_held_says_why(reason: Reason, title: str) -> None:
    """And since when it was promised is no matter."""
    waits = _facts(new_job(early=1000.0, late=1100.0), ahead=_ahead(2))
    assert render(replace(waits, hold=Hold(reason=reason, since=900.0))) == _queued(title)


def test_a_job_that_is_held_by_the_hours_says_until_when() -> None:
    """As a countdown."""
    card = render(_facts(new_job(), hold=Hold(reason=Reason.HOURS, since=900.0, until=8200.0)))
    assert card.title == "The GPU is with its owner at this hour. This goes on when it is back."
    assert card.body[1:] == ((Text(text="That is "), Countdown(at=8200.0, text="in 2 h")),)
    assert card.body[1][1].text == "in 2 h"


def test_a_job_that_waits_for_the_owners_own_says_so() -> None:
    """Nobody is before it here, and still it does not begin."""
    card = render(_facts(new_job(), ahead=_ahead(0), others=2))
    assert card.body == (*PROMPT, (Text(text="ComfyUI is busy with 2 of its owner's own"),))


@pytest.mark.parametrize(
    ("state", "attempt", "number"),
    [
        (State.QUEUED, 0, None),
        (State.QUEUED, 1, 2),
        (State.CLAIMED, 1, None),
        (State.CLAIMED, 2, 2),
        (State.RUNNING, 1, None),
        (State.RUNNING, 3, 3),
    ],
)
def test_a_job_that_is_tried_again_says_so(state: State, attempt: int, number: int | None) -> None:
    """While it waits for the next try, and in that try."""
    card = render(_facts(new_job(state=state, attempt=attempt)))
    said = f"Attempt {number}: the one before did not come to its end"
    assert card.body == ((*PROMPT, (Text(text=said),)) if number else PROMPT)


@pytest.mark.parametrize("state", [State.CLAIMED, State.POSTING, State.WAITING])
def test_a_job_that_a_backend_takes_is_starting(state: State) -> None:
    """Outside, it is queued until it runs."""
    assert render(_facts(new_job(state=state))) == _queued("Starting")


@pytest.mark.parametrize("state", [State.CLAIMED, State.POSTING, State.WAITING])
def test_a_job_that_a_silent_server_has_says_so(state: State) -> None:
    """Nothing is lost, and nobody need do anything."""
    assert render(_facts(new_job(state=state), answering=False)) == _queued(SILENT)


@pytest.mark.parametrize(
    ("ahead", "place"),
    [
        (0, "1st"),
        (1, "2nd"),
        (2, "3rd"),
        (3, "4th"),
        (10, "11th"),
        (12, "13th"),
        (20, "21st"),
        (111, "112th"),
    ],
)
def test_a_job_that_waits_for_a_silent_server_keeps_its_place(ahead: int, place: str) -> None:
    """It is counted as if the server ran."""
    card = render(_facts(new_job(), ahead=_ahead(ahead), answering=False))
    assert card == _queued(f"ComfyUI is off. You are {place} when it returns.")


@pytest.mark.parametrize("state", [State.QUEUED, State.CLAIMED, State.POSTING, State.WAITING])
def test_a_wish_to_cancel_comes_before_all_else(state: State) -> None:
    """Whoever asked for it sees that it was heard."""
    job = new_job(state=state, cancel_requested=True)
    assert render(_facts(job, ahead=_ahead(3), answering=False)) == _queued("Cancelling")


def test_a_running_job_shows_how_far_it_is() -> None:
    """Node, fraction and picture as they are now; without news of this process, as they were stored."""
    stored = new_job(state=State.RUNNING, fraction=0.25, node="KSampler")
    assert render(_facts(stored)) == _running("KSampler: 25%", 0.25)
    live = Live(fraction=0.5, node="Decoder", preview=PICTURE)
    assert render(_facts(stored, live=live)) == _running("Decoder: 50%", 0.5, PICTURE)
    assert render(_facts(stored, live=Live(fraction=0.0, node=None))) == _running("0%", 0.0)


def test_what_a_node_says_of_its_work_is_shown() -> None:
    """Below the prompt."""
    live = Live(fraction=0.5, node="Writer", note="12 of 40 tokens")
    assert render(_facts(new_job(state=State.RUNNING), live=live)).body == (
        *PROMPT,
        (Text(text="12 of 40 tokens"),),
    )


def test_a_running_job_whose_server_is_silent_keeps_its_bar() -> None:
    """It goes on from there."""
    job = new_job(state=State.RUNNING, fraction=0.25, node="KSampler")
    assert render(_facts(job, answering=False)) == _running(SILENT, 0.25)


def test_a_running_job_that_is_cancelled_says_so() -> None:
    """Until the server has let go of it."""
    job = new_job(state=State.RUNNING, fraction=0.25, cancel_requested=True)
    assert render(_facts(job, answering=False)) == _running("Cancelling", 0.25)


def test_fetching_is_the_full_bar() -> None:
    """Nothing is left to do on the GPU."""
    job = new_job(state=State.FETCHING, fraction=0.9, node="Saving")
    assert render(_facts(job)) == _running("Fetching the result", 1.0)


def test_a_finished_job_is_its_picture() -> None:
    """With what it took to make it, and what can be done with it."""
    job = new_job(state=State.DONE, started=1000.0, finished=1012.34)
    offered = frozenset({Verb.USE, Verb.UPSCALE, Verb.DESCRIBE})
    assert render(_facts(job, media=[_media(0)], offered=offered)) == Card(
        state="done",
        title="/imagine",
        body=(*PROMPT, (Text(text="Seed "), Code(text="0"), Text(text=", 12.3 s"))),
        media=(_media(0),),
        alt="a red fox",
        actions=(
            AGAIN,
            Action(id="m1:use:job-1:0", label="Edit", effect=Effect.ASK),
            Action(id="m1:upscale:job-1:0", label="Upscale", effect=Effect.NEW),
            Action(id="m1:describe:job-1:0", label="Describe", effect=Effect.NEW),
            INFO,
            DELETE,
        ),
    )


def test_results_in_words_are_read_on_the_card() -> None:
    """Long ones are cut; those are there as a file, too."""
    job = new_job(state=State.DONE, seed=None)
    assert render(_facts(job, texts=["a fox", "word " * 400])).body == (
        *PROMPT,
        (Text(text="a fox", made=True),),
        (Text(text=("word " * 300).rstrip() + "…", made=True),),
    )


def test_each_picture_of_a_batch_can_be_used() -> None:
    """Films can't: no workflow starts from one."""
    media = [_media(0), _media(1), _media(2, "video/mp4")]
    job = new_job(state=State.DONE, seed=None, values={}, started=1000.0, finished=1125.0)
    assert render(_facts(job, media=media, offered=frozenset({Verb.USE, Verb.VARY}))) == Card(
        state="done",
        title="/imagine",
        body=((Text(text="2 min 5 s"),),),
        media=tuple(media),
        actions=(
            AGAIN,
            Action(id="m1:use:job-1:0", label="Edit 1", effect=Effect.ASK),
            Action(id="m1:use:job-1:1", label="Edit 2", effect=Effect.ASK),
            Action(id="m1:vary:job-1:0", label="Vary 1", effect=Effect.NEW),
            Action(id="m1:vary:job-1:1", label="Vary 2", effect=Effect.NEW),
            INFO,
            DELETE,
        ),
    )


def test_many_pictures_have_buttons_for_what_is_done_most() -> None:
    """Four have three each, and twenty have one each."""
    every = frozenset({Verb.USE, Verb.VARY, Verb.UPSCALE, Verb.ANIMATE, Verb.DESCRIBE})
    for count, kinds in ((2, 5), (4, 3), (20, 1)):
        job, media = new_job(state=State.DONE), [_media(index) for index in range(count)]
        labels = [action.label for action in render(_facts(job, media=media, offered=every)).actions]
        shown = ["Edit", "Vary", "Upscale", "Animate", "Describe"][:kinds]
        assert labels == [
            "Again",
            *(f"{label} {number + 1}" for label in shown for number in range(count)),
            "Info",
            "Delete",
        ]


def test_a_job_that_never_ran_says_no_time() -> None:
    """One that was adopted when it was over already has no start."""
    job = new_job(state=State.DONE, seed=None, finished=1012.0)
    assert render(_facts(job)) == Card(
        state="done", title="/imagine", body=PROMPT, alt="a red fox", actions=(AGAIN, INFO, DELETE)
    )


def test_a_failed_job_says_why() -> None:
    """The sentence first, then what was asked for; without a reason, what to do."""
    trouble = Trouble(code="out_of_memory", message="The GPU ran out of memory. Make it smaller.")
    assert render(_facts(new_job(state=State.FAILED, error=trouble))) == Card(
        state="failed",
        title="That did not work",
        body=((Text(text=trouble.message),), *PROMPT),
        actions=(AGAIN, DELETE),
    )
    partly = render(_facts(new_job(state=State.FAILED, error=trouble), media=[_media(0)]))
    assert partly.media == (_media(0),)
    assert partly.body == ((Text(text=trouble.message),), *PROMPT, (Text(text="What was made before that:"),))
    unexplained = render(_facts(new_job(state=State.FAILED)))
    assert unexplained.body[0] == (Text(text="Something went wrong. Try again."),)


def test_a_cancelled_job_can_be_asked_for_again() -> None:
    """And its message taken away."""
    assert render(_facts(new_job(state=State.CANCELLED, cancel_requested=True))) == Card(
        state="cancelled", title="Cancelled", body=PROMPT, actions=(AGAIN, DELETE)
    )


@pytest.mark.parametrize("state", State)
def test_long_prompts_are_cut_and_ids_are_short(state: State) -> None:
    """In every state; "Info" has the whole prompt."""
    job = new_job(state=state, id="0123456789abcdef" * 2, values={"prompt": "fox " * 500})
    card = render(_facts(job, media=[_media(n) for n in range(4)]))
    shown = [span.text for line in card.body for span in line if isinstance(span, Text) and span.strong]
    assert shown == [("fox " * 75).rstrip() + "…"]
    assert all(len(action.id.encode()) <= 64 for action in card.actions)
    assert len({action.id for action in card.actions}) == len(card.actions)


def test_info_is_all_that_was_asked() -> None:
    """Zero and no are values; what was left empty is not shown."""
    job = new_job(values={"prompt": "x" * 500, "negative": "", "seed": 0, "hd": False, "cfg": 7.5})
    assert info(new_view(job)) == Card(
        state="note",
        title="/imagine",
        body=(
            (Text(text="prompt: "), Code(text="x" * 500)),
            (Text(text="seed: "), Code(text="0")),
            (Text(text="hd: "), Code(text="False")),
            (Text(text="cfg: "), Code(text="7.5")),
        ),
    )


def test_the_queue_is_told_in_words() -> None:
    """Numbers, then each server."""
    status = QueueStatus(
        waiting=3,
        running=2,
        backends=(
            BackendStatus(name="attic", up=True, version="0.3.1", running=2),
            BackendStatus(name="cellar", up=False, version=None, running=0),
        ),
    )
    assert queue_card(status) == Card(
        state="note",
        title="Queue",
        body=(
            (Text(text="3 waiting, 2 in work"),),
            (Code(text="attic"), Text(text=" answers (ComfyUI 0.3.1), 2 in work")),
            (Code(text="cellar"), Text(text=" does not answer, 0 in work")),
        ),
    )


def test_a_note_belongs_to_no_job() -> None:
    """It has a title, lines and nothing to press."""
    line = (Text(text="Hello"),)
    assert note("Hi", line) == Card(state="note", title="Hi", body=(line,))


@pytest.mark.parametrize(
    ("now", "spans"),
    [
        (
            1000.0,
            (
                Text(text="Ready "),
                Countdown(at=1030.0, text="in 30 s"),
                Text(text=" to "),
                Countdown(at=1130.0, text="in 2 min"),
            ),
        ),
        (1030.0, (Text(text="Ready soon, or "), Countdown(at=1130.0, text="in 2 min"))),
        (1130.0, None),
    ],
)
def test_a_job_that_waits_says_when_it_will_be_ready(now: float, spans: tuple[Span, ...] | None) -> None:
    """A range that counts down, and nothing once it has passed; its words are no reason to show it again."""
    card = render(_facts(new_job(early=1030.0, late=1130.0), now=now))
    assert card.body == ((*PROMPT, spans) if spans is not None else PROMPT)
    assert [span.text for line in card.body for span in line] == [
        span.text for line in (*PROMPT, spans or ()) for span in line
    ]
    assert render(_facts(new_job(early=1030.0, late=1130.0), now=now + 1)).body == card.body or now >= 1029


def test_a_job_that_waits_says_that_its_models_are_loaded() -> None:
    """The first of them, by its file's name."""
    job = new_job(models="flux\\flux1-dev.safetensors\nae.safetensors")
    card = render(_facts(job, loaded=True))
    assert card.body == (*PROMPT, (Code(text="flux1-dev"), Text(text=" is loaded")))
    assert render(_facts(job)).body == PROMPT
    assert render(_facts(new_job(), loaded=True)).body == PROMPT
