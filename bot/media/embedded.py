"""Finds the graph that a picture, video, sound or model was made with, and takes it out again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.media.inside.remux import MUXERS
from bot.media.inside.strip import bare_bytes, write_bare
from bot.media.inside.texts import Texts, read_texts
from bot.media.kinds import HEAD_BYTES, media_type
from bot.media.parameters import Parameters, parse_parameters
from bot.media.process import QUICK, run


@dataclass(frozen=True, kw_only=True, slots=True)
class Embedded:
    """What stood in a file: ComfyUI's graph in API form, its UI form, the text of A1111."""

    prompt: Mapping[str, Any] | None
    workflow: Mapping[str, Any] | None
    parameters: Parameters | None


async def read_embedded(source: Path, name: str) -> Embedded:
    """What the file says about how it was made; `name` is the file name that people know it by.

    PNG, JPEG, WebP, SVG; MP4, MOV, WebM, MKV; FLAC, MP3, Ogg, WAV, M4A; GLB; .latent. Other files say
    nothing. Raises `MediaRejected` for a video or sound that can't be read.
    """
    texts = await run(QUICK, read_texts, source, name)
    return await asyncio.to_thread(_parsed, texts)


async def strip(source: Path, folder: Path, name: str) -> Path:
    """A copy in `folder` that says nothing about how, when, where and with what it was made.

    Nothing is encoded again: pixels and sound are the same bytes. Returns `source` itself for a type that
    carries no metadata. Raises `MediaRejected`.
    """
    if await asyncio.to_thread(_needs_decoder, source, name):
        written = await run(QUICK, write_bare, source, folder, name)
    else:  # parts of the file are left out, which takes no decoder, and so no process of its own
        written = await asyncio.to_thread(write_bare, source, folder, name)
    return folder / written.name if written.name else source


def strip_bytes(data: bytes, name: str) -> bytes:
    """The same for a file in memory that `needs_decoder` is false of. Raises `MediaRejected`."""
    return bare_bytes(data, name)


def needs_decoder(kind: str) -> bool:
    """Whether a decoder has to read a file of this media type before anything can be taken out."""
    return kind in MUXERS


def _needs_decoder(source: Path, name: str) -> bool:
    with source.open("rb") as file:
        return needs_decoder(media_type(name, file.read(HEAD_BYTES)))


def _parsed(texts: Texts) -> Embedded:
    return Embedded(
        prompt=_graph(texts.prompt),
        workflow=_graph(texts.workflow),
        parameters=parse_parameters(texts.parameters) if texts.parameters else None,
    )


def _graph(text: str) -> Mapping[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
