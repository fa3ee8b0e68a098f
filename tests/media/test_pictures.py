"""Uploads: what passes comes out upright and bare, what does not is told."""

from __future__ import annotations

import io
import struct
import zlib
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from bot.errors import MediaRejected
from bot.media.inside.picture import make_png
from bot.media.pictures import LIMIT_BYTES, LIMIT_FRAMES, LIMIT_PIXELS, Picture, check_picture

RED, BLUE = (255, 0, 0), (0, 0, 255)
DAMAGED = "That picture is damaged. Send it again, or save it anew first."
UNKNOWN = "That file is not a picture that can be read. Send a PNG, JPEG, WebP or GIF."
TOO_MANY_PIXELS = "That picture has too many pixels: at most 50 megapixels. Shrink it."


def _saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def _halves(mode: str = "RGB") -> Image.Image:
    """A red half on the left, a blue one on the right."""
    image = Image.new("RGB", (40, 20), RED)
    image.paste(BLUE, (20, 0, 40, 20))
    return image.convert(mode)


def _opened(picture: Picture) -> Image.Image:
    image = Image.open(io.BytesIO(picture.png))
    image.load()
    assert (image.format, image.size) == ("PNG", (picture.width, picture.height))
    return image


def _header(width: int, height: int) -> bytes:
    """A PNG that promises so many pixels and holds none."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    start = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + start + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


async def _refusal(data: bytes) -> str:
    with pytest.raises(MediaRejected) as raised:
        await check_picture(data)
    return str(raised.value)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF", "JPEG"])
async def test_the_four_kinds_pass(kind: str) -> None:
    """Each comes out as a PNG of the same pixels."""
    options = {"lossless": True} if kind == "WEBP" else {"quality": 95} if kind == "JPEG" else {}
    image = _opened(await check_picture(_saved(_halves(), kind, **options)))
    assert image.mode == "RGB"
    for where, colour in (((5, 10), RED), ((35, 10), BLUE)):
        pixel = image.getpixel(where)
        assert isinstance(pixel, tuple)
        assert all(abs(found - wanted) <= 3 for found, wanted in zip(pixel, colour, strict=True))


@pytest.mark.parametrize(
    ("orientation", "top_left", "size"),
    [(1, RED, (40, 20)), (3, BLUE, (40, 20)), (6, RED, (20, 40)), (8, BLUE, (20, 40))],
)
async def test_a_picture_is_turned_upright(
    orientation: int, top_left: tuple[int, int, int], size: tuple[int, int]
) -> None:
    """What a phone noted as its orientation is done to the pixels."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = _opened(await check_picture(_saved(_halves(), "PNG", exif=exif)))
    assert (image.size, image.getpixel((1, 1))) == (size, top_left)


async def test_nothing_but_pixels_is_kept() -> None:
    """Where it was taken, what it was made with and by whom stay behind."""
    exif = Image.Exif()
    exif[0x010E] = "secret"
    exif.get_ifd(0x8825)[1] = "N"
    text = PngInfo()
    text.add_text("prompt", "secret")
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = _saved(_halves(), "PNG", exif=exif, pnginfo=text, icc_profile=profile, dpi=(300, 300))
    picture = await check_picture(data)
    image = _opened(picture)
    assert (image.info, dict(image.getexif())) == ({}, {})
    assert b"secret" in data
    assert b"secret" not in picture.png


def _transparent(mode: str) -> Image.Image:
    """Left half see-through, right half not."""
    image = Image.new("RGBA", (40, 20), (255, 255, 255, 0))
    image.paste((255, 255, 255, 255), (20, 0, 40, 20))
    return image.convert(mode)


@pytest.mark.parametrize(
    "data",
    [
        _saved(_transparent("RGBA"), "PNG"),
        _saved(_transparent("LA"), "PNG"),
        _saved(_transparent("RGBA"), "WEBP", lossless=True, exact=True),
        _saved(_transparent("RGBA"), "GIF"),
        _saved(_transparent("RGBA").quantize(), "PNG"),
    ],
)
async def test_transparency_is_kept(data: bytes) -> None:
    """Whatever way the file notes it: masks are made of it."""
    image = _opened(await check_picture(data))
    assert image.mode == "RGBA"
    alpha = image.getchannel("A")
    assert (alpha.getpixel((5, 10)), alpha.getpixel((35, 10))) == (0, 255)


async def test_16_bits_of_grey_keep_their_brightness() -> None:
    """Depth maps come like this; they are not clipped to white."""
    image = _opened(await check_picture(_saved(Image.new("I;16", (8, 8), 0x8000), "PNG")))
    assert (image.mode, image.getpixel((0, 0))) == ("RGB", (128, 128, 128))


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK"])
async def test_other_colours_become_plain_ones(mode: str) -> None:
    """A node that loads it finds three channels."""
    kind = "JPEG" if mode == "CMYK" else "PNG"
    assert _opened(await check_picture(_saved(_halves(mode), kind))).mode == "RGB"


async def test_of_an_animation_the_first_frame_is_taken() -> None:
    """It may start a picture; the rest is not asked for."""
    frames = [Image.new("RGB", (8, 8), colour) for colour in (RED, BLUE)]
    image = _opened(await check_picture(_saved(frames[0], "GIF", save_all=True, append_images=frames[1:])))
    assert image.getpixel((0, 0)) == RED


async def test_an_animation_of_too_many_frames_is_refused() -> None:
    """With the number and the limit."""
    frames = [Image.new("RGB", (1, 1), (RED, BLUE)[n % 2]) for n in range(LIMIT_FRAMES + 1)]
    data = _saved(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert await _refusal(data) == "That animation has 501 frames: at most 500. Shorten it."


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\n%%EOF",
        b"MZ\x90\x00",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 1 1\n",
        _saved(_halves(), "TIFF"),
        _saved(_halves(), "BMP"),
    ],
)
async def test_what_is_no_picture_is_refused_whatever_its_name(data: bytes) -> None:
    """A PDF named .png is a PDF: the bytes decide, and the accepted kinds are named."""
    assert await _refusal(data) == UNKNOWN


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
async def test_a_truncated_picture_is_damaged(kind: str) -> None:
    """Half an upload is no picture with a grey half."""
    data = _saved(Image.effect_noise((64, 64), 80).convert("RGB"), kind)
    assert await _refusal(data[: len(data) * 2 // 3]) == DAMAGED


@pytest.mark.parametrize(
    ("width", "height"), [(8000, 8000), (10_000, 10_000), (60_000, 60_000), (2**30, 2**30)]
)
async def test_a_decompression_bomb_is_refused_by_its_header(width: int, height: int) -> None:
    """Before any of its pixels is made."""
    assert await _refusal(_header(width, height)) == TOO_MANY_PIXELS


async def test_a_header_within_the_limit_without_pixels_is_damaged() -> None:
    """The promise alone is not the reason."""
    assert await _refusal(_header(64, 64)) == DAMAGED


async def test_a_file_that_is_too_large_is_refused_unread() -> None:
    """With the limit."""
    assert (
        await _refusal(bytes(LIMIT_BYTES + 1)) == "That file is too large: at most 25 MB. Send a smaller one."
    )


def _animated(kind: str) -> bytes:
    frames = [Image.new("RGB", (8, 8), colour) for colour in (RED, BLUE)]
    return _saved(frames[0], kind, save_all=True, append_images=frames[1:])


SAMPLES = [
    *(_saved(_halves(), kind) for kind in ("PNG", "JPEG", "WEBP", "GIF")),
    *(_animated(kind) for kind in ("PNG", "WEBP", "GIF")),
    _saved(_halves(), "JPEG", exif=Image.Exif()),
]


@pytest.mark.filterwarnings("ignore")  # Pillow's own, about what it reads; the answer is what counts
@settings(max_examples=500, deadline=None)
@given(
    sample=st.sampled_from(SAMPLES),
    edits=st.lists(st.tuples(st.integers(0, 400), st.binary(max_size=4)), max_size=4),
    length=st.integers(0, 1200),
)
@example(sample=_animated("GIF"), edits=[], length=len(_animated("GIF")) - 12)
def test_damage_of_any_kind_is_told(sample: bytes, edits: list[tuple[int, bytes]], length: int) -> None:
    """A picture or `MediaRejected`, whatever the bytes: a decoder's own errors never come through."""
    data = bytearray(sample)
    for where, new in edits:
        data[where : where + len(new)] = new
    with TemporaryDirectory() as folder, suppress(MediaRejected):
        source, target = Path(folder, "upload"), Path(folder, "picture.png")
        source.write_bytes(data[:length])
        size = make_png(source, target, LIMIT_PIXELS, LIMIT_FRAMES)
        picture = Picture(png=target.read_bytes(), width=size.width, height=size.height)
        assert _opened(picture).info == {}
