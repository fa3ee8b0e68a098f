"""How workflows are added, changed and listed, as cards. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from bot.cards.notes import note
from bot.contract.card import Action, ActionStyle, Card, Code, Effect, Span, Text
from bot.errors import Stale

VERSION = "w1"
"""Raised when the form of these ids changes."""

MOST_BUTTONS = 20
"""Options that are shown at once: with those below them as many buttons as every platform takes."""

Line = tuple[Span, ...]


class Step(StrEnum):
    """What a button of these cards does."""

    RUN = "run"
    """Takes a run of a ComfyUI."""
    SHOW = "show"
    OPTIONS = "options"
    OPTION = "option"
    ROLES = "roles"
    ROLE = "role"
    NAME = "name"
    RENAME = "rename"
    HIDE = "hide"
    UNHIDE = "unhide"
    MORE = "more"
    TRY = "try"
    PUBLISH = "publish"
    DROP = "drop"


_EFFECTS = {Step.NAME: Effect.ASK, Step.RENAME: Effect.ASK, Step.TRY: Effect.NEW}


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """A step, the draft that it is about, and what else it names. As text it is at most 64 bytes."""

    step: Step
    draft: str
    about: str = ""

    def __str__(self) -> str:
        return f"{VERSION}:{self.step}:{self.draft}:{self.about}"


def is_choice(text: str) -> bool:
    """Whether a button is one of these cards."""
    return text.startswith(f"{VERSION}:")


def read_choice(text: str) -> Choice:
    """What a button stands for. Raises `Stale` for one that this version never made."""
    parts = text.split(":", 3)
    if len(text) > 64 or len(parts) != 4 or parts[0] != VERSION:
        raise Stale
    try:
        return Choice(step=Step(parts[1]), draft=parts[2], about=parts[3])
    except ValueError as error:
        raise Stale from error


@dataclass(frozen=True, kw_only=True, slots=True)
class RunLine:
    """A run to choose: where it is, when it ended, what it would be called, the words in it."""

    backend: str
    prompt_id: str
    when: str
    name: str
    words: str


@dataclass(frozen=True, kw_only=True, slots=True)
class OptionLine:
    """An option as it is published: what it takes, in words."""

    name: str
    takes: str
    more: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Drafted:
    """All that a draft's card says. `servers` has what each lacks; `replaces` tells of a change to what is there.

    `edits` grows with every change; `paid` is what a run costs, in words.
    """

    id: str
    name: str
    title: str
    edits: int
    roles: Sequence[str]
    every_role: Sequence[str]
    options: Sequence[OptionLine]
    hidden: Sequence[str]
    outputs: Sequence[str]
    servers: Sequence[tuple[str, Sequence[str]]]
    tried: str = ""
    paid: str = ""
    replaces: bool = False


def runs_card(runs: Sequence[RunLine]) -> Card:
    """What was run lately, to choose one of."""
    lines = [
        (
            Text(text=f"{number}. {run.when} "),
            Code(text=run.name),
            Text(text=f" {run.words}" if run.words else ""),
        )
        for number, run in enumerate(runs, 1)
    ]
    actions = tuple(
        Action(
            id=str(Choice(step=Step.RUN, draft=run.backend, about=run.prompt_id)),
            label=f"{number}. {run.name}",
        )
        for number, run in enumerate(runs, 1)
    )
    return Card(state="note", title="Which run is to become a command?", body=tuple(lines), actions=actions)


def draft_card(draft: Drafted) -> Card:
    """What was found out, and what can be done with it."""
    few = [option for option in draft.options if not option.more]
    more = [option.name for option in draft.options if option.more]
    lines: list[Line] = [_command_line(draft)]
    lines += [_option_line(option) for option in few]
    lines += [_names("More: ", more)] if more else []
    lines += [_names("Hidden: ", draft.hidden)] if draft.hidden else []
    lines += [(Text(text=f"Makes: {', '.join(draft.outputs)}"),)]
    lines += [(Text(text=draft.paid),)] if draft.paid else []
    lines += _server_lines(draft.servers)
    lines += [(Text(text=draft.tried or "It was not tried yet."),)]
    title = f"Change of {draft.title}" if draft.replaces else f"New: {draft.title}"
    return Card(state="note", title=title, body=tuple(lines), actions=tuple(_draft_buttons(draft)))


def options_card(draft: Drafted) -> Card:
    """The options, each a button."""
    lines: list[Line] = [_option_line(option) for option in draft.options[:MOST_BUTTONS]]
    shown = [_button(draft, Step.OPTION, each.name, each.name) for each in draft.options]
    hidden = [_button(draft, Step.UNHIDE, f"Show {name}", name) for name in draft.hidden]
    return Card(
        state="note",
        title=f"Options of /{draft.name}",
        body=(*lines, *([_names("Hidden: ", draft.hidden)] if draft.hidden else [])),
        actions=(
            *shown[:MOST_BUTTONS],
            *hidden[: MOST_BUTTONS + 4 - len(shown[:MOST_BUTTONS])],
            _back(draft),
        ),
    )


def option_card(draft: Drafted, option: OptionLine) -> Card:
    """One option."""
    place = "Shown first" if option.more else "Shown last"
    return Card(
        state="note",
        title=f"Option {option.name} of /{draft.name}",
        body=(_option_line(option),),
        actions=(
            _button(draft, Step.RENAME, "Rename", option.name),
            _button(draft, Step.HIDE, "Hide", option.name),
            _button(draft, Step.MORE, place, option.name),
            _button(draft, Step.OPTIONS, "Back"),
        ),
    )


def roles_card(draft: Drafted) -> Card:
    """What it is for."""
    buttons = (
        _button(draft, Step.ROLE, f"{'✓ ' if role in draft.roles else ''}{role}", role)
        for role in draft.every_role
    )
    return Card(
        state="note",
        title=f"What is /{draft.name} for?",
        body=(_role_line(draft.roles),),
        actions=(*buttons, _back(draft)),
    )


def published_card(name: str, number: int, roles: Sequence[str], over: str = "") -> Card:
    """It can be used. `over` tells of a file that it stands before."""
    back = (Text(text=f"{over} "), Code(text=f"/workflow rollback {name}"), Text(text=" goes back."))
    also = [(Text(text="It serves "), Code(text=", ".join(f"/{role}" for role in roles)))] if roles else []
    return note(
        f"/{name} is there, version {number}",
        (Text(text="Everybody can use it now. Menus show it within a minute."),),
        *also,
        *([back] if over else []),
        (Code(text=f"/workflow show {name}"), Text(text=" says what it takes.")),
    )


def dropped_card(name: str) -> Card:
    """Nothing comes of it."""
    return note(f"The draft of /{name} is gone")


def shown_card(draft: Drafted, standing: str, versions: Iterable[str]) -> Card:
    """A workflow that is there."""
    return note(
        draft.title,
        _command_line(draft),
        (Text(text=standing),),
        *(_option_line(option) for option in draft.options),
        *([_names("Hidden: ", draft.hidden)] if draft.hidden else []),
        *([(Text(text=draft.paid),)] if draft.paid else []),
        *_server_lines(draft.servers),
        *((Text(text=version),) for version in versions),
    )


def list_card(groups: Sequence[tuple[str, Sequence[str]]]) -> Card:
    """All workflows, by where they come from."""
    return note("Workflows", *(_names(f"{heading}: ", names) for heading, names in groups if names))


def diff_card(name: str, old: int, new: int, lines: Sequence[str]) -> Card:
    """What is different between two versions."""
    told: list[Line] = [(Code(text=line),) for line in lines]
    return note(
        f"/{name}: from version {old} to version {new}", *(told or [(Text(text="Nothing is different."),)])
    )


def _draft_buttons(draft: Drafted) -> Iterator[Action]:
    yield _button(draft, Step.NAME, "Rename")
    yield _button(draft, Step.OPTIONS, "Options")
    yield _button(draft, Step.ROLES, "Roles")
    yield _button(draft, Step.TRY, "Try it", str(draft.edits))
    yield _button(draft, Step.SHOW, "Look again")
    yield _button(draft, Step.PUBLISH, "Publish")
    yield _button(draft, Step.DROP, "Discard", style=ActionStyle.DANGER)


def _button(
    draft: Drafted, step: Step, label: str, about: str = "", style: ActionStyle = ActionStyle.NORMAL
) -> Action:
    choice = Choice(step=step, draft=draft.id, about=about)
    return Action(id=str(choice), label=label, style=style, effect=_EFFECTS.get(step, Effect.HERE))


def _back(draft: Drafted) -> Action:
    return _button(draft, Step.SHOW, "Back")


def _command_line(draft: Drafted) -> Line:
    return (Code(text=f"/{draft.name}"), *_role_line(draft.roles, " "))


def _role_line(roles: Sequence[str], before: str = "") -> Line:
    if not roles:
        return (Text(text=f"{before}It serves no role."),)
    return (Text(text=f"{before}It serves "), Code(text=", ".join(f"/{role}" for role in roles)))


def _option_line(option: OptionLine) -> Line:
    return (Code(text=option.name), Text(text=f" {option.takes}"))


def _names(heading: str, names: Sequence[str]) -> Line:
    return (Text(text=f"{heading}{', '.join(names)}"),)


def _server_lines(servers: Sequence[tuple[str, Sequence[str]]]) -> Iterator[Line]:
    for name, lacks in servers:
        told = " ".join(lacks) if lacks else "can run it."
        yield (Code(text=name), Text(text=f" {told}"))
