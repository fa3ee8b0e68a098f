"""Binding and patching: only declared inputs change, typed, and the graph they came from never does."""

from __future__ import annotations

import copy
import json
import re
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.contract.values import ParameterSpec, ParameterType
from bot.errors import InvalidValue
from bot.jobs.models import PatchValue, Setting
from bot.workflow.load import load_workflow
from bot.workflow.model import Parameter, Role, Target, Workflow, offered
from bot.workflow.patch import Bound, apply, bind

IMAGINE = load_workflow(files("workflows") / "sdxl")
IMG2IMG = load_workflow(files("workflows") / "img2img")
CHOICES = {
    "model": ("sd_xl_base_1.0.safetensors", "other.safetensors"),
    "sampler": ("euler", "heun"),
    "scheduler": ("normal", "karras"),
}


def _refusal(workflow: Workflow, raw: dict[str, object], choices: Any = CHOICES) -> tuple[str, str]:
    with pytest.raises(InvalidValue) as raised:
        bind(workflow, raw, choices, seed=1)
    return raised.value.parameter, str(raised.value)


def _choice(default: str | None, *, fallback: bool) -> Parameter:
    spec = ParameterSpec(name="model", type=ParameterType.CHOICE, title="Model", default=default)
    return Parameter(spec=spec, targets=(Target(node="4", input="ckpt_name"),), fallback=fallback)


def _workflow(*parameters: Parameter) -> Workflow:
    return Workflow(
        name="fox",
        title="Fox",
        description="",
        roles=(Role.IMAGINE,),
        graph=IMAGINE.graph,
        version="v1",
        parameters=parameters,
    )


def test_values_go_where_the_file_says() -> None:
    """What was asked, the defaults and the drawn seed make one patch, in the parameters' order."""
    raw = {"prompt": " a red fox ", "steps": "30", "width": 512.0, "model": "OTHER.safetensors", "seed": None}
    bound = bind(IMAGINE, raw, CHOICES, seed=2**53 - 1)
    values: dict[str, PatchValue] = {
        "prompt": "a red fox",
        "negative": "",
        "width": 512,
        "height": 1024,
        "steps": 30,
        "cfg": 7.0,
        "seed": 2**53 - 1,
        "count": 1,
        "model": "other.safetensors",
        "sampler": "euler",
        "scheduler": "normal",
    }
    where = {
        "prompt": ("6", "text"),
        "negative": ("7", "text"),
        "width": ("5", "width"),
        "height": ("5", "height"),
        "steps": ("3", "steps"),
        "cfg": ("3", "cfg"),
        "seed": ("3", "seed"),
        "count": ("5", "batch_size"),
        "model": ("4", "ckpt_name"),
        "sampler": ("3", "sampler_name"),
        "scheduler": ("3", "scheduler"),
    }
    patch = tuple(Setting(node=where[name][0], input=where[name][1], value=values[name]) for name in values)
    assert bound == Bound(values=values, patch=patch, seed=2**53 - 1)


@pytest.mark.parametrize("raw", [0, "0", 0.0])
def test_seed_0_is_a_seed(raw: object) -> None:
    """It was asked for, so it is not drawn anew."""
    bound = bind(IMAGINE, {"prompt": "a red fox", "seed": raw}, CHOICES, seed=7)
    assert (bound.seed, bound.values["seed"]) == (0, 0)
    assert apply(IMAGINE.graph, bound.patch)["3"]["inputs"]["seed"] == 0


def test_a_drawn_seed_of_0_is_kept() -> None:
    """0 is as good as any other."""
    assert bind(IMAGINE, {"prompt": "a red fox"}, CHOICES, seed=0).seed == 0


def test_a_workflow_without_a_seed_has_none() -> None:
    """The drawn one goes nowhere."""
    assert bind(_workflow(), {}, {}, seed=7) == Bound(values={}, patch=(), seed=None)


@pytest.mark.parametrize("raw", [{}, {"prompt": None}, {"prompt": ""}, {"prompt": "\u200e \x00"}])
def test_what_is_required_must_be_there(raw: dict[str, object]) -> None:
    """An empty prompt is no prompt."""
    assert _refusal(IMAGINE, raw) == ("prompt", "Write a prompt.")


def test_one_value_may_go_to_many_inputs() -> None:
    """Both inputs get it."""
    spec = ParameterSpec(name="prompt", type=ParameterType.TEXT, title="Prompt")
    both = (Target(node="6", input="text"), Target(node="7", input="text"))
    bound = bind(_workflow(Parameter(spec=spec, targets=both)), {"prompt": "fox"}, {}, seed=1)
    graph = apply(IMAGINE.graph, bound.patch)
    assert (graph["6"]["inputs"]["text"], graph["7"]["inputs"]["text"]) == ("fox", "fox")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("stpes", '/sdxl has no option "stpes". Did you mean "steps"?'),
        ("Width", '/sdxl has no option "Width". Did you mean "width"?'),
        (
            "zzz",
            '/sdxl has no option "zzz". There are: prompt, negative, width, height, steps, cfg, seed, count, '
            "model, sampler, scheduler.",
        ),
        ("filename_prefix", '/sdxl has no option "filename_prefix". Did you mean "sampler"?'),
    ],
)
def test_an_unknown_option_is_told_with_the_nearest(name: str, told: str) -> None:
    """Nothing that is not declared can be set, and a slip of the finger is named."""
    assert _refusal(IMAGINE, {"prompt": "a red fox", name: "1"}) == (name, told)


def test_a_choice_that_nobody_made_falls_back_to_the_first_offered() -> None:
    """Where the file allows it; a choice that was made does not."""
    fallback = _workflow(_choice("mine.safetensors", fallback=True))
    offers = {"model": ("a.safetensors", "b.safetensors")}
    assert bind(fallback, {}, offers, seed=1).values == {"model": "a.safetensors"}
    assert bind(fallback, {"model": "b.safetensors"}, offers, seed=1).values == {"model": "b.safetensors"}
    told = 'Model "mine.safetensors" is not offered. There is: a.safetensors, b.safetensors.'
    assert _refusal(fallback, {"model": "mine.safetensors"}, offers) == ("model", told)
    assert _refusal(_workflow(_choice("mine.safetensors", fallback=False)), {}, offers) == ("model", told)


def test_a_default_that_is_offered_stays() -> None:
    """Fallback or not, and wherever it stands in the list."""
    offers = {"model": ("a.safetensors", "mine.safetensors")}
    for fallback in (True, False):
        workflow = _workflow(_choice("mine.safetensors", fallback=fallback))
        assert bind(workflow, {}, offers, seed=1).values == {"model": "mine.safetensors"}


def test_a_default_spelled_for_another_system_stays_too() -> None:
    """It becomes what is offered under that name."""
    for fallback in (True, False):
        spec = offered(_choice("SDXL\\a.safetensors", fallback=fallback), ("b", "SDXL/a.safetensors"))
        assert spec.default == "SDXL/a.safetensors"
    assert offered(_choice(None, fallback=False), ("None", "a")).default is None


def test_nothing_offered_is_nothing_to_choose() -> None:
    """An empty models folder is told."""
    told = "Model: ComfyUI offers nothing to choose from."
    assert _refusal(_workflow(_choice("mine.safetensors", fallback=True)), {}, {"model": ()}) == (
        "model",
        told,
    )


def test_commands_publish_what_is_offered_now() -> None:
    """Choices and the default that would be taken; without servers, the file's own."""
    specs = {spec.name: spec for spec in IMAGINE.command({"model": ("a.safetensors",)}).parameters}
    assert (specs["model"].choices, specs["model"].default) == (("a.safetensors",), "a.safetensors")
    assert (specs["sampler"].choices, specs["sampler"].default) == ((), "euler")
    prompt = IMAGINE.parameters[0]
    assert offered(prompt, ("a",)) is prompt.spec


def test_pictures_are_not_bound_as_text() -> None:
    """The service fills them in; a text in their place is told."""
    bound = bind(IMG2IMG, {"prompt": "night"}, CHOICES, seed=1)
    assert "image" not in bound.values
    assert ("10", "image") not in {(setting.node, setting.input) for setting in bound.patch}
    told = "Picture is a picture: attach one, or reply to one."
    assert _refusal(IMG2IMG, {"prompt": "night", "image": "../../secret.png"}) == ("image", told)


def _shape(graph: Any) -> Any:
    """The graph without its literals: nodes, classes, inputs' names and types, and links."""
    return {
        node: (
            body["class_type"],
            body.get("_meta"),
            {
                name: value if isinstance(value, list) else type(value)
                for name, value in body["inputs"].items()
            },
        )
        for node, body in graph.items()
    }


@given(prompt=st.text(), negative=st.text(), seed=st.integers(0, 2**64 - 1))
@example(prompt='", "class_type": "Evil"}, "99": {"', negative='\\"}}\n{"3": null}', seed=0)
@example(prompt="\\{a", negative="\\{", seed=0)
@example(prompt='%prompt% {{seed}} ${steps} ["4", 0]', negative='["4", 0]', seed=2**64 - 1)
def test_text_never_changes_the_structure(prompt: str, negative: str, seed: int) -> None:
    """Quotes, JSON and newlines are text in one input: nodes, classes and links stay as they are."""
    before = copy.deepcopy(IMAGINE.graph)
    asked = "fox " + prompt  # whatever else is in it, there is a prompt
    bound = bind(IMAGINE, {"prompt": asked, "negative": negative}, CHOICES, seed)
    patched = apply(IMAGINE.graph, bound.patch)
    assert before == IMAGINE.graph
    assert json.loads(json.dumps(patched)) == patched
    assert _shape(patched) == _shape(before)
    for node, name in (("6", "prompt"), ("7", "negative")):
        # a backslash before one of these makes it plain text
        literal = re.sub(r"\\([{}|<>_])", r"\1", str(bound.values[name]))
        assert patched[node]["inputs"]["text"] == literal
    assert patched["3"]["inputs"]["seed"] == seed


def test_applying_makes_a_new_graph() -> None:
    """The old one is as it was, and shares the nodes that are the same."""
    before = copy.deepcopy(IMAGINE.graph)
    patch = (Setting(node="3", input="seed", value=5), Setting(node="3", input="steps", value=6))
    patched = apply(IMAGINE.graph, patch)
    sampler = before["3"]
    assert patched == {
        **before,
        "3": {**sampler, "inputs": {**sampler["inputs"], "seed": 5, "steps": 6}},
    }
    assert before == IMAGINE.graph
    assert all(patched[node] is IMAGINE.graph[node] for node in before if node != "3")


def test_a_drawn_seed_fits_what_the_node_takes() -> None:
    """One that a person chose must fit by itself."""
    spec = ParameterSpec(name="seed", type=ParameterType.SEED, title="Seed", minimum=0, maximum=2**31 - 1)
    workflow = _workflow(Parameter(spec=spec, targets=(Target(node="3", input="seed"),)))
    assert bind(workflow, {}, {}, seed=2**31 + 5).seed == 5
    assert bind(workflow, {}, {}, seed=2**31 - 1).seed == 2**31 - 1
    assert _refusal(workflow, {"seed": 2**31})[0] == "seed"
