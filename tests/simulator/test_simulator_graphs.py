"""Real graphs of every family are taken and refused as a real server took and refused them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.processes import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from tests.simulator.conftest import Client, Json, Start

SHARED = ROOT.parent / "shared" / "graphs"
pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="../shared/graphs is not there")

SHOWN = 160  # letters of an error's details that the files keep
# The files that graphs name lay in the input folder, whatever was in them.
LOADERS = {"LoadImage": "image", "LoadAudio": "audio", "LoadVideo": "file", "Load3D": "model_file"}
HELP = (
    "tooltip", "description", "search_aliases", "output_tooltips", "price_badge", "essentials_category",
    "placeholder",
)  # fmt: skip


@pytest.fixture
async def stocked(start: Start) -> Client:
    """A simulator with the models of the server that was asked, and no others."""
    client: Client = await start(all_models=True, checkpoints=(), vaes=())
    return client


async def test_every_graph_is_judged_as_by_a_real_server(stocked: Client, tmp_path: Path) -> None:
    """Accepted, accepted in part or refused, with the same errors; their order is nobody's promise."""
    stocked.simulator.faults.hang()
    different = {}
    for path in sorted((SHARED / "api").glob("*.json")):
        sample = json.loads(path.read_text(encoding="utf-8"))
        _put_files(sample["graph"], tmp_path / "comfyui" / "input")
        status, answer = await stocked.ask("POST", "/prompt", json={"prompt": sample["graph"]})
        judged = (status == 200, status == 200 and not answer["node_errors"], sorted(_why(answer)))
        known = (sample["accepted"], sample["accepted_fully"], sorted(sample["why"].split("; ")))
        if judged != known:
            different[path.name] = (judged, known)
        await stocked.ask("POST", "/queue", json={"clear": True})
    assert different == {}


async def test_every_class_is_described_as_by_a_real_server(stocked: Client) -> None:
    """All but help texts, prices, and choices that are files of the input folder."""
    real = json.loads((SHARED / "object_info.json").read_text(encoding="utf-8"))
    ours = await stocked.get("/object_info")
    missing = [name for name in real if name not in ours]
    different = [name for name in real if name in ours and _bare(real[name]) != _bare(ours[name])]
    assert (missing, different) == ([], [])


def _why(answer: Json) -> list[str]:
    """The error and the nodes' errors in the words of the files."""
    parts = [f"{answer['error']['type']}: {answer['error']['message']}"] if "error" in answer else []
    for node_id, node in answer["node_errors"].items():
        for error in node["errors"]:
            parts.append(f"{node_id} {node['class_type']} {error['type']}: {error['details'][:SHOWN]}")
    return "; ".join(parts).split("; ")


def _put_files(graph: Json, folder: Path) -> None:
    for name in _named_files(graph):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def _named_files(graph: Json) -> Iterator[str]:
    for node in graph.values():
        value = node["inputs"].get(LOADERS.get(node["class_type"], ""))
        if isinstance(value, str) and value not in ("", "none"):
            yield value


def _bare(value: Any) -> Any:
    """A description without help; inputs without options count as older classes write them."""
    if isinstance(value, dict):
        uploads = any(key.endswith("_upload") for key in value)
        return {
            key: _bare(member)
            for key, member in value.items()
            if key not in HELP and not (uploads and key == "options")
        }
    if isinstance(value, list):
        return _bare_list(value)
    return value


def _bare_list(value: list[Any]) -> list[Any]:
    items = [_bare(item) for item in value]
    if len(items) == 2 and items[1] == {}:
        return items[:1]
    if len(items) == 2 and isinstance(items[1], dict) and "image_upload" in items[1]:
        return [[], items[1]]
    return items
