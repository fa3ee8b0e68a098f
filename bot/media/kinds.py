"""Media types: by the first bytes of a file, and by its name's ending where these do not tell."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Final

HEAD_BYTES: Final = 4096
"""So many of a file's first bytes are enough for `sniff`."""

UNKNOWN: Final = "application/octet-stream"


class Family(StrEnum):
    """What a card can do with a file. `MODEL` is a 3D model; an animation is a picture that moves."""

    IMAGE = "image"
    ANIMATION = "animation"
    VIDEO = "video"
    AUDIO = "audio"
    TEXT = "text"
    MODEL = "model"
    FILE = "file"


_ENDINGS: Final = {
    ".png": "image/png",
    ".apng": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".gif": "image/gif",
    ".avif": "image/avif",
    ".heic": "image/heic",
    ".bmp": "image/bmp",
    ".tif": "image/tiff",
    ".tiff": "image/tiff",
    ".exr": "image/x-exr",
    ".hdr": "image/vnd.radiance",
    ".svg": "image/svg+xml",
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".webm": "video/webm",
    ".mkv": "video/x-matroska",
    ".mov": "video/quicktime",
    ".avi": "video/x-msvideo",
    ".flac": "audio/flac",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".wav": "audio/wav",
    ".m4a": "audio/mp4",
    ".txt": "text/plain",
    ".srt": "text/plain",
    ".md": "text/markdown",
    ".csv": "text/csv",
    ".html": "text/html",
    ".json": "application/json",
    ".pdf": "application/pdf",
    ".zip": "application/zip",
    ".glb": "model/gltf-binary",
    ".gltf": "model/gltf+json",
    ".obj": "model/obj",
    ".stl": "model/stl",
    ".fbx": "model/vnd.fbx",
    ".ply": "model/ply",
    ".usdz": "model/vnd.usdz+zip",
    ".splat": "model/x-splat",
    ".ksplat": "model/x-ksplat",
    ".spz": "model/x-spz",
}
"""Latents (.latent) and weights are plain files: nothing shows them."""

_MAGIC: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"\x76\x2f\x31\x01", "image/x-exr"),
    (b"#?RADIANCE", "image/vnd.radiance"),
    (b"fLaC", "audio/flac"),
    (b"ID3", "audio/mpeg"),
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
    (b"\x1f\x8b", "application/gzip"),
    (b"glTF", "model/gltf-binary"),
    (b"Kaydara FBX Binary", "model/vnd.fbx"),
    (b"ply\n", "model/ply"),
    (b"ply\r\n", "model/ply"),
)

_RIFF: Final = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}

_BRANDS: Final = {
    b"qt  ": "video/quicktime",
    b"M4A ": "audio/mp4",
    b"M4B ": "audio/mp4",
    b"avif": "image/avif",
    b"avis": "image/avif",
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"mif1": "image/heic",
}

_LOOSE: Final = frozenset({".splat", ".ksplat", ".spz", ".usdz", ".stl", ".mp3"})
"""Binary files whose first bytes need not tell, or tell only how they are packed."""

_ELEMENT: Final = re.compile(r"<(svg|html)\b", re.I)


def media_type(filename: str, head: bytes | None = None) -> str:
    """The media type of a file with this name and, where they are known, these first `HEAD_BYTES`.

    The bytes decide. The name only says which sort of text, or what a format without a mark of its own is:
    a PDF named .png is a PDF. ComfyUI's own keys do not tell: videos are `images` there.
    """
    named = _ENDINGS.get(ending(filename), UNKNOWN)
    if head is None:
        return named
    found = sniff(head)
    if found in (UNKNOWN, "application/zip", "application/gzip"):
        return named if ending(filename) in _LOOSE else found
    if found == "text/plain":
        return named if _is_text(named) else found
    return found


def sniff(head: bytes) -> str:
    """The media type that a file's first bytes show; text is told from other bytes."""
    for magic, found in _MAGIC:
        if head.startswith(magic):
            return found
    if head[:2] == b"BM" and head[6:10] == bytes(4):
        return "image/bmp"
    if head[:4] == b"RIFF":
        return _RIFF.get(head[8:12], UNKNOWN)
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide", b"skip", b"free"):
        return _BRANDS.get(head[8:12], "video/mp4") if head[4:8] == b"ftyp" else "video/quicktime"
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return "video/webm" if b"webm" in head[:64] else "video/x-matroska"
    if head[:4] == b"OggS":
        return "video/ogg" if b"\x80theora" in head[:128] else "audio/ogg"
    if head[:1] == b"\xff" and len(head) > 2 and head[1] & 0xE6 == 0xE2 and head[2] & 0xF0 != 0xF0:
        return "audio/mpeg"
    return _text(head)


def family(kind: str, head: bytes = b"") -> Family:
    """What a file of this media type is to people. `head` tells whether a WebP or PNG moves."""
    if kind == "image/gif" or (kind in ("image/webp", "image/png") and _moves(kind, head)):
        return Family.ANIMATION
    if kind == "image/svg+xml" or kind.startswith("image/x-") or kind in ("image/tiff", "image/vnd.radiance"):
        return Family.FILE  # no chat shows these
    match kind.partition("/")[0]:
        case "image":
            return Family.IMAGE
        case "video":
            return Family.VIDEO
        case "audio":
            return Family.AUDIO
        case "model":
            return Family.MODEL
        case "text":
            return Family.TEXT
        case _:
            return Family.TEXT if kind == "application/json" else Family.FILE


def ending(filename: str) -> str:
    """The ending of a name in lower case with its dot, or nothing."""
    return PurePosixPath(filename).suffix.lower()


def ending_of(kind: str) -> str:
    """The usual ending of files of this media type, with its dot; nothing for an unknown one."""
    return next((usual for usual, found in _ENDINGS.items() if found == kind), "")


def _moves(kind: str, head: bytes) -> bool:
    if kind == "image/webp":
        return head[12:16] == b"VP8X" and len(head) > 20 and bool(head[20] & 2)
    return b"acTL" in head.partition(b"IDAT")[0]


def _is_text(kind: str) -> bool:
    return kind in ("application/json", "model/gltf+json", "model/obj", "model/stl", "model/ply") or (
        kind.startswith("text/") and kind != "text/html"
    )


def _text(head: bytes) -> str:
    try:
        text = head.removeprefix(b"\xef\xbb\xbf").decode()
    except UnicodeDecodeError as error:
        if error.start < len(head) - 3 or not head[:-3]:  # a letter cut at the end is still text
            return UNKNOWN
        text = head[: error.start].decode()
    if not text or any(ord(letter) < 32 and letter not in "\t\n\r\f" for letter in text):
        return UNKNOWN
    if text.lstrip().startswith("<") and (found := _ELEMENT.search(text)):
        return "image/svg+xml" if found[1].lower() == "svg" else "text/html"
    return "text/plain"
