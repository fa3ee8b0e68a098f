"""Videos and sound in files: made and read with PyAV. All of it takes time and belongs into a thread."""

import logging
import threading
from array import array
from collections.abc import Iterator, Mapping
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any

import av
from PIL import Image, ImageOps

from simulator.nodes.bench import NodeFailed
from simulator.nodes.values import Audio, Frames, Size, Video, digest

log = logging.getLogger(__name__)

_CODECS = {"h264": "libx264", "av1": "libsvtav1", "vp9": "libvpx-vp9"}
_SPEED: Mapping[str, Mapping[str, str]] = {
    "libx264": {"preset": "ultrafast"},
    "libsvtav1": {"preset": "12"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8", "row-mt": "1"},
}
_BLOCK = 1024  # samples that go to an encoder at once


# What is decoded as whole numbers; everything else goes through floats, which loses a little.
_PLAIN_PICTURES = ("yuvj420p", "yuvj422p", "yuvj444p", "rgb24", "rgba", "pal8")


def read_pictures(path: Path) -> tuple[list[Image.Image], list[Image.Image] | None] | None:
    """The pictures of a file, and what of them is see-through if they tell; None if there are none to read.

    Raises av.FFmpegError for a file that is no container of pictures.
    """
    pictures: list[Image.Image] = []
    masks: list[Image.Image] | None = None
    with av.open(str(path), "r") as container:
        if not container.streams.video:
            return None
        try:
            for frame in container.decode(video=0):
                bands = _bands(frame)
                if len(bands) == 4:
                    masks = [*(masks or []), ImageOps.invert(bands[3])]
                pictures.append(Image.merge("RGB", bands[:3]))
        except av.error.InvalidDataError:
            log.info("%s can't be decoded to its end", path.name)
    return (pictures, masks) if pictures else None


def _bands(frame: Any) -> list[Image.Image]:
    """The channels of a frame, turned as its file says."""
    clear = frame.format.name == "pal8" or any(part.is_alpha for part in frame.format.components)
    if frame.format.name in _PLAIN_PICTURES:
        bands = _picture(frame, "rgba" if clear else "rgb24", "RGBA" if clear else "RGB").split()
    else:
        planes = frame.reformat(format="gbrapf32le" if clear else "gbrpf32le").planes
        green, blue, red, *alpha = [_floats(plane) for plane in planes]
        bands = (red, green, blue, *alpha)
    turn = round(frame.rotation / 90) * 90
    return [band.rotate(turn, expand=True) if turn else band for band in bands]


def _picture(frame: Any, pixels: str, mode: str) -> Image.Image:
    plane = frame.reformat(format=pixels).planes[0]
    return Image.frombytes(mode, (plane.width, plane.height), bytes(plane), "raw", mode, plane.line_size)


def _floats(plane: Any) -> Image.Image:
    """A plane of numbers from 0 to 1 as a channel; real servers cut off behind the point as well."""
    size = plane.width, plane.height
    numbers = Image.frombytes("F", size, bytes(plane), "raw", "F;32F", plane.line_size)
    return numbers.point(lambda level: level * 255 + 0.001).convert("L")


def write_video(
    path: Path, video: Video, metadata: Mapping[str, str], *, codec: str = "h264", crf: float = 23.0
) -> None:
    """Write an MP4 or WebM file, by the suffix of its name; MP4 files can be played while they load."""
    options = {"movflags": "use_metadata_tags+faststart"} if path.suffix == ".mp4" else {}
    with av.open(str(path), "w", options=options) as container:
        container.metadata.update(metadata)
        name = _CODECS[codec]
        stream: Any = container.add_stream(name, rate=video.fps)
        stream.width, stream.height = (max(2, side // 2 * 2) for side in video.frames.size)
        stream.pix_fmt = "yuv420p10le" if codec == "av1" and path.suffix == ".webm" else "yuv420p"
        stream.options = {
            **_SPEED[name],
            "crf": str(round(crf)),
            **({"b": "0"} if name == "libvpx-vp9" else {}),
        }
        heard = None if video.audio is None else _audio_stream(container, path.suffix, video.audio)
        for frame in _frames(video.frames, (stream.width, stream.height)):
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if heard is not None and video.audio is not None:
            _encode(container, heard, video.audio)


def _frames(frames: Frames, size: Size) -> Iterator[Any]:
    """What an encoder takes; sketches are enlarged on the way, which is much faster than drawing in full."""
    for number in range(frames.count):
        if frames.sketch is None:
            yield _frame(_even(frames[number], size))
        else:
            yield _frame(frames.sketch(number)).reformat(*size, format="yuv420p")


def _frame(picture: Image.Image) -> Any:
    return av.VideoFrame.from_image(picture)  # type: ignore[no-untyped-call]


def _even(picture: Image.Image, size: Size) -> Image.Image:
    plain = picture.convert("RGB")
    return plain if plain.size == size else plain.crop((0, 0, *size))


def _audio_stream(container: Any, suffix: str, audio: Audio) -> Any:
    """The stream of a video's sound; Opus knows only a few rates."""
    codec, rate = ("libopus", 48000) if suffix == ".webm" else ("aac", audio.rate)
    return container.add_stream(codec, rate=rate, layout=_layout(audio))


def _layout(audio: Audio) -> str:
    return "mono" if audio.channels == 1 else "stereo"


def audio_file(audio: Audio, kind: str, metadata: Mapping[str, str], quality: str) -> bytes:
    """The content of a FLAC, MP3 or Opus file; `quality` is a bit rate such as 128k, or V0."""
    codec, rate = {
        "flac": ("flac", audio.rate),
        "mp3": ("libmp3lame", audio.rate),
        "opus": ("libopus", 48000),
    }[kind]
    buffer = BytesIO()
    with av.open(buffer, "w", format=kind) as container:
        container.metadata.update(metadata)
        stream: Any = container.add_stream(codec, rate=rate, layout=_layout(audio))
        if quality.endswith("k"):
            stream.bit_rate = int(quality[:-1]) * 1000
        elif kind == "mp3":
            stream.codec_context.qscale = 1
        _encode(container, stream, audio)
    return buffer.getvalue()


def _encode(container: Any, stream: Any, audio: Audio) -> None:
    resampler = av.AudioResampler(format="s16", layout=_layout(audio), rate=stream.rate)
    for frame in _blocks(audio):
        for ready in resampler.resample(frame):
            container.mux(stream.encode(ready))
    for ready in resampler.resample(None):
        container.mux(stream.encode(ready))
    container.mux(stream.encode(None))


def _blocks(audio: Audio) -> Iterator[av.AudioFrame]:
    size = _BLOCK * 2 * audio.channels * 64
    for start in range(0, len(audio.pcm), size):
        part = audio.pcm[start : start + size]
        samples = len(part) // (2 * audio.channels)
        if not samples:
            return
        frame = av.AudioFrame(format="s16", layout=_layout(audio), samples=samples)
        frame.planes[0].update(part[: samples * 2 * audio.channels])
        frame.sample_rate = audio.rate
        frame.pts = start // (2 * audio.channels)
        yield frame


def read_video(path: Path, trail: str) -> Video:
    """A video file: its sound is read at once, its frames when they are asked for.

    Raises NodeFailed for what is no video.
    """
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            count = stream.frames or sum(1 for packet in container.demux(stream) if packet.size)
            size = stream.width, stream.height
            fps = stream.average_rate or Fraction(24)
    except (av.FFmpegError, IndexError) as error:
        raise _unreadable(path) from error
    reader = _Reader(path)
    frames = Frames(max(1, count), size, reader.frame, digest("frames", trail))
    return Video(
        frames=frames, fps=Fraction(fps), audio=read_audio(path, digest("audio", trail)), digest=trail
    )


def read_audio(path: Path, trail: str) -> Audio | None:
    """The sound in a file, or None if there is none. Raises NodeFailed for other files."""
    samples = bytearray()
    try:
        with av.open(str(path)) as container:
            if not container.streams.audio:
                return None
            stream = container.streams.audio[0]
            layout = "mono" if stream.channels == 1 else "stereo"
            resampler = av.AudioResampler(format="s16", layout=layout, rate=stream.rate)
            for frame in container.decode(stream):
                for ready in resampler.resample(frame):
                    samples += _samples(ready)
            for ready in resampler.resample(None):
                samples += _samples(ready)
    except av.FFmpegError as error:
        raise _unreadable(path) from error
    channels = 1 if layout == "mono" else 2
    return Audio(rate=stream.rate, channels=channels, pcm=bytes(samples), digest=trail)


def _samples(frame: av.AudioFrame) -> bytes:
    wanted = frame.samples * len(frame.layout.channels) * array("h").itemsize
    return bytes(frame.planes[0])[:wanted]


def _unreadable(path: Path) -> NodeFailed:
    message = f"[Errno 1094995529] Invalid data found when processing input: '{path}'"
    return NodeFailed("av.error.InvalidDataError", message)


class _Reader:
    """The frames of a video file one after the other; asked for an earlier one, it starts again."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._next = 0
        self._frames: Iterator[Image.Image] = iter(())
        self._last: Image.Image | None = None
        self._lock = threading.Lock()

    def frame(self, number: int) -> Image.Image:
        """Frame `number`; the last one there is for numbers beyond the end."""
        with self._lock:
            if self._last is None or number < self._next - 1:
                self._frames, self._next = self._decoded(), 0
            while self._next <= number:
                self._last = next(self._frames, self._last)
                self._next += 1
            if self._last is None:
                raise _unreadable(self._path)
            return self._last

    def _decoded(self) -> Iterator[Image.Image]:
        with av.open(str(self._path)) as container:
            for frame in container.decode(video=0):
                picture: Image.Image = frame.to_image()  # type: ignore[no-untyped-call]
                yield picture
