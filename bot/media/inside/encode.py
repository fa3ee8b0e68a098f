"""Encodes clips: H.264 and AAC as every player takes them, Opus where there is little room."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from av.video.stream import VideoStream

from bot.media.inside.clip import Source, first_frame, opened
from bot.media.inside.remux import muxer_options

LIMIT_FPS: Final = 120
SOUND_RATE: Final = 48_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """What to encode to: pixels before any turning, and bits per second; no `video_bits` = good quality."""

    width: int
    height: int
    video_bits: int | None
    audio_bits: int


def encode_video(source: Path, target: Path, wanted: Target | None) -> None:
    """Write the clip as an MP4 that starts before it is loaded, with its sound. Raises `MediaRejected`.

    In its own size and good quality if nothing is `wanted`.
    """
    first = first_frame(source)
    wanted = wanted or _good(first)
    with opened(source) as clip, open_mp4(target) as out:
        writer = _Writer(clip, out, wanted, first)
        for frame in clip.frames():
            writer.write(frame)
        writer.finish()


def encode_sound(source: Path, target: Path, codec: str, bits: int) -> None:
    """Write the clip's sound alone, by `aac` as M4A or by `libopus` as Ogg. Raises `MediaRejected`."""
    muxer = "ipod" if codec == "aac" else "ogg"
    with (
        opened(source) as clip,
        av.open(str(target), "w", format=muxer, options=muxer_options(muxer)) as out,
    ):
        assert clip.audio is not None
        stream = _sound_stream(out, clip.audio, codec, bits)
        for frame in clip.frames():
            if isinstance(frame, av.AudioFrame):
                out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def open_mp4(target: Path) -> OutputContainer:
    """An empty MP4 that will name no program."""
    return av.open(str(target), "w", format="mp4", options=muxer_options("mp4"))


def video_stream(out: OutputContainer, wanted: Target, rate: Fraction, time_base: Fraction) -> VideoStream:
    """An H.264 stream that keeps to its bits in every second."""
    options = {"preset": "veryfast", "threads": "2"}
    if wanted.video_bits is None:
        options["crf"] = "20"
    else:
        options |= {"maxrate": str(wanted.video_bits), "bufsize": str(wanted.video_bits)}
    stream = out.add_stream("libx264", rate=min(rate, Fraction(LIMIT_FPS)), options=options)
    stream.width, stream.height, stream.pix_fmt = wanted.width, wanted.height, "yuv420p"
    stream.codec_context.time_base = time_base
    if wanted.video_bits is not None:
        stream.codec_context.bit_rate = wanted.video_bits
    return stream


def tag_standard(stream: VideoStream) -> None:
    """Say that the colours are those of HD video, as frames of RGB are converted to."""
    context = stream.codec_context
    context.colorspace = Colorspace.ITU709
    context.color_primaries = ColorPrimaries.BT709
    context.color_trc = ColorTrc.IEC61966_2_1
    context.color_range = ColorRange.MPEG


def yuv(frame: av.VideoFrame, width: int, height: int) -> av.VideoFrame:
    """The frame in the size and the pixels that H.264 players want."""
    colours = {"dst_colorspace": Colorspace.ITU709} if frame.format.is_rgb else {}
    made = frame.reformat(
        width=width, height=height, format="yuv420p", dst_color_range=ColorRange.MPEG, **colours
    )
    made.pts, made.time_base = frame.pts, frame.time_base
    return made


def _good(first: av.VideoFrame) -> Target:
    return Target(
        width=max(2, first.width // 2 * 2),
        height=max(2, first.height // 2 * 2),
        video_bits=None,
        audio_bits=192_000,
    )


class _Writer:
    """Encodes decoded frames of either kind into their streams, in the order in which they come."""

    def __init__(self, clip: Source, out: OutputContainer, wanted: Target, first: av.VideoFrame) -> None:
        assert clip.video is not None
        assert clip.video.time_base is not None
        clip.video.thread_type = "AUTO"
        self._out, self._wanted = out, wanted
        rate = clip.video.average_rate or clip.video.guessed_rate or Fraction(25)
        self._video = video_stream(out, wanted, rate, clip.video.time_base)
        _look_like(self._video, first)
        self._audio = (
            _sound_stream(out, clip.audio, "aac", wanted.audio_bits) if clip.audio is not None else None
        )
        self._shown: int | None = None

    def write(self, frame: av.VideoFrame | av.AudioFrame) -> None:
        if isinstance(frame, av.AudioFrame):
            assert self._audio is not None
            self._out.mux(self._audio.encode(frame))
        elif frame.pts is not None and (self._shown is None or frame.pts > self._shown):
            self._shown = frame.pts  # two frames can't be shown at the same moment
            self._out.mux(self._video.encode(yuv(frame, self._wanted.width, self._wanted.height)))

    def finish(self) -> None:
        self._out.mux(self._video.encode(None))
        if self._audio is not None:
            self._out.mux(self._audio.encode(None))


def _sound_stream(out: OutputContainer, like: AudioStream, codec: str, bits: int) -> AudioStream:
    stream = out.add_stream(codec, rate=SOUND_RATE)
    assert isinstance(stream, AudioStream)
    stream.codec_context.layout = "mono" if like.channels == 1 else "stereo"
    stream.codec_context.bit_rate = bits
    return stream


def _look_like(stream: VideoStream, first: av.VideoFrame) -> None:
    """Turned as the source is, and in its colours: only a decoded frame tells both."""
    if first.rotation:
        stream.set_display_rotation(first.rotation)
    if first.format.is_rgb:
        tag_standard(stream)
        return
    context = stream.codec_context
    context.colorspace, context.color_primaries = first.colorspace, first.color_primaries
    context.color_trc, context.color_range = first.color_trc, ColorRange.MPEG
