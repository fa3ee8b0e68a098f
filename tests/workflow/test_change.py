"""Changes that are made by buttons are changes of `workflow.toml`, and do what they say."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.comfy.schemas import NodeSchemas
from bot.errors import InvalidValue
from bot.workflow import change
from bot.workflow.change import NOTHING_CHOSEN
from bot.workflow.draft import Draft, draft_of
from bot.workflow.infer.infer import infer
from bot.workflow.infer.interface import Interface
from bot.workflow.load import version_of
from bot.workflow.model import Role, Workflow
from bot.workflow.tables import WorkflowFile
from bot.workflow.toml import toml_of
from tests.contracts.owners_run import GRAPH

SAMPLER = {
    "seed": ["INT", {"default": 0, "min": 0, "max": 2**64 - 1, "control_after_generate": True}],
    "steps": ["INT", {"default": 20, "min": 1, "max": 10000}],
    "cfg": ["FLOAT", {"default": 8.0, "min": 0.0, "max": 100.0}],
    "sampler_name": [["euler", "heun"], {}],
    "scheduler": [["normal"], {}],
    "denoise": ["FLOAT", {"default": 1.0, "min": 0.0, "max": 1.0}],
    "model": ["MODEL"], "positive": ["CONDITIONING"], "negative": ["CONDITIONING"], "latent_image": ["LATENT"],
}  # fmt: skip
SIDE = ["INT", {"default": 512, "min": 16, "max": 16384, "step": 8}]
SCHEMAS = NodeSchemas(
    {
        "KSampler": {"input": {"required": SAMPLER}, "output": ["LATENT"]},
        "CLIPTextEncode": {
            "input": {"required": {"text": ["STRING", {"multiline": True}], "clip": ["CLIP"]}},
            "output": ["CONDITIONING"],
        },
        "EmptyLatentImage": {
            "input": {
                "required": {"width": SIDE, "height": SIDE, "batch_size": ["INT", {"min": 1, "max": 4096}]}
            },
            "output": ["LATENT"],
        },
        "CheckpointLoaderSimple": {
            "input": {"required": {"ckpt_name": [["sd_xl_base_1.0.safetensors"], {}]}},
            "output": ["MODEL", "CLIP", "VAE"],
        },
        "VAEDecode": {"input": {"required": {"samples": ["LATENT"], "vae": ["VAE"]}}, "output": ["IMAGE"]},
        "SaveImage": {
            "input": {"required": {"images": ["IMAGE"], "filename_prefix": ["STRING", {}]}},
            "output": [],
            "output_node": True,
        },
    }
)


def _made(file: Mapping[str, Any]) -> Workflow:
    """Through the text, as if its owner had typed it."""
    text = toml_of(file)
    draft: Draft = draft_of(
        name="oak",
        graph=GRAPH,
        version=version_of(GRAPH),
        file=WorkflowFile.model_validate(tomllib.loads(text)),
        text=text,
        interface=Interface(),
    )
    return draft.complete(SCHEMAS)


def _names(file: Mapping[str, Any]) -> list[str]:
    return [parameter.spec.name for parameter in _made(file).parameters]


def test_an_option_is_called_otherwise() -> None:
    """And stays where it was, with what it took."""
    before = _made(NOTHING_CHOSEN)
    file = change.renamed(NOTHING_CHOSEN, before, "cfg", "Strictness")
    assert _names(file) == [{"cfg": "strictness"}.get(name, name) for name in _names(NOTHING_CHOSEN)]
    old, new = change.parameter_of(before, "cfg"), change.parameter_of(_made(file), "strictness")
    assert (new.targets, new.spec.minimum, new.spec.maximum) == (
        old.targets,
        old.spec.minimum,
        old.spec.maximum,
    )
    back = change.renamed(file, _made(file), "strictness", "cfg")
    assert _names(back) == _names(NOTHING_CHOSEN)


def test_an_option_is_hidden_and_shown_again() -> None:
    """Whatever it was called meanwhile."""
    found = infer(GRAPH, SCHEMAS).parameters
    file = change.renamed(NOTHING_CHOSEN, _made(NOTHING_CHOSEN), "cfg", "strictness")
    hidden = change.hidden(file, _made(file), "strictness", found)
    assert change.hidden_names(hidden) == ["cfg"]
    assert _names(hidden) == [name for name in _names(NOTHING_CHOSEN) if name != "cfg"]
    assert _names(change.shown(hidden, "cfg")) == _names(NOTHING_CHOSEN)
    with pytest.raises(InvalidValue, match='No option "steps" is hidden'):
        change.shown(hidden, "steps")


def test_an_option_goes_behind_more_and_has_other_words() -> None:
    """Both are written down beside what is there."""
    file = change.titled(
        change.moved(NOTHING_CHOSEN, _made(NOTHING_CHOSEN), "cfg"), _made(NOTHING_CHOSEN), "cfg", "How strict"
    )
    spec = change.parameter_of(_made(file), "cfg").spec
    assert (spec.more, spec.title) == (
        not change.parameter_of(_made(NOTHING_CHOSEN), "cfg").spec.more,
        "How strict",
    )


def test_it_serves_other_roles() -> None:
    """What was found out is the beginning."""
    assert _made(NOTHING_CHOSEN).roles == (Role.IMAGINE,)
    file = change.serving(NOTHING_CHOSEN, _made(NOTHING_CHOSEN), Role.VARY)
    assert _made(file).roles == (Role.IMAGINE, Role.VARY)
    file = change.serving(file, _made(file), Role.IMAGINE)
    assert _made(file).roles == (Role.VARY,)


@pytest.mark.parametrize(
    ("old", "wanted", "sentence"),
    [
        ("cfg", "steps", 'There is another option "steps" already.'),
        ("cfg", "image", '"image" is the name of an option for pictures. Choose another.'),
        ("cfg", "größe", 'An option is called by at most 32 of a-z, 0-9 and _, but not "größe".'),
        ("cgf", "strict", '/oak has no option "cgf". There are: '),
    ],
)
def test_names_that_can_not_be(old: str, wanted: str, sentence: str) -> None:
    """Each is told why."""
    with pytest.raises(InvalidValue) as refused:
        change.renamed(NOTHING_CHOSEN, _made(NOTHING_CHOSEN), old, wanted)
    assert str(refused.value).startswith(sentence)


def test_names_of_commands() -> None:
    """As every platform takes them."""
    assert change.command_name(" /Old Oak_2 ") == "old-oak-2"
    for wrong in ("", "2oak", "öl", "a" * 33, "oak!"):
        with pytest.raises(InvalidValue, match="A command is called by at most 32"):
            change.command_name(wrong)


texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.one_of(texts, st.booleans(), st.integers(-(2**63), 2**63 - 1), st.lists(texts))


@given(
    st.dictionaries(texts.filter(bool), values),
    st.dictionaries(texts.filter(bool), st.dictionaries(texts, values)),
)
def test_what_is_written_is_read_again(plain: dict[str, Any], tables: dict[str, dict[str, Any]]) -> None:
    """Whatever the words."""
    file = {**{k: v for k, v in plain.items() if k not in ("models", "parameters")}, "parameters": tables}
    assert tomllib.loads(toml_of(file)).get("parameters", {}) == tables
    assert {k: v for k, v in tomllib.loads(toml_of(file)).items() if k != "parameters"} == {
        k: v for k, v in file.items() if k != "parameters"
    }
