"""Checks what people upload where more than pictures may be asked for, as files from path to path."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bot.errors import MediaRejected
from bot.media import pictures
from bot.media.inside import clip
from bot.media.inside.encode import encode_sound, encode_video
from bot.media.inside.picture import make_png
from bot.media.inside.pixels import FORMATS
from bot.media.inside.remux import Copied, copy_clip
from bot.media.kinds import HEAD_BYTES, Family, sniff
from bot.media.pictures import too_large
from bot.media.process import LONG, QUICK, run

LIMIT_CLIP_BYTES: Final = 90 * 2**20
"""ComfyUI takes uploads of up to 100 MiB."""

LIMIT_SECONDS: Final = {Family.VIDEO: 600.0, Family.AUDIO: 1800.0}
LIMIT_FRAMES: Final = 36_000

_NOUNS: Final = {Family.IMAGE: "picture", Family.VIDEO: "video", Family.AUDIO: "sound"}
_FORMATS: Final = {
    Family.IMAGE: "a PNG, JPEG, WebP or GIF",
    Family.VIDEO: "an MP4, WebM, MOV or MKV",
    Family.AUDIO: "an MP3, FLAC, WAV, OGG or M4A",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Upload:
    """An upload that passed, without metadata. Pixels are as people see them; 0 where there are none.

    `family` is image, video or audio; `seconds` is 0 for an image; `sound` tells whether a video has any.
    """

    path: Path
    family: Family
    media_type: str
    width: int
    height: int
    seconds: float
    sound: bool


async def check_upload(source: Path, folder: Path, accepted: Collection[Family]) -> Upload:
    """Check a file of any kind, and write what a node may load of it into `folder`.

    `accepted` holds image, video, audio. A picture becomes a PNG, an animation its first frame; a video or
    sound is copied as it is encoded, and encoded anew (H.264, AAC) only if no MP4 could hold it otherwise.
    Raises `MediaRejected` with what is wrong and what is accepted.
    """
    kind, size = await asyncio.to_thread(_looked_at, source)
    if kind in FORMATS and Family.IMAGE in accepted:
        return await _picture(source, folder, size)
    if kind in clip.FORMATS and (Family.VIDEO in accepted or Family.AUDIO in accepted):
        return await _clip(source, folder, size, accepted)
    raise MediaRejected(_send(accepted))


def _looked_at(source: Path) -> tuple[str, int]:
    with source.open("rb") as file:
        return sniff(file.read(HEAD_BYTES)), source.stat().st_size


async def _picture(source: Path, folder: Path, size: int) -> Upload:
    if size > pictures.LIMIT_BYTES:
        raise MediaRejected(too_large(pictures.LIMIT_BYTES))
    path = folder / "picture.png"
    made = await run(QUICK, make_png, source, path, pictures.LIMIT_PIXELS, pictures.LIMIT_FRAMES)
    return Upload(
        path=path,
        family=Family.IMAGE,
        media_type="image/png",
        width=made.width,
        height=made.height,
        seconds=0.0,
        sound=False,
    )


async def _clip(source: Path, folder: Path, size: int, accepted: Collection[Family]) -> Upload:
    if size > LIMIT_CLIP_BYTES:
        raise MediaRejected(too_large(LIMIT_CLIP_BYTES))
    longest = max(LIMIT_SECONDS[family] for family in accepted if family in LIMIT_SECONDS)
    found = await run(QUICK, clip.inspect, source, longest, LIMIT_FRAMES)
    family = Family.VIDEO if found.frames else Family.AUDIO
    if family not in accepted:
        raise MediaRejected(_send(accepted))
    if found.seconds > LIMIT_SECONDS[family]:
        raise MediaRejected(clip.too_long(family, LIMIT_SECONDS[family]))
    copied = await run(QUICK, copy_clip, source, folder)
    if not copied.name:
        copied = await _encoded(source, folder, found)
    return Upload(
        path=folder / copied.name,
        family=family,
        media_type=copied.media_type.replace("video/", f"{family}/"),
        width=found.width,
        height=found.height,
        seconds=found.seconds,
        sound=bool(found.sound_codec),
    )


async def _encoded(source: Path, folder: Path, found: clip.Clip) -> Copied:
    if not found.frames:
        await run(LONG, encode_sound, source, folder / "clip.m4a", "aac", 192_000)
        return Copied(name="clip.m4a", media_type="audio/mp4")
    await run(LONG, encode_video, source, folder / "clip.mp4", None)
    return Copied(name="clip.mp4", media_type="video/mp4")


def _send(accepted: Collection[Family]) -> str:
    """What is accepted, for people: by far most often pictures alone."""
    asked = [family for family in _NOUNS if family in accepted]
    nouns = " or ".join(_NOUNS[family] for family in asked)
    return (
        f"That file is not a {nouns} that can be read. Send {', or '.join(_FORMATS[one] for one in asked)}."
    )
