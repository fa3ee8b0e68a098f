"""Opens pictures for work on their pixels: bounded, upright, in plain colours."""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from typing import Final

from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from bot.errors import MediaRejected
from bot.media.inside.frames import webp_size
from bot.media.kinds import HEAD_BYTES, sniff

FORMATS: Final = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WEBP", "image/gif": "GIF"}
LIMIT_RATIO: Final = 50
GROUND: Final = (128, 128, 128, 255)

UNKNOWN: Final = "That file is not a picture that can be read. Send a PNG, JPEG, WebP or GIF."
DAMAGED: Final = "That picture is damaged. Send it again, or save it anew first."

DAMAGE: Final = (
    OSError,
    EOFError,
    SyntaxError,
    ValueError,
    LookupError,
    TypeError,
    OverflowError,
    struct.error,
    zlib.error,
)
"""What Pillow's decoders raise on damaged data."""


def picture_type(source: Path) -> str:
    """The media type of a picture that can be read. Raises `MediaRejected`."""
    with source.open("rb") as file:
        found = sniff(file.read(HEAD_BYTES))
    if found not in FORMATS:
        raise MediaRejected(UNKNOWN)
    return found


@contextmanager
def opened(source: Path, media_type: str, *, pixels: int, ratio: int = LIMIT_RATIO) -> Iterator[Image.Image]:
    """A picture whose header promises at most `pixels`; what damage does to it within is told.

    No side is longer than `ratio` times the other.
    Raises `MediaRejected`. Text chunks should be gone before: Pillow reads them.
    """
    if media_type == "image/webp":
        check_size(*webp_size(source), pixels=pixels, ratio=ratio)
    Image.MAX_IMAGE_PIXELS = pixels  # a GIF's frames may be larger than its header says
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            with Image.open(source, formats=[FORMATS[media_type]]) as image:
                check_size(*image.size, pixels=pixels, ratio=ratio)
                yield image
        except (UnidentifiedImageError, *DAMAGE) as error:
            raise MediaRejected(DAMAGED) from error
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise MediaRejected(too_many_pixels(pixels)) from error


def check_size(width: int, height: int, *, pixels: int, ratio: int) -> None:
    """Raises `MediaRejected` for a size that no picture here may have."""
    if min(width, height) < 1:
        raise MediaRejected(DAMAGED)
    if width * height > pixels:
        raise MediaRejected(too_many_pixels(pixels))
    if max(width, height) > ratio * min(width, height):
        raise MediaRejected(
            f"That picture is {width} by {height}: one side may be at most {ratio} times the other. Crop it."
        )


def too_many_pixels(pixels: int) -> str:
    """The sentence about a limit of so many pixels."""
    return f"That picture has too many pixels: at most {pixels // 1_000_000} megapixels. Shrink it."


def plain(image: Image.Image) -> Image.Image:
    """The pixels of the frame at hand alone: upright, sRGB, 8 bits, RGB or RGBA if anything is see-through."""
    image.load()
    ImageOps.exif_transpose(image, in_place=True)
    mode = "RGBA" if image.has_transparency_data else "RGB"
    if image.mode.startswith("I"):  # 16 bits of grey, which `convert` would clip to white
        image = image.point(lambda value: value * (1 / 256)).convert("L")
    converted = _standard(image, mode)
    if converted is image:
        converted = image.copy()
    converted.info = {}
    return converted


def _standard(image: Image.Image, mode: str) -> Image.Image:
    """In sRGB by the picture's own profile; a profile that makes no sense is dropped."""
    profile = image.info.get("icc_profile")
    if image.mode not in ("CMYK", "L"):
        image = image.convert(mode)
    if profile:
        with suppress(ImageCms.PyCMSError, *DAMAGE):
            own = ImageCms.ImageCmsProfile(BytesIO(profile))
            standard = ImageCms.createProfile("sRGB")
            if turned := ImageCms.profileToProfile(image, own, standard, outputMode=mode):
                return turned
    return image.convert(mode)


def on_ground(image: Image.Image) -> Image.Image:
    """The picture without transparency: on a grey on which both light and dark can be seen."""
    if image.mode != "RGBA":
        return image
    ground = Image.new("RGBA", image.size, GROUND)
    ground.alpha_composite(image)
    return ground.convert("RGB")
