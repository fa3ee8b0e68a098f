"""One name, however a server's system writes it."""

from __future__ import annotations

import pytest

from bot.comfy.names import own_spelling, plain, same_name, spelled_for
from bot.comfy.schemas import NodeSchemas
from bot.errors import Refused
from bot.jobs.events import Finished
from tests.comfy.conftest import CALM, Start, run_graph, running, txt2img

WINDOWS = ("SDXL\\a.safetensors", "b.safetensors", "flux\\dev\\c.safetensors")


@pytest.mark.parametrize(
    ("name", "spelled"),
    [
        ("SDXL/a.safetensors", "SDXL\\a.safetensors"),
        ("SDXL\\a.safetensors", "SDXL\\a.safetensors"),
        ("flux/dev\\c.safetensors", "flux\\dev\\c.safetensors"),
        ("b.safetensors", "b.safetensors"),
        ("sdxl/a.safetensors", None),
        ("a.safetensors", None),
    ],
)
def test_own_spelling(name: str, spelled: str | None) -> None:
    """As the list has it. Case counts: on most systems it makes another file."""
    assert own_spelling(name, WINDOWS) == spelled


def test_names() -> None:
    """The exact one comes first where a list has two spellings."""
    assert plain("a\\b/c") == "a/b/c"
    assert (same_name("a\\b", "a/b"), same_name("a/b", "a b")) == (True, False)
    assert own_spelling("a/b", ("a\\b", "a/b")) == "a/b"


def test_only_choices_are_spelled_anew() -> None:
    """Texts, links and what is not offered stay; the graph that is given does, too."""
    schemas = NodeSchemas(
        {"L": {"input": {"required": {"model": [list(WINDOWS)], "text": ["STRING"], "clip": ["CLIP"]}}}}
    )
    graph = {
        "1": {
            "class_type": "L",
            "inputs": {"model": "SDXL/a.safetensors", "text": "SDXL/a.safetensors", "clip": ["2", 0]},
            "_meta": {"title": "x/y"},
        },
        "2": {"class_type": "Unknown", "inputs": {"model": "SDXL/a.safetensors"}},
        "3": {"class_type": "L", "inputs": {"model": "x/y"}},
    }
    spelled = spelled_for(schemas, graph)
    assert spelled["1"] == {
        "class_type": "L",
        "inputs": {"model": "SDXL\\a.safetensors", "text": "SDXL/a.safetensors", "clip": ["2", 0]},
        "_meta": {"title": "x/y"},
    }
    assert (spelled["2"], spelled["3"]) == (graph["2"], graph["3"])
    assert graph["1"]["inputs"]["model"] == "SDXL/a.safetensors"  # type: ignore[index]


@pytest.mark.parametrize("name", ["SDXL/a.safetensors", "SDXL\\a.safetensors"])
@pytest.mark.parametrize("server", ["SDXL/a.safetensors", "SDXL\\a.safetensors"])
async def test_a_server_gets_its_own_spelling(start: Start, name: str, server: str) -> None:
    """Whichever the graph has."""
    rig = await start(checkpoints=(server,))
    async with running(rig.simulator.url, CALM) as backend:
        assert isinstance(await run_graph(backend, txt2img(checkpoint=name)), Finished)
        with pytest.raises(Refused):
            await run_graph(backend, txt2img(checkpoint="SDXL/b.safetensors"))
