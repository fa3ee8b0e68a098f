"""What a file is: by its first bytes, and by its name where these do not tell."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.media.kinds import Family, ending_of, family, media_type

SAMPLES = Path(__file__).with_name("samples")


def _box(brand: bytes) -> bytes:
    return b"\0\0\0\x18ftyp" + brand + bytes(12)


@pytest.mark.parametrize(
    ("name", "head", "kind", "group"),
    [
        ("a.jpg", b"\x89PNG\r\n\x1a\n", "image/png", Family.IMAGE),
        ("a", b"\xff\xd8\xff\xe0", "image/jpeg", Family.IMAGE),
        ("a", b"GIF89a", "image/gif", Family.ANIMATION),
        ("a", b"RIFF\0\0\0\0WEBPVP8 ", "image/webp", Family.IMAGE),
        ("a", b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\x02\0\0\0", "image/webp", Family.ANIMATION),
        ("a", b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\x10\0\0\0", "image/webp", Family.IMAGE),
        ("a", _box(b"avif"), "image/avif", Family.IMAGE),
        ("a.exr", b"\x76\x2f\x31\x01", "image/x-exr", Family.FILE),
        ("a", _box(b"isom"), "video/mp4", Family.VIDEO),
        ("a", _box(b"qt  "), "video/quicktime", Family.VIDEO),
        ("a", _box(b"M4A "), "audio/mp4", Family.AUDIO),
        ("a", b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01B\x82\x84webm", "video/webm", Family.VIDEO),
        ("a", b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01B\x82\x88matroska", "video/x-matroska", Family.VIDEO),
        ("a", b"fLaC", "audio/flac", Family.AUDIO),
        ("a", b"ID3\x04", "audio/mpeg", Family.AUDIO),
        ("a", b"\xff\xfb\x90\x00", "audio/mpeg", Family.AUDIO),
        ("a", b"OggS\0", "audio/ogg", Family.AUDIO),
        ("a", b"RIFF\0\0\0\0WAVE", "audio/wav", Family.AUDIO),
        ("a.png", b"%PDF-1.7", "application/pdf", Family.FILE),
        ("a.png", b"PK\x03\x04", "application/zip", Family.FILE),
        ("a.png", b"\x7fELF\x02\0\0", "application/octet-stream", Family.FILE),
        ("a.png", b"<!DOCTYPE html>\n<HTML>", "text/html", Family.TEXT),
        ("a.txt", b"<?xml version='1.0'?><!-- a --><svg>", "image/svg+xml", Family.FILE),
        ("a.png", b"hello", "text/plain", Family.TEXT),
        ("a.png", "größe".encode()[:-1], "text/plain", Family.TEXT),
        ("a.json", b'{"a": 1}', "application/json", Family.TEXT),
        ("a.md", b"# a", "text/markdown", Family.TEXT),
        ("a.csv", b"a,b", "text/csv", Family.TEXT),
        ("a", b"glTF\x02\0\0\0", "model/gltf-binary", Family.MODEL),
        ("a.gltf", b'{"asset": {}}', "model/gltf+json", Family.MODEL),
        ("a.obj", b"v 0 0 0\n", "model/obj", Family.MODEL),
        ("a.stl", b"solid fox\n", "model/stl", Family.MODEL),
        ("a.stl", b"fox" + bytes(90), "model/stl", Family.MODEL),
        ("a", b"Kaydara FBX Binary  \0", "model/vnd.fbx", Family.MODEL),
        ("a", b"ply\nformat binary_little_endian 1.0\n\xff\0", "model/ply", Family.MODEL),
        ("a.splat", bytes(32), "model/x-splat", Family.MODEL),
        ("a.spz", b"\x1f\x8b\x08", "model/x-spz", Family.MODEL),
        ("a.usdz", b"PK\x03\x04", "model/vnd.usdz+zip", Family.MODEL),
        ("a.latent", b"\x40\0\0\0\0\0\0\0{}", "application/octet-stream", Family.FILE),
        ("a.png", b"", "application/octet-stream", Family.FILE),
    ],
)
def test_the_bytes_decide(name: str, head: bytes, kind: str, group: Family) -> None:
    """The name only where they leave it open."""
    assert (media_type(name, head), family(kind, head)) == (kind, group)


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("image.png", Family.IMAGE),
        ("awebp.webp", Family.IMAGE),  # its frames were all the same, so one was written
        ("mp4.mp4", Family.VIDEO),
        ("vwebm.webm", Family.VIDEO),
        ("mkv.mkv", Family.VIDEO),
        ("flac.flac", Family.AUDIO),
        ("mp3.mp3", Family.AUDIO),
        ("opus.opus", Family.AUDIO),
        ("latent.latent", Family.FILE),
    ],
)
def test_comfyui_s_files_are_told(name: str, group: Family) -> None:
    """By either way alike."""
    head = (SAMPLES / name).read_bytes()[:4096]
    assert media_type(name, head) == media_type(name)
    assert family(media_type(name), head) == group


def test_an_animated_png_is_told() -> None:
    """Its control chunk comes before its pixels."""
    head = b"\x89PNG\r\n\x1a\n" + b"....IHDR" + bytes(17) + b"....acTL" + bytes(12) + b"....IDAT"
    assert family("image/png", head) == Family.ANIMATION
    assert family("image/png", head.replace(b"acTL", b"tEXt") + b"acTL") == Family.IMAGE


@pytest.mark.parametrize(
    ("kind", "usual"),
    [
        ("image/jpeg", ".jpg"),
        ("audio/ogg", ".ogg"),
        ("audio/mp4", ".m4a"),
        ("model/obj", ".obj"),
        ("a/b", ""),
    ],
)
def test_a_type_has_a_usual_ending(kind: str, usual: str) -> None:
    """For files that are written anew."""
    assert ending_of(kind) == usual
