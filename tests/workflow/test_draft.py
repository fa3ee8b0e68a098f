"""Workflows whose files do not say everything: a bare graph, a dropped file, a file that changes what is inferred."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bot.comfy.schemas import NodeSchemas
from bot.contract.values import ParameterSpec, ParameterType
from bot.errors import ConfigError
from bot.workflow.catalogue import Catalogue, complete
from bot.workflow.draft import Draft
from bot.workflow.load import read_draft, read_drafts
from bot.workflow.model import Parameter, Role, Target
from tests.workflow.nodes import NODES, graph

SCHEMAS = NodeSchemas(NODES)
SAMPLE = {
    "model": ("load", 0), "seed": 5, "steps": 20, "cfg": 7.5, "sampler_name": "euler", "scheduler": "simple",
    "positive": ("yes", 0), "negative": ("no", 0), "latent_image": ("size", 0), "denoise": 1.0,
}  # fmt: skip
GRAPH = graph(
    load=("CheckpointLoaderSimple", {"ckpt_name": "a.safetensors"}),
    yes=("CLIPTextEncode", {"text": "a red fox", "clip": ("load", 1)}),
    no=("CLIPTextEncode", {"text": "blurry", "clip": ("load", 1)}),
    size=("EmptyLatentImage", {"width": 1024, "height": 768, "batch_size": 1}),
    sample=("KSampler", SAMPLE),
    decode=("VAEDecode", {"samples": ("sample", 0), "vae": ("load", 2)}),
    save=("SaveImage", {"images": ("decode", 0), "filename_prefix": "x"}),
)


def _draft(where: Path, toml: str | None = None, ui: Any = None) -> Draft:
    folder = where / "poster"
    folder.mkdir(parents=True)
    (folder / "graph.json").write_text(json.dumps(GRAPH), encoding="utf-8")
    if toml is not None:
        (folder / "workflow.toml").write_text(toml, encoding="utf-8")
    if ui is not None:
        (folder / "workflow.json").write_text(json.dumps(ui), encoding="utf-8")
    return read_draft(folder)


def _parameters(where: Path, toml: str) -> dict[str, Parameter]:
    workflow = _draft(where, toml).complete(SCHEMAS)
    return {each.spec.name: each for each in workflow.parameters}


def _refusal(where: Path, toml: str) -> str:
    with pytest.raises(ConfigError) as raised:
        _draft(where, toml).complete(SCHEMAS)
    return str(raised.value)


def test_a_bare_graph_is_a_workflow(tmp_path: Path) -> None:
    """With a title made of its name, and a role that whoever states it takes first."""
    workflow = _draft(tmp_path).complete(SCHEMAS)
    assert (workflow.name, workflow.title, workflow.description) == (
        "poster",
        "Poster",
        "A picture from words",
    )
    assert (workflow.roles, workflow.guessed, workflow.bundled) == ((Role.IMAGINE,), True, False)
    assert [each.spec.name for each in workflow.parameters if not each.spec.more] == [
        *("prompt", "width", "height", "negative", "seed", "steps", "cfg"),
    ]


def test_a_dropped_file_is_a_workflow(tmp_path: Path) -> None:
    """By its name, made fit for a command; other JSON that lies there is none."""
    (tmp_path / "My Flow (v2).json").write_text(json.dumps(GRAPH), encoding="utf-8")
    (tmp_path / "notes.json").write_text('{"a": 1}', encoding="utf-8")
    (tmp_path / "list.json").write_text("[1]", encoding="utf-8")
    drafts = read_drafts([tmp_path])
    assert list(drafts) == ["my_flow_v2"]
    assert drafts["my_flow_v2"].complete(SCHEMAS).title == "My flow v2"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            '{"nodes": [], "links": []}',
            "x.json is in ComfyUI's UI format. Export it with Workflow > Export (API).",
        ),
        ("{", "x.json is not JSON: "),
    ],
)
def test_a_dropped_file_of_the_other_format_is_told(tmp_path: Path, text: str, told: str) -> None:
    """With how to export it."""
    (tmp_path / "x.json").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as raised:
        read_drafts([tmp_path])
    assert str(raised.value).startswith(told)


def test_a_file_changes_what_is_inferred(tmp_path: Path) -> None:
    """Title, role, bounds, default, name, place; what it does not name stays as it was found."""
    toml = """
title = "Poster"
description = "A poster from words"
role = "edit"

[parameters.motif]
to = ["yes.text"]

[parameters.steps]
maximum = 40
default = 30
description = "How long to think"

[parameters.negative]
more = true

[parameters.cfg]
hide = true

[parameters.noise]
type = "number"
to = ["sample.denoise"]
minimum = 0.5
"""
    workflow = _draft(tmp_path, toml).complete(SCHEMAS)
    found = {each.spec.name: each for each in workflow.parameters}
    assert (workflow.title, workflow.roles, workflow.guessed) == ("Poster", (Role.EDIT,), False)
    assert [each.spec.name for each in workflow.parameters][:7] == [
        *("motif", "width", "height", "negative", "seed", "steps", "noise"),
    ]
    assert found["motif"] == Parameter(
        spec=ParameterSpec(
            name="motif",
            type=ParameterType.TEXT,
            title="Motif",
            description="What the result shows",
            required=True,
            max_length=4000,
        ),
        targets=(Target(node="yes", input="text"),),
    )
    assert found["steps"].spec == ParameterSpec(
        name="steps",
        type=ParameterType.INTEGER,
        title="Steps",
        description="How long to think",
        default=30,
        minimum=1,
        maximum=40,
    )
    assert found["negative"].spec.more
    assert (found["noise"].spec.minimum, found["noise"].spec.default) == (0.5, 1.0)
    assert "cfg" not in found
    assert "denoise" not in found


def test_one_parameter_may_go_to_inputs_of_others(tmp_path: Path) -> None:
    """What the owner binds is bound once; an inferred parameter that has lost an input is gone."""
    found = _parameters(tmp_path, '[parameters.side]\nto = ["size.width", "size.height"]')
    assert found["side"].targets == (Target(node="size", input="width"), Target(node="size", input="height"))
    assert not {"width", "height"} & set(found)


def test_a_prompt_that_need_not_be_given_keeps_its_own(tmp_path: Path) -> None:
    """And one that must be given has no default."""
    found = _parameters(tmp_path, "[parameters.prompt]\nrequired = false\ndefault = 'a dog'")
    assert (found["prompt"].spec.required, found["prompt"].spec.default) == (False, "a dog")
    found = _parameters(tmp_path / "b", "[parameters.negative]\nrequired = true")
    assert (found["negative"].spec.required, found["negative"].spec.default) == (True, None)


def test_a_file_that_binds_all_says_all(tmp_path: Path) -> None:
    """Unless it wants the rest inferred."""
    prompt = '[parameters.prompt]\nto = ["yes.text"]\n'
    assert list(_parameters(tmp_path / "a", prompt)) == ["prompt"]
    more = list(_parameters(tmp_path / "b", f"infer = true\n{prompt}"))
    assert (more[0], "steps" in more) == ("prompt", True)


HERE = "poster/workflow.toml, line "


@pytest.mark.parametrize(
    ("toml", "told"),
    [
        (
            "# mine\n[parameters.size]\nmaximum = 9",
            HERE
            + '2, parameter size: nothing is found in graph.json that is called "size", so the parameter needs '
            "to = [...]. There are: cfg, count, denoise, height, model, negative, prompt, sampler, scheduler, seed, "
            "steps, width.",
        ),
        (
            '[parameters]\nsteps = "sample.stepz"',
            HERE
            + '2, parameter steps: node sample (KSampler) has no input "stepz". It has: model, seed, steps, cfg, '
            "sampler_name, scheduler, positive, negative, latent_image, denoise.",
        ),
        (
            'infer = true\n\n[parameters.x]\ntitle = "X"\nto = ["nowhere.text"]',
            HERE + '5, parameter x: there is no node "nowhere" in graph.json (to = "nowhere.text").',
        ),
        (
            'infer = true\n[parameters.x]\nto = ["save.filename_prefix"]',
            HERE
            + "3, parameter x: save.filename_prefix is nothing that is known, so the parameter needs a type.",
        ),
        (
            "[parameters.steps]\nmaximum = 10",
            HERE
            + "1, parameter steps: its default for sample.steps can't be used. Steps must be a number from 1 to "
            "10, not 20. The nearest is 10.",
        ),
    ],
)
def test_what_does_not_fit_names_file_line_and_node(tmp_path: Path, toml: str, told: str) -> None:
    """The owner reads what to mend where."""
    assert _refusal(tmp_path, toml) == told


def test_the_authors_labels_are_in_the_other_format(tmp_path: Path) -> None:
    """`workflow.json` beside the graph."""
    entry = {"name": "text", "label": "Subject", "type": "STRING", "widget": {"name": "text"}}
    ui = {"nodes": [{"id": "yes", "type": "CLIPTextEncode", "inputs": [entry]}], "links": []}
    workflow = _draft(tmp_path, ui=ui).complete(SCHEMAS)
    assert workflow.parameters[0].spec.name == "subject"


def test_commands_come_with_what_the_servers_have(tmp_path: Path) -> None:
    """Before that only those whose files say all; inferred anew when a server has something else."""
    whole = _draft(tmp_path / "a", '[parameters.prompt]\nto = ["yes.text"]')
    bare = _draft(tmp_path / "b")
    known: list[NodeSchemas] = []
    catalogue = Catalogue({"whole": whole, "bare": bare}, lambda: known)
    assert (list(catalogue), len(catalogue), catalogue.get("bare")) == (["whole"], 1, None)
    before = catalogue["whole"]
    known.append(NodeSchemas({}))
    assert list(catalogue) == ["whole", "bare"]
    assert catalogue["whole"] is before
    first = catalogue["bare"]
    assert catalogue["bare"] is first
    known[:] = [NodeSchemas({}), SCHEMAS]
    assert catalogue["bare"].parameters[0].spec.name == "prompt"
    assert catalogue["bare"] == complete(bare, [SCHEMAS])


def test_a_file_that_does_not_fit_what_comes_later_is_left_out(tmp_path: Path) -> None:
    """At the start it is an error; once everything runs, the others go on."""
    wrong = _draft(tmp_path / "a", "[parameters.nothing]\nmaximum = 1")
    good = _draft(tmp_path / "b")
    with pytest.raises(ConfigError):
        Catalogue({"wrong": wrong}, lambda: [SCHEMAS])
    known: list[NodeSchemas] = []
    catalogue = Catalogue({"wrong": wrong, "good": good}, lambda: known)
    known.append(SCHEMAS)
    assert list(catalogue) == ["good"]
