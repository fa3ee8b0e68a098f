"""Writes a clip anew without decoding it: its picture and its sound, and nothing that is said about them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import av
from av.container import OutputContainer

from bot.errors import MediaRejected
from bot.media.inside.clip import Source, clip_type, opened
from bot.media.kinds import ending_of

MUXERS: Final = {
    "video/mp4": "mp4",
    "video/quicktime": "mov",
    "video/webm": "webm",
    "video/x-matroska": "matroska",
    "audio/mp4": "ipod",
    "audio/flac": "flac",
    "audio/mpeg": "mp3",
    "audio/ogg": "ogg",
    "audio/wav": "wav",
}
OPTIONS: Final = {"movflags": "+faststart", "fflags": "+bitexact", "id3v2_version": "0", "write_id3v1": "0"}
"""Bit-exact muxers don't write who wrote the file; the rest is ignored where it does not apply."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Copied:
    """The file's name in its folder and its type; no name if it can't be copied as it is encoded."""

    name: str
    media_type: str


def remux(source: Path, target: Path, muxer: str = "") -> None:
    """Copy the first picture and the first sound into a file of the same type, or by this muxer.

    Turned pictures stay turned. Tags, chapters, covers, subtitles and data are left out.
    Raises `MediaRejected`.
    """
    muxer = muxer or MUXERS.get(clip_type(source), "")
    with opened(source) as clip, av.open(str(target), "w", format=muxer, options=muxer_options(muxer)) as out:
        copy_packets(clip, out)


def copy_clip(source: Path, folder: Path) -> Copied:
    """Copy a clip that was found good into `folder`; MOV becomes MP4. Raises `MediaRejected`."""
    kind = clip_type(source)
    kind = "video/mp4" if kind == "video/quicktime" else kind
    name = f"clip{ending_of(kind)}"
    try:
        remux(source, folder / name, MUXERS.get(kind, ""))
    except MediaRejected:  # a codec, or times, that the container does not take
        return Copied(name="", media_type=kind)
    return Copied(name=name, media_type=kind)


def muxer_options(muxer: str) -> dict[str, str]:
    """Options that this muxer knows, for files that say nothing about themselves and start early."""
    names = {"mp4": "movflags", "mov": "movflags", "ipod": "movflags"}
    kept = {"fflags", names.get(muxer, "")} | ({"id3v2_version", "write_id3v1"} if muxer == "mp3" else set())
    return {name: value for name, value in OPTIONS.items() if name in kept}


def copy_packets(clip: Source, out: OutputContainer) -> None:
    """Every packet of the streams that are used, into streams of the same kind."""
    streams: dict[int, Any] = {
        stream.index: out.add_stream_from_template(stream, opaque=True)
        for stream in (clip.video, clip.audio)
        if stream is not None
    }
    for packet in clip.packets():
        packet.stream = streams[packet.stream.index]
        out.mux(packet)
