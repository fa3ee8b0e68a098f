"""Outputs made to fit, and pictures that tell how they were made."""

from __future__ import annotations

import io
import random
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image, PngImagePlugin

from bot.cards.notes import note, unknown_picture
from bot.contract.card import Code, Media, Text
from bot.contract.values import Attachment
from bot.media.spool import Spool
from bot.service.outgoing import Outgoing


async def _media(spool: Spool, data: bytes, kind: str, name: str) -> Media:
    blob = await spool.keep(data)
    return Media(job="j", index=0, path=spool.path(blob.sha256), media_type=kind, name=name, size=blob.size)


def _blotches(side: int) -> bytes:
    buffer = io.BytesIO()
    noise = Image.frombytes("RGB", (64, 64), random.Random(1).randbytes(64 * 64 * 3))
    noise.resize((side, side), Image.Resampling.BICUBIC).save(buffer, "PNG")
    return buffer.getvalue()


async def test_what_fits_is_left_as_it_is(tmp_path: Path) -> None:
    """Nothing is encoded again."""
    spool = Spool(tmp_path)
    media = await _media(spool, b"tiny", "image/png", "fox.png")
    assert await Outgoing(spool).fit(media, 4) is media


async def test_a_picture_is_made_smaller_once(tmp_path: Path) -> None:
    """It keeps its size in pixels if that will do; the second time it is there already."""
    spool = Spool(tmp_path)
    media = await _media(spool, _blotches(512), "image/png", "fox.png")
    fitting = await Outgoing(spool).fit(media, 100_000)
    assert fitting is not None
    assert fitting.size == fitting.path.stat().st_size <= 100_000 < media.size
    assert (fitting.name, fitting.media_type) in (("fox.jpg", "image/jpeg"), ("fox.webp", "image/webp"))
    with Image.open(fitting.path) as picture:
        assert picture.size == (512, 512)
    made = fitting.path.stat().st_mtime_ns
    assert await Outgoing(spool).fit(media, 100_000) == fitting
    assert fitting.path.stat().st_mtime_ns == made


async def test_what_can_not_be_made_smaller_is_none(tmp_path: Path) -> None:
    """A model of a thing in space, say."""
    spool = Spool(tmp_path)
    media = await _media(spool, b"glTF" + bytes(5000), "model/gltf-binary", "fox.glb")
    assert await Outgoing(spool).fit(media, 1000) is None
    assert await Outgoing(spool).fit(replace(media, size=1000), 1000) == replace(media, size=1000)


async def test_a_picture_says_how_it_was_made(tmp_path: Path) -> None:
    """By ComfyUI's graph in it."""
    texts = PngImagePlugin.PngInfo()
    texts.add_text("prompt", '{"3": {"class_type": "KSampler", "inputs": {"seed": 7, "model": ["4", 0]}}}')
    assert await _inspected(tmp_path, texts) == note(
        "The picture says of itself", (Text(text="KSampler seed: "), Code(text="7"))
    )


@pytest.mark.parametrize("prompt", [None, "nonsense", "[]", '{"3": 1}'])
async def test_a_picture_that_says_nothing(tmp_path: Path, prompt: str | None) -> None:
    """Is said to be that."""
    texts = PngImagePlugin.PngInfo()
    if prompt is not None:
        texts.add_text("prompt", prompt)
    assert await _inspected(tmp_path, texts) == unknown_picture()


async def _inspected(folder: Path, texts: PngImagePlugin.PngInfo) -> object:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "PNG", pnginfo=texts)

    async def read(_limit: int) -> bytes:
        return buffer.getvalue()

    return await Outgoing(Spool(folder)).inspect(Attachment(name="fox.png", read=read))
