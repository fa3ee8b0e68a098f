"""The node classes as data, and which files a server offers as choices."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import aiohttp

from simulator.catalogue import build
from tests.processes import simulator_program

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.simulator.conftest import Client, Start


async def test_the_script_makes_the_catalogue_from_what_a_server_answers(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A simulator that offers all models describes the very classes that it read; split or whole."""
    client: Client = await start(all_models=True, checkpoints=(), vaes=())
    by_hand = json.loads(build.TARGET.with_name("more.json").read_bytes())["classes"]
    info = {name: about for name, about in (await client.get("/object_info")).items() if name not in by_hand}
    few, most = tmp_path / "few.json", tmp_path / "most.json"
    few.write_text(json.dumps({"KSampler": info.pop("KSampler")}), encoding="utf-8")
    most.write_text(json.dumps(info), encoding="utf-8")
    kept = json.loads(build.TARGET.read_bytes())
    monkeypatch.setattr(build, "TARGET", tmp_path / "classes.json")
    build.main([str(most), str(few)])
    assert json.loads(build.TARGET.read_bytes()) == kept


async def test_models_are_offered_by_folder(start: Start) -> None:
    """Those that settings name come first, then all that the catalogue knows."""
    few: Client = await start(models={"upscale_models": ("4x.pth",), "embeddings": ("sub/neg.pt",)})
    many: Client = await start(all_models=True, models={"upscale_models": ("4x.pth",), "mine": ("a.bin",)})
    known = json.loads(build.TARGET.read_bytes())["models"]
    assert await few.get("/models/upscale_models") == ["4x.pth"]
    assert await few.get("/embeddings") == ["sub/neg"]
    assert await many.get("/models/upscale_models") == ["4x.pth", *known["upscale_models"]]
    assert await many.get("/models/mine") == ["a.bin"]
    assert "mine" in await many.get("/models")
    info = await many.get("/object_info/VAELoader")
    (offered,) = info["VAELoader"]["input"]["required"]["vae_name"]
    assert offered == [*await many.get("/models/vae"), "pixel_space"]
    assert set(known["vae"]) < set(offered)


async def test_the_command_offers_all_models(tmp_path: Path) -> None:
    """Beside the checkpoints that it names."""
    program = simulator_program(tmp_path, "--all-models", "--checkpoint", "mine.safetensors")
    await program.start()
    try:
        async with aiohttp.ClientSession() as session:
            async with session.get(f"{program.url}/models/checkpoints") as answer:
                offered = await answer.json()
    finally:
        await program.stop()
    known = json.loads(build.TARGET.read_bytes())["models"]
    assert offered == ["mine.safetensors", *known["checkpoints"]]


async def test_files_of_the_input_folder_are_offered_by_content(client: Client) -> None:
    """Sound may be taken out of a video; 3d files lie in a folder of their own."""
    folder = client.simulator.settings.data_dir
    assert folder is not None
    (folder / "input" / "3d" / "deep").mkdir(parents=True)
    for name in ("a.mp4", "b.wav", "c.png", "d.txt", "e.glb", "3d/deep/f.glb", "3d/g.txt"):
        (folder / "input" / name).touch()
    offered = {}
    for class_type, name in (("LoadAudio", "audio"), ("LoadVideo", "file"), ("Load3D", "model_file")):
        info = await client.get(f"/object_info/{class_type}")
        offered[class_type] = info[class_type]["input"]["required"][name][1]["options"]
    (pictures, _) = (await client.get("/object_info/LoadImage"))["LoadImage"]["input"]["required"]["image"]
    assert (offered, pictures) == (
        {"LoadAudio": ["a.mp4", "b.wav"], "LoadVideo": ["a.mp4"], "Load3D": ["none", "3d/deep/f.glb"]},
        ["c.png", "example.png"],
    )
