"""Results: made to fit a limit as good as they can be, and shown small."""

from __future__ import annotations

import io
import random
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image, ImageChops, ImageStat
from PIL.PngImagePlugin import PngInfo

from bot.errors import MediaRejected
from bot.media.errors import DoesNotFit
from bot.media.outgoing import Made, contact_sheet, poster, shrink, thumbnail
from tests.media.clips import make_sound, make_video

RED, BLUE, GREEN = (255, 0, 0), (0, 0, 255), (0, 255, 0)


def _photo(side: int, mode: str = "RGB") -> Image.Image:
    """Noise on slopes: about as hard to pack as a photograph."""
    slopes = [Image.linear_gradient("L").resize((side, side)).rotate(turn) for turn in (0, 90, 180)]
    noise = Image.frombytes("L", (side, side), random.Random(1).randbytes(side * side))
    bands = [Image.blend(slope, noise, 0.15) for slope in slopes]
    if mode == "RGBA":
        bands.append(Image.radial_gradient("L").resize((side, side)))
    return Image.merge(mode, bands)


def _written(path: Path, image: Image.Image, **options: Any) -> Path:
    image.save(path, **options)
    return path


def _difference(one: Image.Image, other: Image.Image) -> float:
    """The mean difference of their values, 0..255, at the first's size."""
    difference = ImageChops.difference(one.convert("RGB"), other.convert("RGB").resize(one.size))
    return sum(ImageStat.Stat(difference).mean) / 3


def _moving(path: Path, kind: str, *, side: int = 64, frames: int = 12) -> Path:
    """Noise that a square wanders over; every frame shows for another while."""
    made = []
    for number in range(frames):
        image = _photo(side, "RGBA")
        image.putalpha(image.getchannel("A").point(lambda value: 255 if value < 128 else 0))
        image.paste((*GREEN, 255), (number * 2, 8, number * 2 + 16, 24))
        made.append(image)
    durations = [40 + 10 * number for number in range(frames)]
    made[0].save(path, kind, save_all=True, append_images=made[1:], duration=durations, loop=0)
    return path


def _played(path: Path) -> list[int]:
    """Milliseconds that each frame shows."""
    found = []
    with Image.open(path) as image:
        for number in range(getattr(image, "n_frames", 1)):
            image.seek(number)
            image.load()
            found.append(round(image.info["duration"]))
    return found


async def test_what_fits_is_left_as_it_is(tmp_path: Path) -> None:
    """Not a byte is touched."""
    source = _written(tmp_path / "fox.png", _photo(64))
    size = source.stat().st_size
    assert await shrink(source, tmp_path, limit=size) == Made(
        path=source, media_type="image/png", width=64, height=64
    )


async def test_a_picture_becomes_a_good_jpeg(tmp_path: Path) -> None:
    """Of all its pixels, while that fits."""
    image = _photo(512)
    source = _written(tmp_path / "fox.png", image)
    limit = source.stat().st_size // 3
    made = await shrink(source, tmp_path, limit=limit)
    assert made == Made(path=tmp_path / "fitted.jpg", media_type="image/jpeg", width=512, height=512)
    size = made.path.stat().st_size
    assert limit * 0.7 < size <= limit
    assert _difference(image, Image.open(made.path)) < 8


async def test_a_tight_limit_takes_webp_and_then_pixels(tmp_path: Path) -> None:
    """Each is no larger than asked."""
    image = _photo(512)
    source = _written(tmp_path / "fox.png", image)
    webp = await shrink(source, tmp_path, limit=40_000)
    assert (webp.media_type, webp.path.stat().st_size <= 40_000) == ("image/webp", True)
    small = await shrink(source, tmp_path, limit=3000)
    assert small.path.stat().st_size <= 3000
    assert 32 <= small.width == small.height < webp.width
    with Image.open(small.path) as found:
        assert found.size == (small.width, small.height)
        assert _difference(found, image.resize(found.size, Image.Resampling.LANCZOS)) < 16


async def test_noise_is_the_largest_jpeg_there_is(tmp_path: Path) -> None:
    """Libjpeg writes an optimised picture in one go: the buffer has to hold more than a byte a pixel."""
    source = tmp_path / "noise.png"
    Image.frombytes("RGB", (400, 300), random.Random(7).randbytes(400 * 300 * 3)).save(source)
    made = await shrink(source, tmp_path, limit=300_000)
    assert (made.media_type, made.width, made.height) == ("image/jpeg", 400, 300)
    assert 200_000 < made.path.stat().st_size <= 300_000


async def test_what_is_see_through_stays_so(tmp_path: Path) -> None:
    """PNG becomes WebP."""
    image = _photo(256, "RGBA")
    source = _written(tmp_path / "fox.png", image)
    made = await shrink(source, tmp_path, limit=source.stat().st_size // 4)
    assert (made.media_type, made.width, made.height) == ("image/webp", 256, 256)
    with Image.open(made.path) as found:
        assert found.mode == "RGBA"
        assert ImageStat.Stat(ImageChops.difference(found.getchannel("A"), image.getchannel("A"))).mean[0] < 2


async def test_a_side_may_be_limited(tmp_path: Path) -> None:
    """Also where the bytes would fit; the other side follows."""
    source = _written(tmp_path / "fox.png", Image.new("RGB", (300, 150), RED))
    made = await shrink(source, tmp_path, limit=10**6, max_side=100)
    assert (made.width, made.height) == (100, 50)


async def test_a_limit_too_low_is_told(tmp_path: Path) -> None:
    """No picture is made of ten bytes."""
    source = _written(tmp_path / "fox.png", _photo(64))
    with pytest.raises(DoesNotFit):
        await shrink(source, tmp_path, limit=10)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
async def test_an_animation_stays_one(tmp_path: Path, kind: str) -> None:
    """All frames, each for as long as before, without a background."""
    source = _moving(tmp_path / "fox", kind, side=160)
    limit = source.stat().st_size // 2
    made = await shrink(source, tmp_path, limit=limit)
    assert (made.media_type, made.path.stat().st_size <= limit) == ("image/webp", True)
    assert _played(made.path) == _played(source)
    with Image.open(made.path) as image:
        assert image.size == (made.width, made.height)
        assert image.convert("RGBA").getchannel("A").getextrema() != (255, 255)


async def test_an_animation_may_become_a_film(tmp_path: Path) -> None:
    """For platforms that play nothing else; what was see-through is grey."""
    source = _moving(tmp_path / "fox.gif", "GIF")
    made = await shrink(source, tmp_path, limit=10**6, film=True)
    assert made == Made(path=tmp_path / "fitted.mp4", media_type="video/mp4", width=64, height=64)
    with av.open(str(made.path)) as container:
        times = [round(frame.time * 1000) for frame in container.decode(video=0)]
    assert times == [sum(_played(source)[:number]) for number in range(12)]


async def test_sixty_megabytes_fit_into_ten(tmp_path: Path) -> None:
    """Ten seconds of noise, the hardest there is: same pictures a second, same length, still with sound."""
    source = make_video(tmp_path / "fox.mp4", seconds=10, fps=24, size=(1280, 720), bits=48_000_000)
    assert source.stat().st_size > 55 * 10**6
    limit = 10 * 2**20
    made = await shrink(source, tmp_path, limit=limit)
    assert (made.media_type, made.width, made.height) == ("video/mp4", 1280, 720)
    assert 0.8 * limit < made.path.stat().st_size <= limit
    assert made.path.read_bytes().index(b"moov") < made.path.read_bytes().index(b"mdat")
    with av.open(str(made.path)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert (video.codec_context.name, video.pix_fmt, audio.codec_context.name) == (
            "h264",
            "yuv420p",
            "aac",
        )
        assert video.average_rate == 24
        assert len(list(container.decode(video))) == 240
        container.seek(0)
        heard = sum(frame.samples for frame in container.decode(audio))
    assert heard / 48_000 == pytest.approx(10, abs=0.1)


async def test_few_bytes_take_pixels_from_a_video(tmp_path: Path) -> None:
    """Sides are even, the way it is turned is kept, and the size is told as people see it."""
    source = make_video(tmp_path / "fox.mp4", size=(642, 362), rotation=90, bits=4_000_000)
    made = await shrink(source, tmp_path, limit=30_000)
    assert made.path.stat().st_size <= 30_000
    assert made.width < made.height < 642
    with av.open(str(made.path)) as container:
        frame = next(container.decode(video=0))
    assert (frame.height, frame.width, frame.rotation) == (made.width, made.height, 90)
    assert (frame.width % 2, frame.height % 2) == (0, 0)


@pytest.mark.parametrize("codec", ["libvpx-vp9", "mjpeg"])
async def test_colours_stay_what_they_are(tmp_path: Path, codec: str) -> None:
    """Red stays red, with whatever way of storing it the source had."""
    suffix = ".webm" if codec == "libvpx-vp9" else ".mkv"
    sound = "libopus" if codec == "libvpx-vp9" else "aac"
    source = make_video(tmp_path / f"fox{suffix}", size=(128, 96), codec=codec, sound=sound)
    made = await shrink(source, tmp_path, limit=10**6, max_side=64)
    assert (made.media_type, made.width, made.height) == ("video/mp4", 64, 48)
    await _assert_halves(await poster(made.path, tmp_path))


async def _assert_halves(still: Made) -> None:
    with Image.open(still.path) as image:
        for part, colour in ((0.25, RED), (0.75, BLUE)):
            pixel = image.convert("RGB").getpixel((int(part * still.width), still.height // 2))
            assert isinstance(pixel, tuple)
            assert all(abs(found - wanted) < 12 for found, wanted in zip(pixel, colour, strict=True)), pixel


@pytest.mark.parametrize(("limit", "media_type"), [(60_000, "audio/mp4"), (12_000, "audio/ogg")])
async def test_a_sound_is_made_to_fit(tmp_path: Path, limit: int, media_type: str) -> None:
    """AAC while there is room, Opus below."""
    source = make_sound(tmp_path / "fox.wav", "pcm_s16le", seconds=4)
    made = await shrink(source, tmp_path, limit=limit)
    assert (made.media_type, made.width, made.height) == (media_type, 0, 0)
    assert made.path.stat().st_size <= limit
    with av.open(str(made.path)) as container:
        heard = sum(frame.samples for frame in container.decode(audio=0))
    assert heard / 48_000 == pytest.approx(4, abs=0.1)


@pytest.mark.parametrize(("name", "codec"), [("fox.mp4", "libx264"), ("fox.wav", "pcm_s16le")])
async def test_a_clip_that_can_t_fit_is_told(tmp_path: Path, name: str, codec: str) -> None:
    """Rather than a smear."""
    make = make_video if name == "fox.mp4" else make_sound
    source = make(tmp_path / name, codec=codec, seconds=20)
    with pytest.raises(DoesNotFit):
        await shrink(source, tmp_path, limit=2000)


async def test_other_files_fit_or_do_not(tmp_path: Path) -> None:
    """Nobody can shrink a model."""
    source = tmp_path / "fox.glb"
    source.write_bytes(b"glTF" + bytes(96))
    kept = Made(path=source, media_type="model/gltf-binary", width=0, height=0)
    assert await shrink(source, tmp_path, limit=100) == kept
    with pytest.raises(DoesNotFit):
        await shrink(source, tmp_path, limit=99)


async def test_a_damaged_result_is_told(tmp_path: Path) -> None:
    """It can't be shrunk."""
    source = _written(tmp_path / "fox.png", _photo(64))
    source.write_bytes(source.read_bytes()[:4000])
    with pytest.raises(MediaRejected):
        await shrink(source, tmp_path, limit=3000)


async def test_a_huge_text_in_a_result_is_not_unpacked(tmp_path: Path) -> None:
    """Nor does it hinder a thumbnail."""
    info = PngInfo()
    info.add_text("prompt", "a" * 2 * 10**6, zip=True)
    source = _written(tmp_path / "fox.png", Image.new("RGB", (80, 40), RED), pnginfo=info)
    made = await thumbnail(source, tmp_path, max_side=40)
    assert (made.media_type, made.width, made.height) == ("image/jpeg", 40, 20)


async def test_a_thumbnail_is_small_and_upright(tmp_path: Path) -> None:
    """Of an animation its first frame; see-through parts are grey in a JPEG and stay in a WebP."""
    image = Image.new("RGBA", (80, 40), (255, 0, 0, 255))
    image.paste((0, 0, 0, 0), (40, 0, 80, 40))
    exif = Image.Exif()
    exif[0x0112] = 6
    source = _written(tmp_path / "fox.png", image, exif=exif)
    made = await thumbnail(source, tmp_path, max_side=20)
    assert (made.media_type, made.width, made.height) == ("image/jpeg", 10, 20)
    with Image.open(made.path) as found:
        assert _near(found.getpixel((5, 3)), RED)
        assert _near(found.getpixel((5, 16)), (128, 128, 128))
    webp = await thumbnail(source, tmp_path, max_side=20, webp=True)
    with Image.open(webp.path) as found:
        assert found.getchannel("A").getpixel((5, 16)) == 0


def _near(pixel: Any, wanted: tuple[int, ...]) -> bool:
    return all(abs(found - goal) < 16 for found, goal in zip(pixel, wanted, strict=True))


@pytest.mark.parametrize("rotation", [0, 90, -90, 180])
async def test_a_poster_is_not_black(tmp_path: Path, rotation: int) -> None:
    """Films fade in; the frame is turned as players turn it."""
    source = make_video(tmp_path / "fox.mp4", dark=6, rotation=rotation)
    made = await poster(source, tmp_path)
    with Image.open(made.path) as image:
        image.load()
        assert (image.format, image.size) == ("JPEG", (made.width, made.height))
        upright = image.rotate(-rotation, expand=True)
    assert upright.size == (64, 48)
    buffer = io.BytesIO()
    upright.save(buffer, "PNG")
    (tmp_path / "upright.png").write_bytes(buffer.getvalue())
    await _assert_halves(Made(path=tmp_path / "upright.png", media_type="image/png", width=64, height=48))


async def test_a_film_that_is_black_all_through_has_a_poster(tmp_path: Path) -> None:
    """Black, then."""
    source = make_video(tmp_path / "fox.mp4", dark=100)
    made = await poster(source, tmp_path)
    assert (made.width, made.height) == (64, 48)


async def test_a_sound_has_no_poster(tmp_path: Path) -> None:
    """That is told."""
    with pytest.raises(MediaRejected):
        await poster(make_sound(tmp_path / "fox.flac", "flac"), tmp_path)


async def test_a_sheet_shows_all_with_their_numbers(tmp_path: Path) -> None:
    """Five in a grid of three by two, each in its place, a video among them."""
    colours = [RED, GREEN, BLUE, (255, 255, 0)]
    sources = [
        _written(tmp_path / f"{index}.png", Image.new("RGB", (100, 100), colour))
        for index, colour in enumerate(colours)
    ]
    sources.append(make_video(tmp_path / "4.mp4", size=(96, 96)))
    made = await contact_sheet(sources, tmp_path, max_side=320)
    assert made.media_type == "image/jpeg"
    assert made.height < made.width <= 320
    cell = made.width / 3
    with Image.open(made.path) as sheet:
        assert sheet.size == (made.width, made.height)
        for index, colour in enumerate(colours):
            middle = (int((index % 3 + 0.5) * cell), int((index // 3 + 0.5) * cell))
            assert _near(sheet.getpixel(middle), colour)
            corner = (int(index % 3 * cell), int(index // 3 * cell))
            plate = sheet.crop((*corner, corner[0] + int(cell / 4), corner[1] + int(cell / 4)))
            assert ImageStat.Stat(plate.convert("L")).extrema[0][1] > 200  # the white of a number
        assert _near(sheet.getpixel((int(1.25 * cell), int(1.5 * cell))), RED)
        assert _near(sheet.getpixel((int(2.5 * cell), int(1.5 * cell))), (32, 32, 32))


async def test_a_sheet_of_nothing_is_nobodys_wish(tmp_path: Path) -> None:
    """Nor one of thousands."""
    for sources in ([], [tmp_path / "fox.png"] * 101):
        with pytest.raises(ValueError, match="a sheet of"):
            await contact_sheet(sources, tmp_path)
