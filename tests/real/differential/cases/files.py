"""Uploads, downloads and what stands in between."""

from __future__ import annotations

import json
from typing import Any

import aiohttp

from tests.real.differential.answers import Json
from tests.real.differential.case import Group
from tests.real.differential.graphs import animation, encoded, inverted, node, photo, save, see_through, sound
from tests.real.differential.side import Side

routes = Group("files")

routes.requests(
    {
        "upload without a body": ("POST", "/upload/image"),
        "upload that is not a form": ("POST", "/upload/image", {"json": {"image": "x"}}),
        "upload mask without a body": ("POST", "/upload/mask"),
        "view without a name": ("GET", "/view"),
        "view empty name": ("GET", "/view?filename="),
        "view missing file": ("GET", "/view?filename=RUN-none.png"),
        "view missing file below api": ("GET", "/api/view?filename=RUN-none.png"),
        "view dots": ("GET", "/view?filename=..%2Fsecret.png"),
        "view dots within": ("GET", "/view?filename=a..b.png"),
        "view slash": ("GET", "/view?filename=%2Fetc%2Fpasswd"),
        "view unknown type": ("GET", "/view?filename=a.png&type=models"),
        "view subfolder escape": ("GET", "/view?filename=a.png&subfolder=..%2F.."),
        "view subfolder absolute": ("GET", "/view?filename=a.png&subfolder=%2Fetc"),
        "view missing subfolder": ("GET", "/view?filename=a.png&subfolder=RUN-none"),
        "view unknown hash": ("GET", "/view?filename=blake3:00"),
        "view post": ("POST", "/view?filename=a.png"),
        "metadata without a name": ("GET", "/view_metadata/checkpoints"),
        "metadata of another ending": ("GET", "/view_metadata/checkpoints?filename=a.ckpt"),
        "metadata missing": ("GET", "/view_metadata/checkpoints?filename=RUN-none.safetensors"),
        "metadata unknown folder": ("GET", "/view_metadata/RUN?filename=a.safetensors"),
    }
)


def _form(data: bytes | None, name: str = "a.png", field: str = "image", **fields: str) -> aiohttp.FormData:
    form = aiohttp.FormData(quote_fields=False)
    if data is not None:
        form.add_field(field, data, filename=name, content_type="image/png")
    for key, value in fields.items():
        form.add_field(key, value)
    return form


async def _send(side: Side, form: aiohttp.FormData, route: str = "/upload/image") -> Json:
    return (await side.ask("POST", route, data=form)).seen()


async def _view(side: Side, query: str, **options: Any) -> Json:
    return (await side.ask(options.pop("method", "GET"), f"/view?{query}", **options)).seen()


@routes
async def same_name_uploads(side: Side) -> list[Json]:
    """Same bytes keep the name, other bytes get the next number, overwrite replaces."""
    one, two, three = (encoded(photo(width, 8)) for width in (8, 9, 10))
    folder = f"{side.run_name}-names"
    sent = [
        await _send(side, _form(data, subfolder=folder, **more))
        for data, more in [
            (one, {}), (one, {}), (two, {}), (two, {}), (three, {}), (three, {"overwrite": "True"}),
            (three, {"overwrite": "true"}), (two, {"overwrite": "1"}),
        ]
    ]  # fmt: skip
    names = ("a.png", "a%20(1).png", "a%20(2).png", "a%20(3).png")
    return sent + [await _view(side, f"filename={name}&type=input&subfolder={folder}") for name in names]


@routes
async def uploads_refused_and_odd(side: Side) -> dict[str, Json]:
    """Fields that are missing, unknown or lead out of the folder, and files that are no pictures."""
    data, run = encoded(photo(8, 8)), side.run_name
    forms = {
        "no file": _form(None, subfolder=run),
        "wrong field": _form(data, field="file", subfolder=run),
        "text instead of a file": _form(None, image="text"),
        "empty name": _form(data, "", subfolder=run),
        "escape by the folder": _form(data, subfolder="../.."),
        "escape by the name": _form(data, "../../a.png", subfolder=run),
        "absolute folder": _form(data, subfolder="/tmp"),
        "name with a folder": _form(data, f"{run}-missing/a.png"),
        "unknown type": _form(data, type="models", subfolder=run),
        "type temp": _form(data, type="temp", subfolder=run),
        "type output": _form(data, type="output", subfolder=run),
        "deep folder": _form(data, subfolder=f"{run}/x/../y"),
        "long name": _form(data, "n" * 300 + ".png", subfolder=run),
        "text file": _form(b"words", "words.txt", subfolder=run),
        "empty file": _form(b"", "empty.png", subfolder=run),
        "no ending": _form(data, "plain", subfolder=run),
        "spaces and brackets": _form(data, "a b (1) [x].png", subfolder=run),
        "not ASCII": _form(data, "кот-é.png", subfolder=run),
    }
    return {name: await _send(side, form) for name, form in forms.items()}


@routes
async def a_name_that_is_not_ascii(side: Side) -> Json:
    """The name comes back as it was sent, and a node and a viewer find the file under it."""
    name = await side.upload("кот-é.png", encoded(photo()))
    viewed = await _view(side, f"filename=%D0%BA%D0%BE%D1%82-%C3%A9.png&type=input&subfolder={side.run_name}")
    run = await side.run({"1": node("LoadImage", image=name), "2": save(["1", 0], f"{side.run_name}/кот")})
    return {"name": name, "viewed": viewed, "run": run}


@routes
async def masks(side: Side) -> dict[str, Json]:
    """The alpha of an upload goes into a copy of the original; what is missing or leads out."""
    run = side.run_name
    await side.upload("original.png", encoded(photo()))
    drawn = encoded(see_through())
    good = json.dumps({"filename": "original.png", "subfolder": run, "type": "input"})
    refs = {
        "good": good,
        "missing original": json.dumps({"filename": "none.png", "subfolder": run, "type": "input"}),
        "annotated": json.dumps({"filename": "original.png [input]", "subfolder": run}),
        "dots": json.dumps({"filename": "../original.png", "subfolder": run, "type": "input"}),
        "escape": json.dumps({"filename": "original.png", "subfolder": "../..", "type": "input"}),
        "unknown type": json.dumps({"filename": "original.png", "type": "models"}),
        "no filename": json.dumps({"subfolder": run}),
        "not JSON": "junk",
    }
    seen = {}
    for number, (name, ref) in enumerate(refs.items()):
        file = f"mask{number}.png"
        form = _form(drawn, file, subfolder=f"{run}-mask", type="input", original_ref=ref)
        seen[name] = await _send(side, form, "/upload/mask")
        seen[f"{name}: file"] = await _view(side, f"filename={file}&type=input&subfolder={run}-mask")
    seen["without a reference"] = await _send(side, _form(drawn, "m.png", subfolder=run), "/upload/mask")
    return seen


@routes
async def view_variants(side: Side) -> dict[str, Json]:
    """Re-encoding for previews and channels, ranges and HEAD, annotations."""
    run = side.run_name
    await side.upload("v.png", encoded(see_through()))
    await side.upload("v.jpg", encoded(photo(), "JPEG"))
    at = f"filename=v.png&subfolder={run}&type=input"
    flat = f"filename=v.jpg&subfolder={run}&type=input"
    seen = {
        query: await _view(side, f"{at}&{query}")
        for query in (
            "", "channel=rgba", "channel=rgb", "channel=a", "channel=nope", "preview=webp;75&channel=a",
            "preview=png&channel=rgb",
        )
    }  # fmt: skip
    for query in ("preview=webp", "preview=jpeg", "preview=jpeg;50", "preview=nope;10", "preview="):
        seen[query] = _size_only(await _view(side, f"{at}&{query}"))
    seen["jpg"] = await _view(side, flat)
    seen["jpg channel a"] = await _view(side, f"{flat}&channel=a")
    seen["jpg channel rgb"] = await _view(side, f"{flat}&channel=rgb")
    seen["annotated"] = await _view(side, f"filename=v.png%20%5Binput%5D&subfolder={run}")
    seen["annotated against type"] = await _view(
        side, f"filename=v.png%20%5Boutput%5D&subfolder={run}&type=input"
    )
    seen["folder in the name"] = await _view(side, f"filename={run}%2Fv.png&type=input")
    seen["head"] = await _view(side, at, method="HEAD")
    for span in ("bytes=0-9", "bytes=5-", "bytes=-4", "bytes=999999-", "junk"):
        seen[f"range {span}"] = await _view(side, at, headers={"Range": span})
    return seen


@routes
async def view_of_other_kinds(side: Side) -> dict[str, Json]:
    """Content types by ending; active content is a download."""
    files = {
        "t.txt": b"words", "t.html": b"<b>x</b>", "t.svg": b"<svg/>", "t.js": b"x", "t.css": b"x", "t.xml": b"<x/>",
        "t.json": b"{}", "t.bin": b"x", "t.mp4": b"no film", "t.wav": sound(0.05), "t.webp": animation("WEBP"),
        "t.gif": animation("GIF"), "t.unknown": b"x", "plain": b"x", 'quote".png': b"x", "t.flac": b"x",
    }  # fmt: skip
    seen = {}
    for name, data in files.items():
        await side.upload(name, data)
        query = f"filename={name.replace(chr(34), '%22')}&subfolder={side.run_name}&type=input"
        answer = await side.ask("GET", f"/view?{query}")
        headers = answer.seen()["headers"]
        seen[name] = {"status": answer.status, "headers": headers, "whole": answer.data == data}
    at = f"subfolder={side.run_name}&type=input"
    seen["svg as a picture"] = await _view(side, f"filename=t.svg&{at}", headers={"Sec-Fetch-Dest": "image"})
    seen["svg as a page"] = await _view(side, f"filename=t.svg&{at}", headers={"Sec-Fetch-Dest": "document"})
    seen["preview of a film"] = await _view(side, f"filename=t.mp4&{at}&preview=webp")
    seen["channel of text"] = await _view(side, f"filename=t.txt&{at}&channel=rgb")
    return seen


@routes
async def metadata_leaves_by_channels(side: Side) -> dict[str, Json]:
    """A saved picture holds its prompt; re-encoded ones do not."""
    more = {"extra_pnginfo": {"workflow": {"nodes": []}, "note": "ünïcode"}}
    await side.run(inverted(side.run_name, 0x010203, "meta"), extra_data=more)
    at = f"filename=meta_00001_.png&subfolder={side.run_name}"
    queries = ("", "&channel=rgb", "&preview=webp;90", "&preview=jpeg", "&type=temp")
    return {query: _size_only(await _view(side, at + query), info=True) for query in queries}


def _size_only(seen: Json, *, info: bool = False) -> Json:
    """A lossy re-encoding by its format and size: encoders of other versions make other bytes."""
    body = seen["body"]
    if not isinstance(body, dict) or "frames" not in body:
        return seen
    kept = {"format": body["format"], "shapes": [frame.shape for frame in body["frames"]]}
    return {**seen, "body": {**kept, "info": body["info"]} if info else kept}
