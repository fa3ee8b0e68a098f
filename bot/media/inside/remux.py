"""Writes a clip anew without decoding it: its picture and its sound, and nothing that is said about them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import av
from av.container import OutputContainer

from bot.media.inside.clip import Source, clip_type, opened

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


def remux(source: Path, target: Path) -> None:
    """Copy the first picture and the first sound into a file of the same type. Raises `MediaRejected`.

    Turned pictures stay turned. Tags, chapters, covers, subtitles and data are left out.
    """
    muxer = MUXERS.get(clip_type(source), "")
    with opened(source) as clip, av.open(str(target), "w", format=muxer, options=muxer_options(muxer)) as out:
        copy_packets(clip, out)


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
