"""Opens videos and sound, and finds out what they hold without believing their headers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from errno import ENOSPC
from itertools import islice
from pathlib import Path
from typing import Any, Final

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from bot.errors import MediaRejected
from bot.media.inside.whole import is_cut
from bot.media.kinds import HEAD_BYTES, sniff

FORMATS: Final = {
    "video/mp4": "mp4",
    "video/quicktime": "mov",
    "video/webm": "webm",
    "video/x-matroska": "matroska",
    "audio/mp4": "mp4",
    "audio/flac": "flac",
    "audio/mpeg": "mp3",
    "audio/ogg": "ogg",
    "audio/wav": "wav",
}
"""The one demuxer that may open each type: a playlist that names other files is none of these."""

CODECS: Final = frozenset(
    {"h264", "hevc", "vp8", "vp9", "av1", "mpeg4", "mjpeg", "prores", "ffv1", "gif", "theora"}
    | {"aac", "mp3", "opus", "vorbis", "flac", "alac", "ac3", "eac3"}
    | {f"pcm_{kind}" for kind in ("u8", "s16le", "s16be", "s24le", "s24be", "s32le", "f32le", "f64le")}
    | {"pcm_alaw", "pcm_mulaw", "pcm_s8"}
)
_DECODERS: Final = "mp3float,libdav1d,libvpx-vp9,libopus,libvorbis"

FRAME_PIXELS: Final = 16_777_216
LIMIT_RATIO: Final = 50
LIMIT_RATE: Final = 192_000
LIMIT_CHANNELS: Final = 8
PROBED_FRAMES: Final = 12

DAMAGED: Final = "That file is damaged. Send it again, or save it anew first."
UNREADABLE: Final = "That file holds a format that can't be read. Save it as MP4, WebM, MP3, FLAC or WAV."


@dataclass(frozen=True, kw_only=True, slots=True)
class Clip:
    """What a video or sound really holds; sound alone has neither width nor height nor frames.

    Codecs go by FFmpeg's names; nothing stands for none."""

    width: int
    height: int
    seconds: float
    frames: int
    picture_codec: str
    sound_codec: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """An open clip: its container, the picture and the sound of it that are used."""

    container: InputContainer
    video: VideoStream | None
    audio: AudioStream | None

    def packets(self) -> Iterator[Packet[Any]]:
        """The packets of the streams that are used, with a time."""
        streams = [stream for stream in (self.video, self.audio) if stream is not None]
        for packet in self.container.demux(*streams):
            if packet.dts is not None or packet.pts is not None:
                yield packet

    def frames(self) -> Iterator[av.VideoFrame | av.AudioFrame]:
        """The decoded frames of both, as they come; nothing for a bad packet, as players do."""
        streams = [stream for stream in (self.video, self.audio) if stream is not None]
        for packet in self.container.demux(*streams):
            with suppress(av.error.InvalidDataError):
                for frame in packet.decode():
                    assert isinstance(frame, av.VideoFrame | av.AudioFrame)
                    yield frame


def clip_type(source: Path) -> str:
    """The media type of a video or sound by its first bytes."""
    with source.open("rb") as file:
        return sniff(file.read(HEAD_BYTES))


@contextmanager
def opened(source: Path) -> Iterator[Source]:
    """Open a video or sound. Raises `MediaRejected` if it, or what is done with it within, fails."""
    kind = clip_type(source)
    if kind not in FORMATS:
        raise MediaRejected(UNREADABLE)
    options = {"protocol_whitelist": "file", "codec_whitelist": ",".join(sorted(CODECS)) + "," + _DECODERS}
    try:
        with av.open(
            str(source), "r", format=FORMATS[kind], options=options, metadata_errors="replace"
        ) as container:
            yield _source(container)
    except av.error.MemoryError as error:
        raise MemoryError from error
    except (av.error.FFmpegError, EOFError, ValueError) as error:
        if getattr(error, "errno", None) == ENOSPC:
            raise
        raise MediaRejected(DAMAGED) from error


def _source(container: InputContainer) -> Source:
    videos = [one for one in container.streams.video if not one.disposition & Disposition.attached_pic]
    audios = container.streams.audio
    video, audio = (videos[0] if videos else None), (audios[0] if audios else None)
    used = [stream for stream in (video, audio) if stream is not None]
    if not used:
        raise MediaRejected(DAMAGED)
    if any(_codec(one) not in CODECS for one in used):
        raise MediaRejected(UNREADABLE)
    if audio is not None and (audio.rate > LIMIT_RATE or audio.channels > LIMIT_CHANNELS):
        raise MediaRejected(UNREADABLE)
    if video is not None:
        check_frame(video.width, video.height)
        video.codec_context.options = {"max_pixels": str(FRAME_PIXELS)}
        video.thread_count = 2
    return Source(container=container, video=video, audio=audio)


def _codec(stream: Stream | None) -> str:
    """The name of a stream's codec; nothing for none, or for one that can't be decoded here."""
    context = getattr(stream, "codec_context", None)
    return "" if context is None else str(context.codec.canonical_name)


def check_frame(width: int, height: int) -> None:
    """Raises `MediaRejected` for a size that no video here may have."""
    if min(width, height) < 1:
        raise MediaRejected(DAMAGED)
    if width * height > FRAME_PIXELS:
        raise MediaRejected(f"That video is {width} by {height}: at most 4096 by 4096. Shrink it.")
    if max(width, height) > LIMIT_RATIO * min(width, height):
        raise MediaRejected(
            f"That video is {width} by {height}: one side may be at most {LIMIT_RATIO} times the other. Crop it."
        )


def first_frame(source: Path) -> av.VideoFrame:
    """The first picture of a video. Raises `MediaRejected`."""
    with opened(source) as clip:
        for frame in clip.container.decode(clip.video):
            assert isinstance(frame, av.VideoFrame)
            return frame
    raise MediaRejected(DAMAGED)


def inspect(source: Path, seconds: float, frames: int) -> Clip:
    """Read all of a clip's packets, decode its sound and some of its picture, and say what it holds.

    Stops as soon as it is over `seconds` or `frames`, whatever its header says. Raises `MediaRejected`.
    """
    if is_cut(source, clip_type(source)):
        raise MediaRejected(DAMAGED)
    with opened(source) as clip:
        count, length = _measured(clip, seconds, frames)
        _check_promise(clip, length)
        picture, sound = _codec(clip.video), _codec(clip.audio)
    width, height = _probed(source, length) if count else (0, 0)
    return Clip(
        width=width,
        height=height,
        seconds=length,
        frames=count,
        picture_codec=picture,
        sound_codec=sound,
    )


def _measured(clip: Source, seconds: float, frames: int) -> tuple[int, float]:
    """The number of frames and the seconds that the packets really fill."""
    what = "audio" if clip.video is None else "video"
    count, first, last = 0, None, 0.0
    good = bad = 0
    for packet in clip.packets():
        start, end = _span(packet)
        first = start if first is None else min(first, start)
        last = max(last, end)
        if last - first > seconds:
            raise MediaRejected(too_long(what, seconds))
        if packet.stream is clip.video:
            count += 1
            bad += packet.is_corrupt
        else:
            good, bad = (good + 1, bad) if _sounds(packet) else (good, bad + 1)
        if count > frames:
            raise MediaRejected(f"That video has more than {frames} frames. Shorten it.")
    if first is None or (clip.video is not None and not count) or bad > (good + count) // 20:
        raise MediaRejected(DAMAGED)
    return count, round(last - first, 3)


def _span(packet: Packet[Any]) -> tuple[float, float]:
    """Seconds at which a packet starts and ends; containers may leave out how long the last one is."""
    at = packet.pts if packet.pts is not None else packet.dts
    assert at is not None
    start, lasting = float(at * packet.time_base), float((packet.duration or 0) * packet.time_base)
    if not lasting and isinstance(packet.stream, VideoStream) and packet.stream.average_rate:
        lasting = 1 / float(packet.stream.average_rate)
    return start, start + lasting


def _sounds(packet: Packet[Any]) -> bool:
    """A bad packet here and there is what players skip; many of them are damage."""
    try:
        packet.decode()
    except av.error.InvalidDataError:
        return False
    return True


def too_long(what: str, seconds: float) -> str:
    """The sentence about a limit of so many seconds."""
    return f"That {'sound' if what == 'audio' else what} is too long: at most {_spoken(seconds)}. Shorten it."


def _spoken(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{seconds:.0f} seconds"


def _check_promise(clip: Source, length: float) -> None:
    """FLAC and MP3 count what they hold; if some of it is not there, the file was cut."""
    promised = clip.container.duration if clip.container.format.name in ("flac", "mp3") else None
    if promised and length < promised / av.time_base - 0.5:
        raise MediaRejected(DAMAGED)


def _probed(source: Path, length: float) -> tuple[int, int]:
    """Decode the start and three places further on; the upright size in pixels."""
    width = height = 0
    for place in (0.0, 0.25, 0.5, 0.9):
        with opened(source) as clip:
            if place:
                with suppress(av.error.PermissionError):  # no way to jump there
                    clip.container.seek(int(place * length * av.time_base) + (clip.container.start_time or 0))
            for frame in islice(clip.container.decode(clip.video), 1 if place else PROBED_FRAMES):
                assert isinstance(frame, av.VideoFrame)
                width, height = upright_size(frame)
        check_frame(width, height)
    return width, height


def upright_size(frame: av.VideoFrame) -> tuple[int, int]:
    """Width and height as people see the frame. Raises `MediaRejected` if it is larger than the header said."""
    check_frame(frame.width, frame.height)
    return (frame.height, frame.width) if frame.rotation % 180 else (frame.width, frame.height)
