"""Putting videos together and taking them apart."""

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

from simulator.nodes import sound
from simulator.nodes.bench import Call, Instant
from simulator.nodes.values import Audio, Frames, Video, digest


def _create(call: Call) -> tuple[Any, ...]:
    inputs = call.inputs
    fps = Fraction(round(inputs["fps"] * 1000), 1000)
    frames: Frames = inputs["images"]
    audio: Audio | None = inputs.get("audio")
    if audio is not None:
        # The sound ends with the pictures.
        length = float(frames.count / fps)
        if audio.seconds > length:
            audio = sound.cut(audio, 0.0, length, digest("cut", audio, length))
    return (Video(frames=frames, fps=fps, audio=audio, digest=call.digest),)


def _components(call: Call) -> tuple[Any, ...]:
    """The sound of a silent video is nothing at all."""
    video: Video = call.inputs["video"]
    values = (video.frames, video.audio, float(video.fps), 8, "sRGB")
    return values[: len(call.node.outputs)]


def _slice(call: Call) -> tuple[Any, ...]:
    """A part of a video; a duration of 0 is all the rest, and one that is too long may be an error."""
    video: Video = call.inputs["video"]
    start, seconds = call.inputs["start_time"], call.inputs["duration"]
    whole = video.frames.count / float(video.fps)
    start = start if start >= 0 else max(0.0, whole + start)
    if call.inputs.get("strict_duration") and start + seconds > whole:
        raise ValueError(f"Failed to slice video: only {whole - start:.2f} seconds are left, not {seconds}.")
    first = min(round(start * video.fps), video.frames.count - 1)
    last = (
        video.frames.count
        if not seconds
        else min(video.frames.count, first + max(1, round(seconds * video.fps)))
    )
    frames = video.frames.picked(range(first, last), digest(call.digest, "frames"))
    audio = video.audio
    if audio is not None:
        audio = sound.cut(audio, start, (last - first) / float(video.fps), digest(call.digest, "audio"))
    return (replace(video, frames=frames, audio=audio, digest=call.digest),)


VIDEOS: Mapping[str, Instant] = {
    "CreateVideo": _create,
    "GetVideoComponents": _components,
    "Video Slice": _slice,
}
