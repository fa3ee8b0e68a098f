"""Real graphs of every family run to their end, with results of the kinds that their sinks save."""

from __future__ import annotations

import copy
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from simulator.expansion import expand
from simulator.schema import CLASSES
from tests.simulator.files import put_files

if TYPE_CHECKING:
    from tests.simulator.conftest import Client, Json, Start

GRAPHS = Path(__file__).resolve().parents[3] / "shared" / "graphs"
EVERYTHING = bool(os.environ.get("SIMULATOR_ALL_GRAPHS"))
# The largest literals that stay as they are: sides in pixels, frames, seconds, steps.
BOUNDS = {
    "width": 256, "height": 256, "target_width": 256, "target_height": 256, "largest_size": 256,
    "longer_size": 256, "longer_edge": 256, "length": 9, "video_frames": 9, "frames_number": 9,
    "num_frames": 9, "seconds": 3, "duration": 3, "max_duration": 3, "steps": 4, "megapixels": 0.1,
    "scale_by": 1.0,
}  # fmt: skip
# What each sink shows, and how the names of its files end.
SHOWN: dict[str, tuple[str, tuple[str, ...]]] = {
    "SaveImage": ("images", (".png",)),
    "SaveImageAdvanced": ("images", (".png",)),
    "PreviewImage": ("images", (".png",)),
    "MaskPreview": ("images", (".png",)),
    "SaveVideo": ("images", (".mp4", ".webm")),
    "SaveAnimatedWEBP": ("images", (".webp",)),
    "SaveAudioMP3": ("audio", (".mp3",)),
    "SaveAudioAdvanced": ("audio", (".flac", ".mp3", ".opus")),
    "SaveGLB": ("3d", (".glb",)),
    "Save3DAdvanced": ("3d", (".glb",)),
    "SaveSVGNode": ("images", (".svg",)),
    "SaveText": ("files", (".txt", ".md", ".json")),
}


def _names() -> list[str]:
    if not GRAPHS.is_dir():
        return []
    if EVERYTHING:
        return sorted(path.stem for path in (GRAPHS / "api").glob("*.json"))
    labelled = json.loads((GRAPHS / "gold.json").read_text(encoding="utf-8"))
    return sorted(name for name in labelled if not name.startswith("_"))


def _smaller(graph: Json) -> Json:
    """The graph with literals cut to the bounds, so that a run takes no time to speak of."""
    graph = copy.deepcopy(graph)
    for node in graph.values():
        known = expand(CLASSES[node["class_type"]], node["inputs"]).inputs
        for name, item in known.items():
            value, bound = node["inputs"].get(name), BOUNDS.get(name.rsplit(".", 1)[-1])
            if bound is None or item.kind not in ("INT", "FLOAT") or not isinstance(value, int | float):
                continue
            bound = max(bound, item.options.get("min", bound))
            node["inputs"][name] = min(value, bound) if item.kind == "FLOAT" else int(min(value, bound))
    return graph


@pytest.mark.skipif(not GRAPHS.is_dir(), reason="the shared graphs are not beside the repository")
@pytest.mark.parametrize("name", _names())
async def test_a_real_graph_runs(start: Start, name: str) -> None:
    """Nothing fails, and every sink that is reached has what it saves in the history."""
    told = json.loads((GRAPHS / "api" / f"{name}.json").read_text(encoding="utf-8"))
    if not told["accepted"]:
        pytest.skip("a real server refuses this graph")
    client: Client = await start(step_seconds=0.0, all_models=True)
    graph = _smaller(told["graph"])
    put_files(client.simulator.settings.data_dir, graph)
    entry = await client.run(graph)
    assert entry["status"]["status_str"] == "success", entry["status"]["messages"][-1]
    assert entry["prompt"][4], "nothing was to be run"
    for node_id in entry["prompt"][4]:
        _check_sink(graph[node_id]["class_type"], entry["outputs"].get(node_id))


def _check_sink(class_type: str, output: Any) -> None:
    assert CLASSES[class_type].is_output
    if class_type == "PreviewAny":
        assert all(isinstance(line, str) for line in output["text"])
    elif class_type == "ImageCompare":
        assert set(output) == {"a_images", "b_images"}
    elif class_type in SHOWN:
        key, suffixes = SHOWN[class_type]
        assert output[key], class_type
        assert all(file["filename"].endswith(suffixes) for file in output[key])
