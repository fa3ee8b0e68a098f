"""Workflows from a chat: added, changed, tried, published, and looked after."""

from __future__ import annotations

import time
from dataclasses import replace

from bot.cards import workshop as cards
from bot.cards.notes import note
from bot.cards.workshop import Choice, Drafted, OptionLine, Step, read_choice
from bot.commands.registry import Context, Entry, command
from bot.contract.card import Card
from bot.contract.values import (
    Answer,
    Ask,
    Invocation,
    ParameterSpec,
    ParameterType,
    Press,
    Said,
    Turned,
)
from bot.errors import InvalidValue, NotOffered, UserError
from bot.service.drafted import drafted, of_sketch
from bot.service.runs import MOST_RUNS
from bot.service.submit import Submit
from bot.service.workshop import Sketch, Workshop
from bot.workflow import change
from bot.workflow.catalogue import complete
from bot.workflow.diff import differences
from bot.workflow.model import Role
from bot.workflow.values import FALSE, TRUE, check

WORKFLOWS: dict[str, Entry] = {}

SET = "workflow set"

WORKFLOW = ParameterSpec(
    name="workflow",
    type=ParameterType.TEXT,
    title="Workflow",
    description="The name of the workflow",
    required=True,
)
FILE = ParameterSpec(
    name="file",
    type=ParameterType.FILE,
    title="File",
    description="A picture or film that it made, or its graph: Workflow > Export (API)",
)
RUN = ParameterSpec(
    name="run",
    type=ParameterType.INTEGER,
    title="Run",
    description="Which of ComfyUI's last runs; 1 is the newest",
    minimum=1,
    maximum=MOST_RUNS,
)
VERSION = ParameterSpec(
    name="version",
    type=ParameterType.INTEGER,
    title="Version",
    description="The number of a version",
    minimum=1,
)
EARLIER = replace(
    VERSION, description="The number of a version; 0 is the file that it stands before", minimum=0
)
OTHER = replace(VERSION, name="other", title="Other version", description="The version to hold against it")
PARAMETER = ParameterSpec(
    name="parameter",
    type=ParameterType.TEXT,
    title="Option",
    description="The option that is to change; without it the workflow itself",
)
NAME = ParameterSpec(
    name="name", type=ParameterType.TEXT, title="Name", description="What it is called", max_length=64
)
TITLE = replace(NAME, name="title", title="Title", description="What people read")
ROLE = ParameterSpec(
    name="role",
    type=ParameterType.CHOICE,
    title="Role",
    description="What it serves, or no longer serves",
    choices=tuple(Role),
)
HIDE = ParameterSpec(
    name="hide", type=ParameterType.BOOLEAN, title="Hide", description="Whether people may not set the option"
)


@command(WORKFLOWS, "workflow add", "Make a command of what ComfyUI ran, or of a file", FILE, RUN)
async def add(context: Context, invocation: Invocation) -> Answer:
    """Begins a draft, or asks which run."""
    files = (*invocation.images.values(), *invocation.attachments)
    if files:
        return await _said(context.workshop, await context.workshop.begin_with_file(files[0]))
    runs = await context.workshop.runs()
    if not runs:
        raise NotOffered(
            "ComfyUI has run nothing lately that could be taken. Run the workflow once there, or attach a picture "
            "that it made, or its graph (Workflow > Export (API))."
        )
    number = invocation.values.get(RUN.name)
    if number in (None, ""):
        return Said(card=cards.runs_card(runs))
    run = runs[min(int(check(RUN, number)), len(runs)) - 1]
    return await _said(context.workshop, await context.workshop.begin_with_run(run.backend, run.prompt_id))


@command(WORKFLOWS, "workflow edit", "Change a workflow", WORKFLOW)
async def edit(context: Context, invocation: Invocation) -> Answer:
    """Begins a draft of the next version."""
    return await _said(context.workshop, await context.workshop.begin_with_workflow(_name(invocation)))


@command(
    WORKFLOWS, SET, "Change a draft: its name, options, roles", WORKFLOW, PARAMETER, NAME, TITLE, ROLE, HIDE
)
async def set_(context: Context, invocation: Invocation) -> Answer:
    """Changes a draft by what is given."""
    workshop, values = context.workshop, invocation.values
    sketch = await workshop.sketch_or_begin(_name(invocation))
    parameter, name = str(values.get(PARAMETER.name) or ""), str(values.get(NAME.name) or "")
    hide, title = str(values.get(HIDE.name) or "").casefold(), str(values.get(TITLE.name) or "")
    if hide and hide not in TRUE | FALSE:
        raise InvalidValue(HIDE.name, "Hide must be yes or no.")
    if parameter:
        return await _said(workshop, await _set_option(workshop, sketch, parameter, name, hide, title))
    if name:
        sketch = await workshop.rename(sketch, name)
    if title:
        file = {**sketch.file, "title": str(check(TITLE, title))}
        sketch = await workshop.change(sketch, lambda _: file)
    if values.get(ROLE.name):
        role = Role(str(check(ROLE, values[ROLE.name])))
        sketch = await workshop.change(sketch, lambda made: change.serving(sketch.file, made, role))
    return await _said(workshop, sketch)


@command(WORKFLOWS, "workflow try", "Run a draft once, with the pictures that are attached", WORKFLOW, FILE)
async def try_(context: Context, invocation: Invocation) -> Answer:
    """Runs a draft."""
    sketch = await context.workshop.sketch(_name(invocation))
    files = (*invocation.images.values(), *invocation.attachments)
    bare = replace(invocation, values={}, images={}, attachments=files)
    return await context.workshop.try_(sketch, context.submit, bare, context.adapter)


@command(WORKFLOWS, "workflow publish", "Let everybody use a draft", WORKFLOW)
async def publish(context: Context, invocation: Invocation) -> Answer:
    """Makes a version of a draft."""
    sketch = await context.workshop.sketch(_name(invocation))
    return Said(card=await _published(context.workshop, sketch, invocation.actor.name))


@command(WORKFLOWS, "workflow list", "Every workflow, and where it comes from")
async def list_(context: Context, _invocation: Invocation) -> Answer:
    """Lists workflows."""
    shelf = context.workshop.shelf
    groups: dict[str, list[str]] = {"Added": [], "From files": [], "Bundled": [], "Switched off": []}
    for name in shelf.names():
        standing = shelf.standing(name)
        told = name if standing.number is None else f"{name} (version {standing.number})"
        bundled = standing.number is None and shelf.files[name].bundled
        where = "Bundled" if bundled else "From files" if standing.number is None else "Added"
        groups[where if standing.enabled else "Switched off"].append(told)
    return Said(card=cards.list_card(list(groups.items())))


@command(WORKFLOWS, "workflow show", "What a workflow takes, and what servers lack", WORKFLOW, VERSION)
async def show(context: Context, invocation: Invocation) -> Answer:
    """Tells of a workflow."""
    workshop, name = context.workshop, _name(invocation)
    number = _number(invocation, VERSION)
    draft = await workshop.shelf.draft(name, number)
    workflow = complete(draft, workshop.servers.schemas())
    told = drafted(workflow, draft.file.model_dump(exclude_unset=True), workshop.servers)
    place = workshop.shelf.served(name) if number is None else f"That is version {number}."
    versions = [
        f"{each}: {time.strftime('%Y-%m-%d %H:%M', time.localtime(created))} by {author}"
        for each, author, created in await workshop.shelf.library.versions(name)
    ]
    return Said(card=cards.shown_card(told, place, versions if number is None else ()))


@command(WORKFLOWS, "workflow diff", "What changed between two versions", WORKFLOW, VERSION, OTHER)
async def diff(context: Context, invocation: Invocation) -> Answer:
    """Holds two versions against each other: the last two, if none is named."""
    shelf, name = context.workshop.shelf, _name(invocation)
    numbers = [each for each, _, _ in await shelf.library.versions(name)]
    new = _number(invocation, OTHER) or shelf.standing(name).number
    old = _number(invocation, VERSION) or max((each for each in numbers if each < (new or 0)), default=None)
    if new is None or old is None:
        raise UserError(f"/{name} has but one version." if numbers else f"/{name} has no versions here.")
    one, other = await shelf.draft(name, old), await shelf.draft(name, new)
    lines = list(differences(one.graph, other.graph, one.text, other.text))
    return Said(card=cards.diff_card(name, old, new, lines))


@command(WORKFLOWS, "workflow rollback", "Use an older version of a workflow", WORKFLOW, EARLIER)
async def rollback(context: Context, invocation: Invocation) -> Answer:
    """Goes back: to the version before, if none is named."""
    name = _name(invocation)
    number = await context.workshop.roll_back(name, _number(invocation, EARLIER))
    return Said(card=note(f"/{name} is {'the file' if number is None else f'version {number}'} again"))


@command(WORKFLOWS, "workflow disable", "Let nobody use a workflow", WORKFLOW)
async def disable(context: Context, invocation: Invocation) -> Answer:
    """Switches a workflow off."""
    name = _name(invocation)
    await context.workshop.switch(name, enabled=False)
    return Said(card=note(f"/{name} is switched off"))


@command(WORKFLOWS, "workflow enable", "Let people use a workflow again", WORKFLOW)
async def enable(context: Context, invocation: Invocation) -> Answer:
    """Switches a workflow on."""
    name = _name(invocation)
    await context.workshop.switch(name, enabled=True)
    return Said(card=note(f"/{name} is switched on"))


@command(WORKFLOWS, "workflow export", "The files of a workflow", WORKFLOW, VERSION)
async def export(context: Context, invocation: Invocation) -> Answer:
    """Sends the folder of a workflow, packed."""
    name = _name(invocation)
    media = await context.workshop.packed(name, _number(invocation, VERSION))
    return Said(card=replace(note(f"/{name} as files"), media=(media,)))


async def press_of(workshop: Workshop, submit: Submit, press: Press, adapter: str) -> Answer:
    """Do what a button of a draft's card says. The right to is checked by whoever calls."""
    choice = read_choice(press.action)
    if choice.step is Step.RUN:
        return Turned(card=await _card(workshop, await workshop.begin_with_run(choice.draft, choice.about)))
    sketch = await workshop.sketch(choice.draft)
    match choice.step:
        case Step.NAME:
            return Ask(command=SET, values={WORKFLOW.name: sketch.id}, about=NAME.name)
        case Step.RENAME:
            given = {WORKFLOW.name: sketch.id, PARAMETER.name: choice.about}
            return Ask(command=SET, values=given, about=NAME.name)
        case Step.TRY:
            return await workshop.try_(sketch, submit, _invocation(press), adapter)
        case Step.PUBLISH:
            return Turned(card=await _published(workshop, sketch, press.actor.name))
        case Step.DROP:
            await workshop.drop(sketch)
            return Turned(card=cards.dropped_card(sketch.name))
        case _:
            return Turned(card=await _turned(workshop, sketch, choice))


async def _turned(workshop: Workshop, sketch: Sketch, choice: Choice) -> Card:
    """The card after a step that only changes or shows the draft."""
    match choice.step:
        case Step.HIDE:
            sketch = await _set_option(workshop, sketch, choice.about, "", "yes", "")
        case Step.UNHIDE:
            sketch = await _set_option(workshop, sketch, choice.about, "", "no", "")
        case Step.MORE:
            sketch = await workshop.change(sketch, lambda made: change.moved(sketch.file, made, choice.about))
        case Step.ROLE:
            role = Role(choice.about)
            sketch = await workshop.change(sketch, lambda made: change.serving(sketch.file, made, role))
        case _:
            pass
    told = await of_sketch(workshop, sketch)
    match choice.step:
        case Step.OPTIONS | Step.HIDE | Step.UNHIDE | Step.MORE:
            return cards.options_card(told)
        case Step.OPTION:
            return cards.option_card(told, _option(told, choice.about))
        case Step.ROLES | Step.ROLE:
            return cards.roles_card(told)
        case _:
            return cards.draft_card(told)


async def _set_option(
    workshop: Workshop, sketch: Sketch, parameter: str, name: str, hide: str, title: str
) -> Sketch:
    """An option of a draft called or hidden otherwise."""
    if hide in FALSE:
        return await workshop.change(sketch, lambda _: change.shown(sketch.file, parameter))
    if hide:
        found = workshop.inferred(sketch)
        return await workshop.change(sketch, lambda made: change.hidden(sketch.file, made, parameter, found))
    if title:
        sketch = await workshop.change(
            sketch, lambda made: change.titled(sketch.file, made, parameter, str(check(TITLE, title)))
        )
    if name:
        sketch = await workshop.change(
            sketch, lambda made: change.renamed(sketch.file, made, parameter, name)
        )
    return sketch


async def _published(workshop: Workshop, sketch: Sketch, author: str) -> Card:
    workflow, number = await workshop.publish(sketch, author)
    over = workshop.shelf.served(sketch.name) if sketch.name in workshop.shelf.files else ""
    return cards.published_card(sketch.name, number, [str(role) for role in workflow.roles], over)


async def _said(workshop: Workshop, sketch: Sketch) -> Said:
    return Said(card=await _card(workshop, sketch))


async def _card(workshop: Workshop, sketch: Sketch) -> Card:
    return cards.draft_card(await of_sketch(workshop, sketch))


def _option(told: Drafted, name: str) -> OptionLine:
    found = next((each for each in told.options if each.name == name), None)
    if found is None:
        raise InvalidValue("parameter", f'/{told.name} has no option "{name}" any more.')
    return found


def _invocation(press: Press) -> Invocation:
    return Invocation(
        event_key=press.event_key,
        actor=press.actor,
        place=press.place,
        command="",
        address=press.address,
        transient=press.transient,
    )


def _name(invocation: Invocation) -> str:
    given = str(invocation.values.get(WORKFLOW.name) or "").strip().lstrip("/")
    if not given:
        raise InvalidValue(WORKFLOW.name, "Which workflow? /workflow list names them all.")
    return given


def _number(invocation: Invocation, spec: ParameterSpec) -> int | None:
    given = invocation.values.get(spec.name)
    return None if given in (None, "") else int(check(spec, given))


def _who(invocation: Invocation) -> str:
    return invocation.actor.name
