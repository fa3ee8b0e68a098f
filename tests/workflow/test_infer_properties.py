"""What holds for every graph and every value: parameters change what they say and nothing else, and they arrive."""

from __future__ import annotations

import copy
import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.inference import author_interface
from bot.comfy.schemas import NodeSchemas
from bot.contract.values import ParameterSpec, ParameterType
from bot.workflow.infer.infer import MOST, MOST_SHOWN, Inferred, infer
from bot.workflow.infer.interface import Interface
from bot.workflow.infer.meanings import Meaning
from bot.workflow.model import Parameter, Role, Workflow
from bot.workflow.patch import apply, bind, unbind
from tests.processes import ROOT
from tests.workflow.nodes import NODES, graph

GRAPHS = ROOT / "../shared/graphs"
REAL = sorted(path.stem for path in (GRAPHS / "api").glob("*.json"))
FILES = (ParameterType.IMAGE, ParameterType.MASK, ParameterType.VIDEO, ParameterType.AUDIO)
SCHEMAS = NodeSchemas(NODES)

STAGE = {
    "steps": 20,
    "cfg": 5.0,
    "model": ("load", 0),
    "sampler_name": "euler",
    "scheduler": "simple",
    "denoise": 1.0,
}
GRAPH = graph(
    load=("CheckpointLoaderSimple", {"ckpt_name": "a.safetensors"}),
    words=("PrimitiveText", {"value": "a red fox"}, "Prompt"),
    orders=("PrimitiveText", {"value": "You are an expert."}, "System prompt"),
    filled=("Replace", {"string": "SYSTEM Input: USER", "find": "USER", "replace": ("words", 0)}),
    joined=("Concatenate", {"string_a": ("orders", 0), "string_b": ("filled", 0), "delimiter": "\n"}),
    plain=("PrimitiveBoolean", {"value": False}, "Boolean (Template)"),
    pick=("Switch", {"switch": ("plain", 0), "on_true": ("words", 0), "on_false": ("joined", 0)}),
    yes=("CLIPTextEncode", {"text": ("pick", 0), "clip": ("load", 1)}),
    no=("CLIPTextEncode", {"text": "blurry", "clip": ("load", 1)}),
    time=("PrimitiveInt", {"value": 5}, "Duration"),
    rate=("PrimitiveInt", {"value": 16}, "Frame Rate"),
    frames=("Math", {"expression": "a * b + 1", "values.a": ("time", 0), "values.b": ("rate", 0)}),
    size=("EmptyLatentVideo", {"width": 640, "height": 480, "length": ("frames", 1), "batch_size": 1}),
    sample=(
        "KSampler",
        STAGE | {"seed": 5, "positive": ("yes", 0), "negative": ("no", 0), "latent_image": ("size", 0)},
    ),
    decode=("VAEDecode", {"samples": ("sample", 0), "vae": ("load", 2)}),
    film=("CreateVideo", {"images": ("decode", 0), "fps": ("rate", 0)}),
    save=("SaveVideo", {"video": ("film", 0), "filename_prefix": "x"}),
)
INFERRED = infer(GRAPH, SCHEMAS)


def _workflow(made: Inferred, of: dict[str, Any]) -> Workflow:
    return Workflow(
        name="x",
        title="X",
        description="",
        roles=(made.role or Role.IMAGINE,),
        graph=of,
        version="1",
        parameters=made.parameters,
    )


WORKFLOW = _workflow(INFERRED, GRAPH)
CHOICES = {
    "sampler": ("euler", "heun"),
    "scheduler": ("simple", "karras"),
    "model": ("a.safetensors", "b.safetensors"),
}
TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cf"]), min_size=1, max_size=50).filter(
    str.strip
)


def _values(spec: ParameterSpec) -> st.SearchStrategy[Any]:
    low, high = spec.minimum, spec.maximum
    match spec.type:
        case ParameterType.TEXT:
            return TEXTS.map(str.strip)
        case ParameterType.BOOLEAN:
            return st.booleans()
        case ParameterType.CHOICE:
            return st.sampled_from(spec.choices or CHOICES[spec.name])
        case ParameterType.NUMBER:
            return st.floats(-1e6 if low is None else low, 1e6 if high is None else high)
    step = int(spec.step or 1)
    least, most = int(low or 0), int(10**6 if high is None else high)
    return st.integers(0, (most - least) // step).map(lambda number: least + number * step)


RAW = st.fixed_dictionaries({each.spec.name: _values(each.spec) for each in INFERRED.parameters})


def _differences(one: Any, other: Any) -> set[tuple[str, str]]:
    return {
        (node, name)
        for node in one
        for name in one[node]["inputs"]
        if one[node]["inputs"][name] != other[node]["inputs"][name]
    }


def _shape(of: Any) -> Any:
    """A graph without its literals: nodes, classes, names of inputs, links."""
    return {
        node: (
            body["class_type"],
            [(n, v if isinstance(v, list) else None) for n, v in body["inputs"].items()],
        )
        for node, body in of.items()
    }


def _text(of: Any, node: str, name: str) -> str:
    """What ComfyUI's own nodes make of a text: the meaning of the classes, not of their types."""
    value = of[node]["inputs"][name]
    if not isinstance(value, list):
        return str(value)
    source = value[0]
    match of[source]["class_type"]:
        case "PrimitiveText":
            return _text(of, source, "value")
        case "Switch":
            return _text(of, source, "on_true" if of["plain"]["inputs"]["value"] else "on_false")
        case "Concatenate":
            return f"{_text(of, source, 'string_a')}\n{_text(of, source, 'string_b')}"
        case _:
            return _text(of, source, "string").replace("USER", _text(of, source, "replace"))


@settings(deadline=None)
@given(raw=RAW)
def test_a_patch_changes_what_it_declares_and_nothing_else(raw: dict[str, Any]) -> None:
    """Whatever the values are; the graph that it is made from stays as it was, and no text changes the structure."""
    before = copy.deepcopy(GRAPH)
    bound = bind(WORKFLOW, raw, CHOICES, seed=1)
    patched = apply(GRAPH, bound.patch)
    declared = {(each.node, each.input) for parameter in INFERRED.parameters for each in parameter.targets}
    assert before == GRAPH
    assert _differences(GRAPH, patched) <= declared
    assert _shape(patched) == _shape(GRAPH)
    assert json.loads(json.dumps(patched)) == patched


@settings(deadline=None)
@given(raw=RAW)
def test_what_was_bound_is_read_again(raw: dict[str, Any]) -> None:
    """From the patched graph, every value as it was checked."""
    bound = bind(WORKFLOW, raw, CHOICES, seed=1)
    assert unbind(WORKFLOW, apply(GRAPH, bound.patch)) == bound.values


@settings(deadline=None)
@given(words=TEXTS.map(str.strip), unwanted=TEXTS.map(str.strip), plain=st.booleans())
def test_what_a_person_writes_arrives_at_the_encoder(words: str, unwanted: str, plain: bool) -> None:
    """The prompt at the positive one, the negative at the other, through every branch."""
    raw = {"prompt": words, "negative": unwanted, "template": plain}
    patched = apply(GRAPH, bind(WORKFLOW, raw, CHOICES, seed=1).patch)
    assert words in _text(patched, "yes", "text")
    assert _text(patched, "no", "text") == unwanted


@settings(deadline=None)
@given(words=TEXTS, title=TEXTS)
def test_what_a_graph_says_changes_no_binding(words: str, title: str) -> None:
    """Its texts may be anything, and so may its titles: no text is taken for another, and names stay names."""
    other = copy.deepcopy(GRAPH)
    other["words"]["inputs"]["value"] = words
    other["no"]["inputs"]["text"] = words
    other["no"]["_meta"] = {"title": title}
    made = infer(other, SCHEMAS)
    found = {kind: each for each, kind in zip(made.parameters, made.meanings, strict=True)}
    assert [str(each) for each in found[Meaning.NEGATIVE].targets] == ["no.text"]
    assert "no.text" not in map(str, found[Meaning.PROMPT].targets)
    assert all(
        each.spec.name.replace("_", "").isalnum() and each.spec.name.isascii() for each in made.parameters
    )


@cache
def _schemas() -> NodeSchemas:
    return NodeSchemas(json.loads((GRAPHS / "object_info.json").read_text(encoding="utf-8")))


@pytest.mark.skipif(not REAL, reason="there are no real graphs in ../shared/graphs")
@pytest.mark.parametrize("bare", [False, True])
def test_every_real_graph_becomes_a_command(bare: bool) -> None:
    """Names are unique and fit every platform, defaults are what the graph has, and a patch changes what it says."""
    for name in REAL:
        file = json.loads(Path(GRAPHS / "api" / f"{name}.json").read_text(encoding="utf-8"))
        interface = Interface() if bare else author_interface(file["interface"])
        made = infer(file["graph"], _schemas(), interface)
        names = [each.spec.name for each in made.parameters]
        assert len(names) == len(set(names)) <= MOST, name
        assert all(0 < len(each) <= 32 and each == each.lower() for each in names), name
        assert sum(not each.spec.more for each in made.parameters if not each.spec.required) <= MOST_SHOWN, (
            name
        )
        targets = [each for parameter in made.parameters for each in parameter.targets]
        assert len(targets) == len(set(targets)), name
        _binds(name, made, file["graph"])


def _binds(name: str, made: Inferred, of: dict[str, Any]) -> None:
    """The workflow as a person would first use it: a prompt, the files that must be there, nothing else."""
    kept = tuple(each for each in made.parameters if each.spec.type not in (*FILES, ParameterType.CHOICE))
    flow = _workflow(Inferred(parameters=kept, meanings=(), masked=(), role=None), of)
    raw = {each.spec.name: "MARKER" for each in kept if each.spec.type is ParameterType.TEXT}
    patched = apply(of, bind(flow, raw, {}, seed=7).patch)
    declared = {(each.node, each.input) for parameter in kept for each in parameter.targets}
    assert _differences(of, patched) <= declared, name
    assert all(_holds(patched, each) for each in kept if each.spec.type is ParameterType.TEXT), name


def _holds(of: Any, parameter: Parameter) -> bool:
    return all(of[each.node]["inputs"][each.input] == "MARKER" for each in parameter.targets)
