"""Media types by file name."""

from __future__ import annotations

from pathlib import PurePosixPath

_TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".gif": "image/gif",
    ".avif": "image/avif",
    ".mp4": "video/mp4",
    ".webm": "video/webm",
    ".mkv": "video/x-matroska",
    ".mov": "video/quicktime",
    ".flac": "audio/flac",
    ".mp3": "audio/mpeg",
    ".opus": "audio/ogg",
    ".ogg": "audio/ogg",
    ".wav": "audio/wav",
    ".txt": "text/plain",
    ".json": "application/json",
    ".glb": "model/gltf-binary",
}


def media_type(filename: str) -> str:
    """The media type that a name's ending stands for. ComfyUI's own keys do not tell: videos are `images`."""
    return _TYPES.get(ending(filename), "application/octet-stream")


def ending_of(kind: str) -> str:
    """The usual ending of files of a media type, or nothing."""
    return next((known for known, name in _TYPES.items() if name == kind), "")


def ending(filename: str) -> str:
    """The ending of a name in lower case with its dot, or nothing."""
    return PurePosixPath(filename).suffix.lower()
