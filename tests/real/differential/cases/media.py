"""Videos and sound: loaded, taken apart, made and saved."""

from __future__ import annotations

from typing import Any

from tests.real.differential.answers import Json
from tests.real.differential.case import Act, Group
from tests.real.differential.graphs import empty, film, node, placed, save, sound
from tests.real.differential.side import Side

media = Group("media")
SOURCES = {"film.mp4": film(), "tone.wav": sound()}


def _frames() -> Json:
    colours = {"7": empty(0x20A040, 64, 48), "8": empty(0xC03060, 64, 48)}
    return {**colours, "1": node("BatchImagesNode", **{"images.image0": ["7", 0], "images.image1": ["8", 0]})}


def _silence(seconds: float = 0.5, channels: int = 2) -> Json:
    return node("EmptyAudio", duration=seconds, sample_rate=44100, channels=channels)


def _tone() -> Json:
    return node("LoadAudio", audio="RUN/tone.wav")


def _made(**more: Any) -> Json:
    """A video of two pictures."""
    return {**_frames(), "2": node("CreateVideo", images=["1", 0], fps=4.0, **more)}


def _saved(graph: Json, container: str = "auto", codec: str = "auto", **more: Any) -> Json:
    ways = {"format": container, "format.codec": codec, **more}
    return {**graph, "end": node("SaveVideo", video=["2", 0], filename_prefix="RUN/video", **ways)}


def _heard(graph: Json, number: str = "2") -> Json:
    return {**graph, "end": node("SaveAudio", audio=[number, 0], filename_prefix="RUN/sound")}


def _sound(class_type: str, **inputs: Any) -> Json:
    return _heard({"1": _tone(), "2": node(class_type, **inputs)})


GRAPHS: dict[str, Json] = {
    "video auto": _saved(_made()),
    "video mp4 h264": _saved(_made(), "mp4", "h264"),
    "video with sound": _saved({**_made(audio=["3", 0]), "3": _tone()}, "mp4", "h264"),
    "video of an older spelling": {
        **_made(),
        "end": node("SaveVideo", video=["2", 0], filename_prefix="RUN/old", format="mp4", codec="h264"),
    },
    "video of an unknown kind": _saved(_made(), "nope"),
    "video without a kind": {**_made(), "end": node("SaveVideo", video=["2", 0], filename_prefix="RUN/none")},
    **{
        f"webm {codec}": {
            **_frames(),
            "2": node("SaveWEBM", images=["1", 0], filename_prefix="RUN/webm", codec=codec, fps=4.0, crf=32.0),
        }
        for codec in ("vp9", "av1")
    },
    "load video and save": _saved({"2": node("LoadVideo", file="RUN/film.mp4")}),
    "load video and take apart": {
        "1": node("LoadVideo", file="RUN/film.mp4"),
        "2": node("GetVideoComponents", video=["1", 0]),
        "3": save(["2", 0], "RUN/frames"),
    },
    "rate of a video": {
        "1": node("LoadVideo", file="RUN/film.mp4"),
        "2": node("GetVideoComponents", video=["1", 0]),
        "3": node("PreviewAny", source=["2", 2]),
    },
    "flac of silence": _heard({"2": _silence()}),
    "flac of one channel": _heard({"2": _silence(0.25, 1)}),
    "flac of a tone": _heard({"2": _tone()}),
    "mp3": {"1": _tone(), "2": node("SaveAudioMP3", audio=["1", 0], filename_prefix="RUN/s", quality="128k")},
    "mp3 variable": {"1": _tone(), "2": node("SaveAudioMP3", audio=["1", 0], filename_prefix="RUN/v", quality="V0")},
    "opus": {"1": _tone(), "2": node("SaveAudioOpus", audio=["1", 0], filename_prefix="RUN/s", quality="64k")},
    "preview sound": {"1": _tone(), "2": node("PreviewAudio", audio=["1", 0])},
    "advanced flac": {
        "1": _tone(), "2": node("SaveAudioAdvanced", audio=["1", 0], filename_prefix="RUN/adv", format="flac")
    },
    "advanced mp3": {
        "1": _tone(),
        "2": node(
            "SaveAudioAdvanced", audio=["1", 0], filename_prefix="RUN/adv", format="mp3",
            **{"format.quality": "320k"},
        ),
    },
    "trim": _sound("TrimAudioDuration", audio=["1", 0], start_index=0.05, duration=0.1),
    "louder": _sound("AudioAdjustVolume", audio=["1", 0], volume=-6),
    "after each other": _sound("AudioConcat", audio1=["1", 0], audio2=["1", 0], direction="after"),
    "on top of each other": _sound("AudioMerge", audio1=["1", 0], audio2=["1", 0], merge_method="mean"),
    "missing video": _saved({"2": node("LoadVideo", file="RUN/none.mp4")}),
    "missing sound": _heard({"2": node("LoadAudio", audio="RUN/none.wav")}),
    "a film that is none": _saved({"2": node("LoadVideo", file="RUN/words.mp4")}),
    "a sound that is none": _heard({"2": node("LoadAudio", audio="RUN/words.wav")}),
}  # fmt: skip
WORDS = {"words.mp4": b"these are words", "words.wav": b"these are words"}


def _run(graph: Json) -> Act:
    async def act(side: Side) -> Json:
        for name, data in {**SOURCES, **WORDS}.items():
            if f"RUN/{name}" in str(graph):
                await side.upload(name, data)
        return await side.run(placed(graph, side.run_name))

    return act


for _name, _graph in GRAPHS.items():
    media.add(_name, _run(_graph))
