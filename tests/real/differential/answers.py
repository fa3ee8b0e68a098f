"""What came back over HTTP or lies in a file, in a form that two servers can be compared by."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import av
from PIL import Image, ImageSequence, UnidentifiedImageError

Json = dict[str, Any]

# Sent with --disable-api-nodes only, by every route but those that fail.
_OF_A_FLAG = "content-security-policy"


@dataclass(frozen=True, kw_only=True)
class Samples:
    """Decoded pixels or sound: values that are equal when none is further off than a tolerance.

    `data` holds one byte a value for pixels; for sound the values are brought to bytes too.
    """

    shape: tuple[Any, ...]
    data: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One HTTP answer, whole."""

    status: int
    headers: Mapping[str, str]
    data: bytes

    def json(self) -> Any:
        """The body. Raises ValueError when it is not JSON."""
        return json.loads(self.data)

    def seen(self) -> Json:
        """What is compared: status, headers and the decoded body."""
        return {"status": self.status, "headers": self._headers(), "body": self._body()}

    def _headers(self) -> dict[str, str]:
        headers = {name.lower(): value for name, value in self.headers.items()}
        headers.pop(_OF_A_FLAG, None)
        if headers.get("content-length") == str(len(self.data)):
            headers["content-length"] = "exact"
        return dict(sorted(headers.items()))

    def _body(self) -> Any:
        kind = self.headers.get("Content-Type", "").split(";")[0]
        if not self.data:
            return ""
        if kind == "application/json":
            return self.json()
        if kind.startswith("text/"):
            return self.data.decode()
        if kind.startswith("image/") and self.status == 200:
            with contextlib.suppress(UnidentifiedImageError):
                return picture_seen(self.data)
        return {"bytes": len(self.data), "sha256": hashlib.sha256(self.data).hexdigest()}


def file_seen(name: str, data: bytes) -> Any:
    """What a result file holds, by the ending of its name."""
    ending = name.rsplit(".", 1)[-1].lower()
    if ending in ("png", "jpg", "jpeg", "webp", "gif"):
        return picture_seen(data)
    if ending in ("mp4", "webm", "mkv", "mov", "flac", "mp3", "opus", "wav", "ogg"):
        return media_seen(data)
    if ending in ("txt", "json", "csv", "svg", "md"):
        return {"text": data.decode()}
    return {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def picture_seen(data: bytes) -> Json:
    """Format, mode, metadata and every frame's pixels."""
    with Image.open(io.BytesIO(data)) as picture:
        frames = [
            Samples(shape=(frame.size, frame.mode), data=frame.tobytes())
            for frame in ImageSequence.Iterator(picture)
        ]
        picture.seek(0)
        picture.load()
        info = {key: _text(value) for key, value in picture.info.items() if key not in _NOT_COMPARED}
        exif = {str(tag): _text(value) for tag, value in picture.getexif().items()}
        return {"format": picture.format, "info": info, "exif": exif, "frames": frames}


# How far an encoder went, and what Pillow adds of its own.
_NOT_COMPARED = (
    "exif",
    "icc_profile",
    "timestamp",
    "background",
    "jfif",
    "jfif_density",
    "jfif_unit",
    "aspect",
)


def _text(value: Any) -> Any:
    """A metadata value; JSON, with or without a name before it, is taken apart so that it can be masked."""
    text = value.decode("latin-1") if isinstance(value, bytes) else value
    if not isinstance(text, str):
        return text if isinstance(text, int | float) else str(text)
    name, colon, rest = text.partition(":")
    for head, body in (("", text), (f"{name}:", rest)):
        if body.startswith(("{", "[")) and (not head or (colon and name.isalpha())):
            try:
                return {head or "json": json.loads(body)}
            except ValueError:
                continue
    return text


def media_seen(data: bytes) -> Json:
    """Container, streams, metadata, first picture and sound of a video or sound file."""
    with av.open(io.BytesIO(data), "r") as container:
        streams = [_stream(stream) for stream in container.streams]
        metadata = {key: _text(value) for key, value in container.metadata.items()}
        name, duration = container.format.name, container.duration
    return {
        "container": name,
        "seconds": None if duration is None else round(duration / 1_000_000, 3),
        "metadata": dict(sorted(metadata.items())),
        "streams": streams,
        "pictures": _video(data),
        "sound": _sound(data),
    }


def _stream(stream: Any) -> Json:
    context = stream.codec_context
    seen = {"type": stream.type, "codec": context.name, "frames": stream.frames}
    if stream.type == "video":
        shape = (context.width, context.height)
        return {**seen, "size": shape, "rate": str(stream.average_rate), "format": context.pix_fmt}
    return {**seen, "rate": context.sample_rate, "layout": context.layout.name}


def _video(data: bytes) -> list[Samples]:
    with av.open(io.BytesIO(data), "r") as container:
        if not container.streams.video:
            return []
        frames = [_image(frame) for frame in container.decode(video=0)]
    return [Samples(shape=(frame.size, frame.mode), data=frame.tobytes()) for frame in frames]


def _image(frame: Any) -> Image.Image:
    image: Image.Image = frame.to_image()
    return image


def _sound(data: bytes) -> Samples | None:
    """The loudness of each sample of the first channel, in 128 steps each way."""
    with av.open(io.BytesIO(data), "r") as container:
        if not container.streams.audio:
            return None
        resampler = av.AudioResampler(format="u8p")
        parts: list[bytes] = []
        channels = 0
        for frame in container.decode(audio=0):
            for piece in resampler.resample(frame):
                channels = len(piece.planes)
                parts.append(bytes(piece.planes[0])[: piece.samples])
    whole = b"".join(parts)
    return Samples(shape=(channels, len(whole)), data=whole)
