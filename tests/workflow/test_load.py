"""Workflow folders: the bundled ones load, the owner's stand above, and what is wrong is told exactly."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from bot.contract.values import ParameterSpec, ParameterType
from bot.errors import ConfigError
from bot.workflow.load import load_workflow, load_workflows
from bot.workflow.model import Parameter, Role, Target, Workflow
from bot.workflow.patch import bind
from bot.workflow.roles import in_order
from bot.workflow.values import SEED_MAXIMUM
from tests.builders import GRAPH

HEAD = 'title = "Fox"\ndescription = "Foxes"\n'
PROMPT = '[parameters.prompt]\ntype = "text"\nto = ["6.text"]\n'


def _folder(
    where: Path, toml: str | bytes | None = HEAD + PROMPT, graph: Any = GRAPH, name: str = "fox"
) -> Path:
    folder = where / name
    folder.mkdir(parents=True)
    text = graph if isinstance(graph, str | bytes) else json.dumps(graph)
    (folder / "graph.json").write_bytes(text if isinstance(text, bytes) else text.encode())
    if toml is not None:
        (folder / "workflow.toml").write_bytes(toml if isinstance(toml, bytes) else toml.encode())
    return folder


def _refusal(folder: Path) -> str:
    with pytest.raises(ConfigError) as raised:
        load_workflow(folder)
    return str(raised.value)


def test_the_bundled_workflows_load() -> None:
    """They are published with their parameters, and run with nothing but what is required."""
    found = load_workflows([files("workflows")])
    ordered = in_order(found.values(), ())
    assert {role: [each.name for each in ordered if role in each.roles] for role in Role} == {
        Role.IMAGINE: [
            *("z-image", "flux2", "qwen-image", "flux2-dev"),
            *("flux", "flux-checkpoint", "sd35", "sdxl"),
        ],
        Role.EDIT: ["qwen-edit-fast", "flux2-edit", "qwen-edit", "kontext", "flux2-dev-edit", "img2img"],
        Role.VARY: ["z-image-vary", "img2img"],
        Role.ANIMATE: ["wan", "wan-5b", "ltx", "minimax-h3"],
        Role.UPSCALE: ["upscale-model", "seedvr2"],
        Role.INPAINT: ["flux-fill", "sdxl-inpaint"],
        Role.DESCRIBE: ["describe-qwen"],
        Role.MUSIC: ["ace-step"],
    }
    assert [each.name for each in ordered if not each.roles] == [
        *("flux-reference", "outpaint", "z-image-control", "sdxl-control", "sdxl-face", "sdxl-reference"),
    ]
    choices = {"model": ("any.safetensors",), "sampler": ("euler",), "scheduler": ("normal",)}
    bound = bind(found["sdxl"], {"prompt": "a red fox"}, choices, seed=7)
    assert bound.values == {
        "prompt": "a red fox",
        "negative": "",
        "width": 1024,
        "height": 1024,
        "steps": 20,
        "cfg": 7.0,
        "seed": 7,
        "count": 1,
        "model": "any.safetensors",
        "sampler": "euler",
        "scheduler": "normal",
    }


def test_a_workflow_is_its_two_files(tmp_path: Path) -> None:
    """Every field of a parameter is read; what the file leaves out comes from the graph."""
    toml = """
        title = "Fox"
        description = "Foxes"
        role = "edit"
        [parameters.prompt]
        type = "text"
        to = ["6.text", "7.text"]
        title = "What"
        description = "What it shows"
        required = true
        max_length = 10
        [parameters.steps]
        type = "integer"
        to = ["3.steps"]
        minimum = 1
        maximum = 50
        step = 1
        [parameters.my_seed]
        type = "seed"
        to = ["3.seed"]
        [parameters.style]
        type = "choice"
        to = ["7.text"]
        choices = ["", "oil"]
        fallback = "first"
    """
    graph = GRAPH | {"7": {"class_type": "CLIPTextEncode", "inputs": {"text": ""}}}
    seed = ParameterSpec(
        name="my_seed", type=ParameterType.SEED, title="My seed", minimum=0, maximum=SEED_MAXIMUM
    )
    workflow = load_workflow(_folder(tmp_path, toml, graph))
    assert workflow == Workflow(
        name="fox",
        title="Fox",
        description="Foxes",
        roles=(Role.EDIT,),
        graph=graph,
        version=workflow.version,
        parameters=(
            Parameter(
                spec=ParameterSpec(
                    name="prompt",
                    type=ParameterType.TEXT,
                    title="What",
                    description="What it shows",
                    required=True,
                    max_length=10,
                ),
                targets=(Target(node="6", input="text"), Target(node="7", input="text")),
            ),
            Parameter(
                spec=ParameterSpec(
                    name="steps",
                    type=ParameterType.INTEGER,
                    title="Steps",
                    default=20,
                    minimum=1,
                    maximum=50,
                    step=1,
                ),
                targets=(Target(node="3", input="steps"),),
            ),
            Parameter(spec=seed, targets=(Target(node="3", input="seed"),)),
            Parameter(
                spec=ParameterSpec(
                    name="style", type=ParameterType.CHOICE, title="Style", default="", choices=("", "oil")
                ),
                targets=(Target(node="7", input="text"),),
                fallback=True,
            ),
        ),
    )


def test_the_owners_folder_stands_above(tmp_path: Path) -> None:
    """A workflow of the same name replaces the bundled one; others are added; what is no workflow is passed over."""
    _folder(tmp_path / "bundled", name="imagine")
    _folder(tmp_path / "bundled", name="img2img")
    _folder(tmp_path / "own", HEAD.replace("Fox", "Mine") + PROMPT, name="imagine")
    _folder(tmp_path / "own", name="fox")
    (tmp_path / "own" / "notes").mkdir()
    (tmp_path / "own" / "graph.json").write_text("{}")
    found = load_workflows([tmp_path / "bundled", tmp_path / "own", tmp_path / "nowhere"])
    assert {name: workflow.title for name, workflow in found.items()} == {
        "imagine": "Mine",
        "img2img": "Fox",
        "fox": "Fox",
    }


def test_the_version_is_the_graphs_alone(tmp_path: Path) -> None:
    """The order of nodes and the parameters' file do not matter; any input does."""
    turned = dict(reversed(GRAPH.items()))
    other = {**GRAPH, "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "x"}}}
    versions = [
        load_workflow(_folder(tmp_path / str(n), HEAD + f"{PROMPT}required = true", graph)).version
        for n, graph in enumerate((GRAPH, turned, other))
    ]
    assert versions[0] == versions[1] != versions[2]


def test_files_saved_by_notepad_load(tmp_path: Path) -> None:
    """Windows editors begin UTF-8 with a mark, and end lines with two characters."""
    toml = b"\xef\xbb\xbf" + (HEAD + PROMPT).replace("\n", "\r\n").encode()
    folder = _folder(tmp_path, toml, b"\xef\xbb\xbf" + json.dumps(GRAPH).encode())
    assert load_workflow(folder).title == "Fox"


NOT_A_GRAPH = "fox/graph.json is not a graph in API format. Export it with Workflow > Export (API)."


@pytest.mark.parametrize(
    ("graph", "told"),
    [
        (
            {"nodes": [], "links": [], "version": 0.4},
            "fox/graph.json is in ComfyUI's UI format. Export it with Workflow > Export (API).",
        ),
        ({}, NOT_A_GRAPH),
        ([], NOT_A_GRAPH),
        ("null", NOT_A_GRAPH),
        ({"6": {"class_type": "CLIPTextEncode"}}, NOT_A_GRAPH),
        ({"6": {"inputs": {}}}, NOT_A_GRAPH),
        ({"6": "CLIPTextEncode"}, NOT_A_GRAPH),
    ],
)
def test_a_graph_that_is_none_is_told_with_how_to_export_it(tmp_path: Path, graph: Any, told: str) -> None:
    """The other format by name, everything else as no graph."""
    assert _refusal(_folder(tmp_path, graph=graph)) == told


@pytest.mark.parametrize("graph", ["", "{", "{'6': 1}", b"\xff\xfe{\x00"])
def test_a_graph_that_is_not_json_is_told(tmp_path: Path, graph: str | bytes) -> None:
    """With the place where reading stopped."""
    told = _refusal(_folder(tmp_path, graph=graph))
    assert told.startswith("fox/graph.json is not JSON: ")
    assert told.endswith(". Export the workflow again.")


@pytest.mark.parametrize("toml", ["title = ", "title = 'a'\ntitle = 'b'", "Grün".encode("cp1252")])
def test_a_file_that_is_not_toml_is_told(tmp_path: Path, toml: str | bytes) -> None:
    """Also one in another encoding than UTF-8."""
    assert _refusal(_folder(tmp_path, toml)).startswith("fox/workflow.toml is not TOML: ")


WHERE = "fox/workflow.toml, line 5, parameter p: "


@pytest.mark.parametrize(
    ("toml", "told"),
    [
        (
            HEAD + "infer = false\n[parameters.p]\nto = ['6.text']",
            "fox/workflow.toml: parameters.p needs type and to where infer = false.",
        ),
        (
            HEAD + "role = 'paint'\n" + PROMPT,
            "fox/workflow.toml: role: Input should be 'imagine', 'edit', 'vary', 'animate', 'upscale', "
            "'inpaint', 'describe' or 'music'.",
        ),
        (
            HEAD + "[parameters.p]\ntype = 'text'\nto = []",
            "fox/workflow.toml: parameters.p.to: List should have at least 1 item after validation, not 0.",
        ),
        (
            HEAD + "[parameters.p]\ntype = 'words'\nto = ['6.text']",
            "fox/workflow.toml: parameters.p.type: Input should be 'text', 'integer', 'number', 'boolean', "
            "'choice', 'seed', 'image', 'mask', 'video' or 'audio'.",
        ),
        (
            HEAD + "[parameters.p]\ntype = 'text'\nto = ['6.text']\nrequird = true",
            "fox/workflow.toml: parameters.p.requird: Extra inputs are not permitted.",
        ),
        (
            HEAD + "[parameters.p]\ntype = 'text'\nto = ['6.text']\nmax_length = '10'",
            "fox/workflow.toml: parameters.p.max_length: Input should be a valid integer.",
        ),
        (
            HEAD + "[parameters.p]\ntype = 'text'\nto = ['99.text']",
            WHERE + 'there is no node "99" in graph.json (to = "99.text").',
        ),
        (
            HEAD + "[parameters.p]\ntype = 'text'\nto = ['6']",
            WHERE + 'node 6 (CLIPTextEncode) has no input "". It has: text.',
        ),
        (
            HEAD + "[parameters.p]\ntype = 'integer'\nto = ['3.steps', '3.stpes']",
            WHERE + 'node 3 (KSampler) has no input "stpes". It has: seed, steps, positive.',
        ),
        (
            HEAD + "[parameters.p]\ntype = 'text'\nto = ['3.positive']",
            WHERE + "3.positive is a link in graph.json, so the parameter needs a default.",
        ),
        (
            HEAD + "[parameters.p]\ntype = 'integer'\nto = ['6.text']",
            WHERE + "its default for 6.text can't be used. P must be a whole number.",
        ),
        (
            HEAD + "[parameters.p]\ntype = 'integer'\nto = ['3.steps']\nmaximum = 10",
            WHERE
            + "its default for 3.steps can't be used. P must be a number of at most 10, not 20. The nearest is 10.",
        ),
        (
            HEAD + "[parameters.p]\ntype = 'choice'\nto = ['6.text']\nchoices = ['oil']\ndefault = 'ink'",
            WHERE + 'its default for 6.text can\'t be used. P "ink" is not offered. There is: oil.',
        ),
    ],
)
def test_a_wrong_binding_names_file_parameter_and_node(tmp_path: Path, toml: str, told: str) -> None:
    """The owner reads at the start what to mend where."""
    assert _refusal(_folder(tmp_path, toml)) == told


def test_inputs_may_have_dots_in_their_names(tmp_path: Path) -> None:
    """Nested inputs of dynamic combos do; a node's id has none."""
    graph = {"12": {"class_type": "SaveVideo", "inputs": {"format.codec": "h264"}}}
    toml = HEAD + "[parameters.codec]\ntype = 'text'\nto = ['12.format.codec']"
    parameter = load_workflow(_folder(tmp_path, toml, graph)).parameters[0]
    assert (parameter.targets, parameter.spec.default) == ((Target(node="12", input="format.codec"),), "h264")


def test_one_broken_workflow_is_not_passed_over(tmp_path: Path) -> None:
    """The owner is told at once rather than by a command that is missing."""
    _folder(tmp_path, name="a")
    _folder(tmp_path, "title = ", name="b")
    with pytest.raises(ConfigError, match=r"^b/workflow\.toml is not TOML"):
        load_workflows([tmp_path])
