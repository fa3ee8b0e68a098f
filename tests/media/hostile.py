"""Files made to do harm, and what is answered to each. As a script: prints memory and time of every one.

Each is checked in a fresh process, so that the memory told is that of the decoder's own process.
"""

from __future__ import annotations

import asyncio
import io
import json
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
from PIL import Image

from bot.errors import MediaRejected
from bot.media.inside.__main__ import TOO_MUCH
from bot.media.kinds import Family
from bot.media.uploads import check_upload
from tests.media.clips import make_sound, make_video

HUGE = 512 * 2**20
ALL = (Family.IMAGE, Family.VIDEO, Family.AUDIO)
BROKEN_PICTURE = "That picture is damaged. Send it again, or save it anew first."
BROKEN = "That file is damaged. Send it again, or save it anew first."
PIXELS = "That picture has too many pixels: at most 50 megapixels. Shrink it."
NOT_READ = (
    "That file is not a picture or video or sound that can be read. Send a PNG, JPEG, WebP or GIF, "
    "or an MP4, WebM, MOV or MKV, or an MP3, FLAC, WAV, OGG or M4A."
)
MOVES = "That animation has {} frames: at most 500. Shorten it."
TOO_LONG = "That sound is too long: at most 30 minutes. Shorten it."
FRAMES = "That video has more than 36000 frames. Shorten it."


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """`build` writes the file to a path; `answers` are the sentences that are right for it."""

    name: str
    build: Callable[[Path], object]
    answers: tuple[str, ...]


def _write(data: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(data)


def _large(make: Callable[[], bytes]) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(make())


def png_chunk(kind: bytes, body: bytes) -> bytes:
    """A chunk with its length and checksum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, *chunks: bytes, idat: bytes | None = None, depth: int = 8) -> bytes:
    """A grey PNG with these chunks before its pixels."""
    head = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, 0, 0, 0, 0))
    if idat is None:
        idat = zlib.compress(bytes((1 + width) * height))
    end = png_chunk(b"IDAT", idat) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + head + b"".join(chunks) + end


@cache
def zeros(size: int) -> bytes:
    """So many zero bytes, packed."""
    packer = zlib.compressobj(9)
    block = bytes(2**20)
    return b"".join(packer.compress(block) for _ in range(size // len(block))) + packer.flush()


def _packed(kind: bytes, head: bytes) -> Callable[[Path], object]:
    return _large(lambda: png(9, 9, png_chunk(kind, head + zeros(HUGE))))


def _bomb(path: Path) -> None:
    """30,000 x 30,000 black pixels in 110 kB, all there."""
    path.write_bytes(png(30_000, 30_000, depth=1, idat=zeros(113 * 2**20)))


def _gif(path: Path) -> None:
    frame = b"\x21\xf9\x04\0\x02\0\0\0" + b",\0\0\0\0\x01\0\x01\0\0" + b"\x02\x02\x44\x01\0"
    path.write_bytes(b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff" + 5000 * frame + b";")


def _gif_outgrown(path: Path) -> None:
    """One frame far larger than the whole."""
    frame = b",\0\0\0\0" + struct.pack("<HH", 65_535, 65_535) + b"\0" + b"\x02\x02\x44\x01\0"
    path.write_bytes(b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff" + frame + b";")


def _webp(path: Path) -> None:
    buffer = io.BytesIO()
    frames = [Image.new("RGB", (2, 2), (n, 0, 0)) for n in (0, 255)]
    frames[0].save(buffer, "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    data = buffer.getvalue()
    start = data.index(b"ANMF")
    size = 8 + int.from_bytes(data[start + 4 : start + 8], "little")
    body = data[8:start] + 5000 * data[start : start + size]
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)


def _webp_bomb(kind: bytes) -> bytes:
    if kind == b"VP8X":
        body = bytes(4) + (16_382).to_bytes(3, "little") * 2
    else:
        body = b"\x2f" + (16_382 | 16_382 << 14).to_bytes(4, "little") + bytes(64)
    chunk = kind + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)
    return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk


def _apng(path: Path) -> None:
    control = struct.pack(">IIIIIHHBB", 0, 1, 1, 0, 0, 1, 10, 0, 0)
    frame = png_chunk(b"fcTL", control) + png_chunk(b"fdAT", bytes(4) + zlib.compress(b"\0\0"))
    path.write_bytes(png(1, 1, png_chunk(b"acTL", struct.pack(">II", 5000, 0)), 5000 * frame))


def _jpeg(extra: bytes = b"", size: tuple[int, int] | None = None) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (40, 20), (200, 0, 0)).save(buffer, "JPEG")
    data = buffer.getvalue()
    if size is not None:
        start = data.index(b"\xff\xc0") + 5
        data = data[:start] + struct.pack(">HH", *size) + data[start + 4 :]
    return data[:2] + extra + data[2:]


def _cut(suffix: str, make: Callable[[Path], object]) -> Callable[[Path], object]:
    """The first two thirds of a good file."""

    def build(path: Path) -> None:
        whole = path.with_suffix(suffix)
        make(whole)
        data = whole.read_bytes()
        whole.unlink()
        path.write_bytes(data[: len(data) * 2 // 3])

    return build


def _picture(kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise((64, 64), 80).convert("RGB").save(buffer, kind)
    return buffer.getvalue()


def _renamed(suffix: str, make: Callable[[Path], object]) -> Callable[[Path], object]:
    def build(path: Path) -> None:
        make(path.with_suffix(suffix))
        path.with_suffix(suffix).rename(path)

    return build


def _lying_duration(path: Path) -> None:
    """Its header promises ten hours."""
    _renamed(".mp4", lambda whole: make_video(whole, seconds=1, sound=None))(path)
    data = bytearray(path.read_bytes())
    at = data.index(b"mvhd") + 16  # time scale, then duration
    scale = struct.unpack_from(">I", data, at)[0]
    struct.pack_into(">I", data, at + 4, 36_000 * scale)
    path.write_bytes(data)


def _lying_samples(path: Path) -> None:
    """Its index promises two thousand million frames."""
    _renamed(".mp4", lambda whole: make_video(whole, seconds=1, sound=None))(path)
    data = bytearray(path.read_bytes())
    at = data.index(b"stsz") + 8
    struct.pack_into(">II", data, at, 1, 2**31 - 1)
    path.write_bytes(data)


def _lying_size(path: Path) -> None:
    """A motion JPEG whose frames say that they are 65,500 pixels wide and high."""
    _renamed(".mkv", lambda whole: make_video(whole, seconds=1, sound=None, codec="mjpeg"))(path)
    data = path.read_bytes()
    path.write_bytes(data.replace(struct.pack(">HH", 48, 64), struct.pack(">HH", 65_500, 65_500)))


def _million_frames(path: Path) -> None:
    """One small frame and a million of its repetitions, at 10,000 frames a second."""
    with av.open(str(path), "w", format="mp4") as out:
        stream = out.add_stream("mpeg4", rate=10_000)
        assert isinstance(stream, av.VideoStream)
        stream.width = stream.height = 2
        frames = []
        for number in range(2):
            frame = av.VideoFrame(2, 2, "yuv420p")
            for plane in frame.planes:
                plane.update(bytes(plane.buffer_size))
            frame.pts, frame.time_base = number, Fraction(1, 10_000)
            frames += [bytes(packet) for packet in stream.encode(frame)]
        frames += [bytes(packet) for packet in stream.encode(None)]
        for number in range(1_000_000):
            packet = av.Packet(frames[min(number, 1)])
            packet.stream, packet.time_base = stream, Fraction(1, 10_000)
            packet.pts = packet.dts = number
            out.mux_one(packet)


def _hours(path: Path) -> None:
    """Ten hours of silence as FLAC."""
    with av.open(str(path), "w", format="flac") as out:
        stream = out.add_stream("flac", rate=8000)
        frame = av.AudioFrame(format="s16", layout="mono", samples=80_000)
        frame.planes[0].update(bytes(160_000))
        for number in range(3600):
            frame.sample_rate, frame.pts, frame.time_base = 8000, number * 80_000, Fraction(1, 8000)
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def _noise_after(head: bytes) -> bytes:
    return head + bytes(range(256)) * 400


def cases() -> Iterator[Case]:
    """All of them."""
    exif = b"\xff\xe1\xff\xffExif\0\0" + bytes(65_527)
    apng_promise = png_chunk(b"acTL", struct.pack(">II", 2**31 - 1, 0))
    yield from (
        Case(name="PNG of 30,000 x 30,000", build=_bomb, answers=(PIXELS,)),
        Case(
            name="PNG with 512 MB behind it",
            build=_large(lambda: png(9, 9, idat=zeros(HUGE))),
            answers=("9x9",),
        ),
        Case(
            name="PNG with 512 MB of zTXt",
            build=_packed(b"zTXt", b"prompt\0\0"),
            answers=("9x9",),
        ),
        Case(
            name="PNG with 512 MB of iTXt",
            build=_packed(b"iTXt", b"prompt\0\1\0\0\0"),
            answers=("9x9",),
        ),
        Case(
            name="PNG with 512 MB of profile",
            build=_packed(b"iCCP", b"a\0\0"),
            answers=(BROKEN_PICTURE,),
        ),
        Case(
            name="PNG with 20 MB of text",
            build=_large(lambda: png(9, 9, png_chunk(b"tEXt", b"prompt\0" + bytes(20 * 2**20)))),
            answers=("9x9",),
        ),
        Case(name="PNG of 0 x 0", build=_write(png(0, 0)), answers=(BROKEN_PICTURE,)),
        Case(
            name="PNG of 1 x 65,535",
            build=_write(png(1, 65_535)),
            answers=("That picture is 1 by 65535: one side may be at most 50 times the other. Crop it.",),
        ),
        Case(name="JPEG of 65,500 x 65,500", build=_write(_jpeg(size=(65_500, 65_500))), answers=(PIXELS,)),
        Case(name="JPEG with 24 MB of EXIF", build=_large(lambda: _jpeg(384 * exif)), answers=("40x20",)),
        Case(name="WebP of 16,383 x 16,383", build=_write(_webp_bomb(b"VP8X")), answers=(PIXELS,)),
        Case(name="lossless WebP, as large", build=_write(_webp_bomb(b"VP8L")), answers=(PIXELS,)),
        Case(name="GIF outgrown by its frame", build=_gif_outgrown, answers=(PIXELS,)),
        Case(name="GIF of 5,000 frames", build=_gif, answers=(MOVES.format(5000),)),
        Case(name="WebP of 5,000 frames", build=_webp, answers=(MOVES.format(5000),)),
        Case(name="APNG of 5,000 frames", build=_apng, answers=(MOVES.format(5000),)),
        Case(
            name="APNG that promises 2^31 frames",
            build=_write(png(9, 9, apng_promise)),
            answers=(MOVES.format(2**31 - 1),),
        ),
    )
    for kind in ("PNG", "JPEG", "WEBP", "GIF"):
        data = _picture(kind)
        yield Case(name=f"{kind}, cut", build=_write(data[: len(data) * 2 // 3]), answers=(BROKEN_PICTURE,))
    for suffix, codec in (
        (".mp4", "libx264"),
        (".mov", "libx264"),
        (".mkv", "libx264"),
        (".webm", "libvpx-vp9"),
    ):
        sound = "libopus" if suffix == ".webm" else "aac"
        make = _video_maker(codec, sound)
        yield Case(name=f"{suffix[1:]}, cut", build=_cut(suffix, make), answers=(BROKEN,))
    for suffix, codec in (
        (".flac", "flac"),
        (".mp3", "libmp3lame"),
        (".ogg", "libopus"),
        (".wav", "pcm_s16le"),
    ):
        yield Case(name=f"{suffix[1:]}, cut", build=_cut(suffix, _sound_maker(codec)), answers=(BROKEN,))
    yield Case(name="m4a, cut", build=_cut(".m4a", _sound_maker("aac")), answers=(BROKEN,))
    for name, data in (
        ("empty", b""),
        ("PDF", b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\n%%EOF"),
        ("HTML", b"<!DOCTYPE html><html><script>alert(1)</script></html>"),
        ("ZIP", b"PK\x03\x04" + bytes(100)),
        ("ELF", b"\x7fELF\x02\x01\x01" + bytes(100)),
        ("playlist", b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"),
        ("list of files", b"ffconcat version 1.0\nfile /etc/passwd\n"),
    ):
        yield Case(name=name, build=_write(data), answers=(NOT_READ,))
    yield from (
        Case(
            name="noise after an MP4's head",
            build=_write(_noise_after(b"\0\0\0\x18ftypisom")),
            answers=(BROKEN,),
        ),
        Case(
            name="noise after a WebM's head",
            build=_write(_noise_after(b"\x1a\x45\xdf\xa3webm")),
            answers=(BROKEN,),
        ),
        Case(name="MP4 that promises ten hours", build=_lying_duration, answers=("64x48 1.0 s",)),
        Case(name="MP4 that promises 2^31 frames", build=_lying_samples, answers=(BROKEN, TOO_MUCH)),
        Case(name="video of 65,500 x 65,500", build=_lying_size, answers=(BROKEN,)),
        Case(name="video of 10^6 frames", build=_million_frames, answers=(FRAMES,)),
        Case(name="ten hours of sound in 8 MB", build=_hours, answers=(TOO_LONG,)),
    )


def _video_maker(codec: str, sound: str) -> Callable[[Path], object]:
    return lambda path: make_video(path, codec=codec, sound=sound)


def _sound_maker(codec: str) -> Callable[[Path], object]:
    return lambda path: make_sound(path, codec, seconds=4)


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What was answered, in how many seconds, with how many MiB at most in the decoder's process."""

    answer: str
    seconds: float
    memory: float


def measure(path: Path) -> Outcome:
    """Check a file in a fresh process: a child counts the memory of the one that it was started from."""
    made = subprocess.run(
        [sys.executable, "-m", "tests.media.hostile", str(path)], capture_output=True, check=True
    )
    return Outcome(**json.loads(made.stdout))


async def _answer(path: Path) -> str:
    with tempfile.TemporaryDirectory() as folder:
        try:
            found = await check_upload(path, Path(folder), ALL)
        except MediaRejected as error:
            return str(error)
    return f"{found.width}x{found.height}" + (f" {found.seconds} s" if found.seconds else "")


def _measured(path: Path) -> None:
    import resource  # Windows has none

    start = time.monotonic()
    answer = asyncio.run(_answer(path))
    seconds = time.monotonic() - start
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(json.dumps({"answer": answer, "seconds": seconds, "memory": memory}))  # noqa: T201


def _table() -> None:
    for case in cases():
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "upload.png")
            case.build(path)
            size = path.stat().st_size
            found = measure(path)
        right = "" if found.answer in case.answers else "  WRONG"
        print(  # noqa: T201
            f"{case.name:32} {size / 1e6:8.3f} MB {found.seconds:6.2f} s {found.memory:6.0f} MiB  {found.answer}{right}"
        )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        _measured(Path(sys.argv[1]))
    else:
        _table()
