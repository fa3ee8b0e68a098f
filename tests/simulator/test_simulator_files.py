"""Uploads, downloads and what a server tells about itself."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.simulator.conftest import Client, Json

BROKEN = (500, "500 Internal Server Error\n\nServer got itself in trouble")


def _png(colour: tuple[int, ...] = (10, 200, 30)) -> bytes:
    buffer = BytesIO()
    Image.new("RGBA" if len(colour) == 4 else "RGB", (16, 8), colour).save(buffer, format="PNG")
    return buffer.getvalue()


async def _upload(
    client: Client, data: bytes, name: str = "a.png", route: str = "image", **fields: str
) -> tuple[int, Any]:
    form = aiohttp.FormData(quote_fields=False)
    form.add_field("image", data, filename=name)
    for field, value in fields.items():
        form.add_field(field, value)
    return await client.ask("POST", f"/upload/{route}", data=form)


def _taken(name: str, subfolder: str = "", kind: str = "input") -> tuple[int, Json]:
    return 200, {"name": name, "subfolder": subfolder, "type": kind}


async def test_other_bytes_under_a_taken_name_get_another_name(client: Client) -> None:
    """The same bytes keep it; only `true` and `1` overwrite."""
    first, second, third = _png(), _png((1, 1, 1)), _png((2, 2, 2))
    assert await _upload(client, first) == _taken("a.png")
    assert await _upload(client, first) == _taken("a.png")
    assert await _upload(client, second) == _taken("a (1).png")
    assert await _upload(client, third) == _taken("a (2).png")
    assert await _upload(client, second) == _taken("a (1).png")
    assert await _upload(client, third, overwrite="true") == _taken("a.png")
    assert await _upload(client, first, overwrite="True") == _taken("a (3).png")


async def test_any_file_goes_anywhere_below_the_three_folders(client: Client) -> None:
    """Text, emptiness and odd names are no obstacle."""
    assert await _upload(client, b"hello", "note.txt") == _taken("note.txt")
    assert await _upload(client, b"", "empty.png") == _taken("empty.png")
    assert await _upload(client, b"x", ".hidden.png") == _taken(".hidden.png")
    assert await _upload(client, b"x", "кот 猫.png") == _taken("кот 猫.png")
    assert await _upload(client, b"x", subfolder="users/42") == _taken("a.png", "users/42")
    assert await _upload(client, b"x", type="temp") == _taken("a.png", kind="temp")
    assert await _upload(client, b"x", type="output") == _taken("a.png", kind="output")


async def test_uploads_that_lead_out_or_lack_something_are_refused(client: Client) -> None:
    """Some by 400, some by falling over."""
    form = aiohttp.FormData({"file": "x", "type": "input"})
    answers = [
        await _upload(client, b"x", subfolder="../.."),
        await _upload(client, b"x", "../../x.png"),
        await client.ask("POST", "/upload/image", data=b"raw"),
        await client.ask("POST", "/upload/image", data=form),
        await _upload(client, b"x", type="bogus"),
        await _upload(client, b"x", "missing/x.png"),
        await _upload(client, b"x", "x" * 300),
        await client.ask("POST", "/upload/image", data={"image": "text"}),
    ]
    assert answers == [(400, "")] * 4 + [BROKEN] * 4


async def test_a_mask_becomes_the_alpha_of_a_copy(client: Client) -> None:
    """Without the original nothing is written, and the answer is the same."""
    await _upload(client, _png((10, 200, 30)))
    mask = _png((0, 0, 0, 77))
    reference = '{"filename": "a.png", "subfolder": "", "type": "input"}'
    gone = '{"filename": "b.png", "subfolder": "", "type": "input"}'
    assert await _upload(client, mask, "m.png", "mask", original_ref=reference) == _taken("m.png")
    assert await _upload(client, mask, "n.png", "mask", original_ref=gone) == _taken("n.png")
    assert await _upload(client, mask, "o.png", "mask") == BROKEN
    picture = await client.picture({"filename": "m.png", "type": "input"})
    assert picture.getpixel((0, 0)) == (10, 200, 30, 77)
    assert (await client.ask("GET", "/view?filename=n.png&type=input"))[0] == 404


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 404),
        ("filename=", 400),
        ("filename=gone.png&type=input", 404),
        ("filename=../a.png&type=input", 400),
        ("filename=/etc/passwd", 400),
        ("filename=a.png&type=bogus", 400),
        ("filename=a.png&type=input&subfolder=..", 403),
        ("filename=a.png", 404),
        ("filename=a.png&type=input", 200),
        ("filename=a.png [input]&type=output", 200),
        ("filename=note.txt&type=input&preview=webp", 500),
    ],
)
async def test_view_serves_what_is_below_its_folder_only(client: Client, query: str, status: int) -> None:
    """404 for what is not there, 400 and 403 for what leads out, 500 for a preview of a text."""
    await _upload(client, _png())
    await _upload(client, b"hello", "note.txt")
    async with client.session.get(f"{client.simulator.url}/view?{query}") as response:
        assert response.status == status


async def test_view_gives_the_file_with_its_headers_and_in_parts(client: Client) -> None:
    """HEAD and ranges work, with and without /api."""
    data = _png()
    await _upload(client, data)
    url = f"{client.simulator.url}/api/view?filename=a.png&type=input"
    async with client.session.get(url) as whole:
        assert await whole.read() == data
        assert whole.headers["Content-Type"] == "image/png"
        assert whole.headers["Content-Disposition"] == 'filename="a.png"'
        assert whole.headers["X-Content-Type-Options"] == "nosniff"
    async with client.session.get(url, headers={"Range": "bytes=0-9"}) as part:
        assert (part.status, await part.read()) == (206, data[:10])
    async with client.session.head(url) as head:
        assert (head.status, head.headers["Content-Length"]) == (200, str(len(data)))


async def test_pages_come_as_downloads_only(client: Client) -> None:
    """A browser must not run them."""
    await _upload(client, b"<script>", "x.html")
    async with client.session.get(f"{client.simulator.url}/view?filename=x.html&type=input") as page:
        assert page.content_type == "application/octet-stream"
        assert page.headers["Content-Disposition"] == 'attachment; filename="x.html"'


@pytest.mark.parametrize(
    ("query", "kind", "mode"),
    [
        ("preview=webp", "WEBP", "RGBA"),
        ("preview=jpeg;10", "JPEG", "RGB"),
        ("preview=png", "WEBP", "RGBA"),
        ("preview=jpeg&channel=a", "WEBP", "RGBA"),
        ("channel=rgb", "PNG", "RGB"),
        ("channel=a", "PNG", "RGBA"),
        ("channel=rgba", "PNG", "RGBA"),
    ],
)
async def test_previews_and_channels_are_encoded_anew(
    client: Client, query: str, kind: str, mode: str
) -> None:
    """At full size."""
    await _upload(client, _png((10, 200, 30, 99)))
    async with client.session.get(
        f"{client.simulator.url}/view?filename=a.png&type=input&{query}"
    ) as response:
        picture = Image.open(BytesIO(await response.read()))
    assert (picture.format, picture.mode, picture.size) == (kind, mode, (16, 8))


async def test_saved_pictures_carry_the_graph_and_the_extra_info(
    client: Client, flat: Callable[..., Json]
) -> None:
    """As PNG text chunks; `channel=rgb` leaves them out."""
    info = {"workflow": {"id": "w"}, "note": {"user": "42"}}
    entry = await client.run(flat(), extra_data={"extra_pnginfo": info, "bot": "kept apart"})
    (file,) = entry["outputs"]["3"]["images"]
    picture = await client.picture(file)
    chunks = {"workflow": '{"id": "w"}', "note": '{"user": "42"}'}
    assert {key: picture.info[key] for key in chunks} == chunks
    assert set(picture.info) == {"prompt", *chunks}
    assert (await client.picture({**file, "channel": "rgb"})).info == {}


async def test_a_prefix_names_folders_and_must_stay_inside(client: Client, flat: Callable[..., Json]) -> None:
    """Leading out is an error of the node, not a refusal."""
    entry = await client.run(flat(prefix="a/b/c"))
    assert entry["outputs"]["3"]["images"] == [
        {"filename": "c_00001_.png", "subfolder": "a/b", "type": "output"}
    ]
    entry = await client.run(flat(prefix="../../x"))
    name, error = entry["status"]["messages"][-1]
    message = "**** ERROR: Saving image outside the output folder is not allowed."
    assert (name, error["exception_message"].startswith(message)) == ("execution_error", True)
    assert (entry["outputs"], entry["status"]["completed"]) == ({}, False)


async def test_uploads_are_found_by_the_next_graph(client: Client) -> None:
    """From sub-folders and other folders too; another content runs again; rubbish is the node's error."""

    def graph(image: str) -> Json:
        return {
            "1": {"class_type": "LoadImage", "inputs": {"image": image}},
            "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}},
        }

    await _upload(client, _png(), subfolder="users/42")
    await _upload(client, _png(), "t.png", type="temp")
    for image in ("users/42/a.png", "t.png [temp]"):
        assert (await client.run(graph(image)))["status"]["status_str"] == "success"
    choices = (await client.get("/object_info/LoadImage"))["LoadImage"]["input"]["required"]["image"]
    assert choices == [["example.png"], {"image_upload": True}]
    await client.run(graph("users/42/a.png"))
    await _upload(client, _png((1, 2, 3)), subfolder="users/42", overwrite="1")
    entry = await client.run(graph("users/42/a.png"))
    assert dict(entry["status"]["messages"])["execution_cached"]["nodes"] == []
    picture = await client.picture(entry["outputs"]["2"]["images"][0])
    assert picture.getpixel((0, 0)) == (1, 2, 3)
    await _upload(client, b"rubbish", "bad.png")
    error = (await client.run(graph("bad.png")))["status"]["messages"][-1][1]
    assert error["exception_type"] == "PIL.UnidentifiedImageError"
    assert error["exception_message"].startswith("cannot identify image file")
    await _upload(client, b"rubbish", "bad.txt")
    error = (await client.run(graph("bad.txt")))["status"]["messages"][-1][1]
    assert error["exception_type"] == "av.error.InvalidDataError"
    assert error["exception_message"].startswith("[Errno 1094995529] Invalid data found")


async def test_temp_is_wiped_by_a_restart_and_the_rest_is_not(
    client: Client, flat: Callable[..., Json], tmp_path: Path
) -> None:
    """Previews are gone, saved pictures and uploads stay."""
    await _upload(client, _png())
    preview = (await client.run(flat(output="PreviewImage")))["outputs"]["3"]["images"][0]
    saved = (await client.run(flat()))["outputs"]["3"]["images"][0]
    await client.simulator.faults.restart()
    found = [
        (await client.ask("HEAD", "/view", params=file))[0]
        for file in (preview, saved, {"filename": "a.png", "type": "input"})
    ]
    assert found == [404, 200, 200]
    assert {child.name for child in (tmp_path / "comfyui" / "temp").iterdir()} == set()


async def test_the_server_describes_itself(client: Client) -> None:
    """Models, features, system and classes; an unknown class is an empty object."""
    models = ["sd_xl_base_1.0.safetensors", "dreamshaper_8.safetensors"]
    assert await client.get("/models/checkpoints") == models
    assert await client.ask("GET", "/models/nope") == (404, "")
    assert "loras" in await client.get("/api/models")
    assert await client.get("/models/loras") == []
    assert await client.get("/embeddings") == []
    assert await client.get("/users") == {"storage": "server", "migrated": False}
    assert (await client.get("/system_stats"))["system"]["comfyui_version"] == "0.33.0"
    assert (await client.get("/features"))["max_upload_size"] == 104857600
    assert await client.get("/object_info/Nope") == {}
    classes = await client.get("/object_info")
    assert len(classes) == 810
    loader = classes["CheckpointLoaderSimple"]
    assert loader["input"] == {"required": {"ckpt_name": [models]}}
    assert (loader["output"], loader["output_node"]) == (["MODEL", "CLIP", "VAE"], False)
    assert classes["SaveImage"]["input_order"] == {
        "required": ["images", "filename_prefix"],
        "hidden": ["prompt", "extra_pnginfo"],
    }


@pytest.mark.parametrize(
    ("method", "path", "answer"),
    [
        ("GET", "/nope", (404, "")),
        ("GET", "/jobs", (404, "")),
        ("GET", "/interrupt", (404, "")),
        ("POST", "/nope", (405, "405: Method Not Allowed")),
        ("DELETE", "/queue", (405, "405: Method Not Allowed")),
        ("PUT", "/prompt", (405, "405: Method Not Allowed")),
        ("OPTIONS", "/prompt", (200, "")),
    ],
)
async def test_unknown_routes_answer_as_a_file_server_below_the_root(
    client: Client, method: str, path: str, answer: tuple[int, str]
) -> None:
    """404 for what is read, 405 for all the rest."""
    assert await client.ask(method, path) == answer
