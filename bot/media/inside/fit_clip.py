"""Makes a video or a sound fit a limit of bytes: an estimate of the bits, and two tries more."""

from __future__ import annotations

from math import sqrt
from pathlib import Path
from typing import Final

from bot.media.errors import DoesNotFit
from bot.media.inside.clip import Clip, clip_type, first_frame, inspect
from bot.media.inside.encode import Target, encode_sound, encode_video
from bot.media.inside.made import Written

LIMIT_SECONDS: Final = 4 * 3600
LIMIT_FRAMES: Final = 1_000_000
TRIES: Final = 3

_LEAST_BITS_A_PIXEL: Final = 0.04
"""Below this H.264 is a smear: fewer pixels look better."""

_LEAST_VIDEO_BITS: Final = 40_000
_LEAST_SOUND_BITS: Final = 12_000
_PACKET_BYTES: Final = 24
"""What an MP4 notes about each packet."""

_SOUND_PACKETS: Final = 48_000 / 1024


def fit_clip(source: Path, folder: Path, limit: int, max_side: int | None) -> Written:
    """A video as MP4 (H.264, AAC), a sound as M4A or, with few bits, Ogg Opus; the file itself if it fits.

    Raises `MediaRejected`, `DoesNotFit`.
    """
    clip = inspect(source, LIMIT_SECONDS, LIMIT_FRAMES)
    small = source.stat().st_size <= limit
    if small and max(clip.width, clip.height) <= (max_side or max(clip.width, clip.height)):
        kind = clip_type(source)
        return Written(name="", media_type=kind, width=clip.width, height=clip.height)
    if not clip.frames:
        return _fit_sound(source, folder, clip, limit)
    return _fit_video(source, folder, clip, limit, max_side)


def _fit_video(source: Path, folder: Path, clip: Clip, limit: int, max_side: int | None) -> Written:
    target, room = folder / "fitted.mp4", 0.96 * limit
    for _ in range(TRIES):
        wanted = _wanted(source, clip, room, max_side)
        encode_video(source, target, wanted)
        size = target.stat().st_size
        if size <= limit:
            turned = (clip.width > clip.height) != (wanted.width > wanted.height)
            width, height = (wanted.height, wanted.width) if turned else (wanted.width, wanted.height)
            return Written(name=target.name, media_type="video/mp4", width=width, height=height)
        room *= 0.93 * limit / size
    raise DoesNotFit(f"{limit} bytes are too few for a video of {clip.seconds:.0f} s")


def _wanted(source: Path, clip: Clip, room: float, max_side: int | None) -> Target:
    """The bits for picture and sound in so many bytes, and as many pixels as those bits are worth."""
    seconds = max(clip.seconds, 0.2)
    packets = clip.frames + (_SOUND_PACKETS * seconds if clip.sound_codec else 0)
    bits = 8 * (room - _PACKET_BYTES * packets - 1024) / seconds
    sound = int(min(128_000, max(32_000, 0.12 * bits))) if clip.sound_codec else 0
    picture = int(min(20_000_000, bits - sound))
    if picture < _LEAST_VIDEO_BITS:
        raise DoesNotFit(f"{room:.0f} bytes are too few for a video of {seconds:.0f} s")
    frame = first_frame(source)
    worth = picture / (_LEAST_BITS_A_PIXEL * frame.width * frame.height * clip.frames / seconds)
    scale = min(1.0, sqrt(worth), (max_side or 8192) / max(frame.width, frame.height))
    return Target(
        width=max(2, int(frame.width * scale) // 2 * 2),
        height=max(2, int(frame.height * scale) // 2 * 2),
        video_bits=picture,
        audio_bits=sound,
    )


def _fit_sound(source: Path, folder: Path, clip: Clip, limit: int) -> Written:
    room = 0.94 * limit
    for _ in range(TRIES):
        bits = int(min(192_000, 8 * room / max(clip.seconds, 0.2) - 6_000))
        if bits < _LEAST_SOUND_BITS:
            break
        codec, name, kind = (
            ("aac", "fitted.m4a", "audio/mp4") if bits >= 80_000 else ("libopus", "fitted.ogg", "audio/ogg")
        )
        target = folder / name
        encode_sound(source, target, codec, bits)
        size = target.stat().st_size
        if size <= limit:
            return Written(name=name, media_type=kind, width=0, height=0)
        room *= 0.93 * limit / size
    raise DoesNotFit(f"{limit} bytes are too few for a sound of {clip.seconds:.0f} s")
