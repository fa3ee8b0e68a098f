"""Uploads of all kinds: what passes comes out bare and whole, what does not is told."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import av
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import MediaRejected
from bot.media import uploads
from bot.media.inside.clip import inspect
from bot.media.inside.remux import copy_clip
from bot.media.inside.stills import write_still
from bot.media.inside.strip import write_bare
from bot.media.inside.texts import read_texts
from bot.media.kinds import Family
from bot.media.uploads import Upload, check_upload
from tests.media.clips import make_sound, make_video
from tests.media.test_pictures import _halves, _saved

SECRET = {"prompt": '{"secret": 1}', "comment": "secret", "location": "+48.1+11.5/", "title": "secret"}
ANY = (Family.IMAGE, Family.VIDEO, Family.AUDIO)


async def _refusal(source: Path, accepted: Collection[Family]) -> str:
    with pytest.raises(MediaRejected) as raised:
        await check_upload(source, source.parent, accepted)
    return str(raised.value)


def _out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir(exist_ok=True)
    return folder


def _shown(path: Path) -> tuple[list[str], int, int]:
    """The codecs of a clip, its number of frames, and how the first is turned."""
    with av.open(str(path)) as container:
        codecs = [stream.codec_context.codec.canonical_name for stream in container.streams]
        frames = list(container.decode(video=0)) if container.streams.video else []
    return codecs, len(frames), frames[0].rotation if frames else 0


async def test_a_picture_becomes_a_png(tmp_path: Path) -> None:
    """As where only pictures are taken."""
    source = tmp_path / "upload"
    source.write_bytes(_saved(_halves(), "JPEG"))
    found = await check_upload(source, _out(tmp_path), ANY)
    assert found == Upload(
        path=tmp_path / "out" / "picture.png",
        family=Family.IMAGE,
        media_type="image/png",
        width=40,
        height=20,
        seconds=0.0,
        sound=False,
    )
    assert found.path.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("suffix", "codec", "sound", "media_type", "codecs"),
    [
        (".mp4", "libx264", "aac", "video/mp4", ["h264", "aac"]),
        (".mov", "libx264", "aac", "video/mp4", ["h264", "aac"]),
        (".mkv", "libx264", "flac", "video/x-matroska", ["h264", "flac"]),
        (".webm", "libvpx-vp9", "libopus", "video/webm", ["vp9", "opus"]),
        (".webm", "libsvtav1", "libopus", "video/webm", ["av1", "opus"]),
    ],
)
async def test_a_video_is_copied_without_its_tags(
    tmp_path: Path, suffix: str, codec: str, sound: str, media_type: str, codecs: list[str]
) -> None:
    """Not encoded again: every frame is there, as it was."""
    source = make_video(tmp_path / f"upload{suffix}", codec=codec, sound=sound, tags=SECRET)
    assert b"secret" in source.read_bytes()
    found = await check_upload(source, _out(tmp_path), [Family.VIDEO])
    assert (found.family, found.media_type) == (Family.VIDEO, media_type)
    assert (found.width, found.height, found.sound) == (64, 48, True)
    assert found.seconds == pytest.approx(2, abs=0.1)
    assert _shown(found.path) == (codecs, 24, 0)
    assert b"secret" not in found.path.read_bytes()
    assert b"+48" not in found.path.read_bytes()


async def test_a_turned_video_stays_turned(tmp_path: Path) -> None:
    """Its size is told as people see it."""
    source = make_video(tmp_path / "upload.mov", rotation=90)
    found = await check_upload(source, _out(tmp_path), [Family.VIDEO])
    assert (found.width, found.height) == (48, 64)
    assert _shown(found.path) == (["h264", "aac"], 24, 90)


async def test_what_no_mp4_holds_is_encoded_anew(tmp_path: Path) -> None:
    """What a cutting room hands out."""
    source = make_video(tmp_path / "upload.mov", codec="prores", sound="pcm_s16be", rotation=90)
    found = await check_upload(source, _out(tmp_path), [Family.VIDEO])
    assert (found.media_type, found.width, found.height) == ("video/mp4", 48, 64)
    assert _shown(found.path) == (["h264", "aac"], 24, 90)


@pytest.mark.parametrize(
    ("suffix", "codec", "media_type"),
    [
        (".flac", "flac", "audio/flac"),
        (".mp3", "libmp3lame", "audio/mpeg"),
        (".ogg", "libopus", "audio/ogg"),
        (".wav", "pcm_s16le", "audio/wav"),
        (".m4a", "aac", "audio/mp4"),
        (".webm", "libopus", "audio/webm"),
    ],
)
async def test_a_sound_is_copied_without_its_tags(
    tmp_path: Path, suffix: str, codec: str, media_type: str
) -> None:
    """Whatever way its file notes them."""
    source = make_sound(tmp_path / f"upload{suffix}", codec, tags=SECRET)
    found = await check_upload(source, _out(tmp_path), [Family.AUDIO])
    assert (found.family, found.media_type) == (Family.AUDIO, media_type)
    assert (found.width, found.height, found.sound) == (0, 0, True)
    assert found.seconds == pytest.approx(2, abs=0.1)
    assert len(_shown(found.path)[0]) == 1
    assert b"secret" not in found.path.read_bytes()


@pytest.mark.parametrize(
    ("accepted", "sentence"),
    [
        ([Family.IMAGE], "That file is not a picture that can be read. Send a PNG, JPEG, WebP or GIF."),
        (
            [Family.IMAGE, Family.AUDIO],
            "That file is not a picture or sound that can be read. "
            "Send a PNG, JPEG, WebP or GIF, or an MP3, FLAC, WAV, OGG or M4A.",
        ),
    ],
)
async def test_only_what_is_asked_for_is_accepted(
    tmp_path: Path, accepted: list[Family], sentence: str
) -> None:
    """A good video where none is wished."""
    assert await _refusal(make_video(tmp_path / "upload.mp4"), accepted) == sentence


async def test_a_sound_is_no_video(tmp_path: Path) -> None:
    """An MP4 may be either: what it holds decides."""
    source = make_sound(tmp_path / "upload.mp4", "aac")
    assert await _refusal(source, [Family.VIDEO]) == (
        "That file is not a video that can be read. Send an MP4, WebM, MOV or MKV."
    )
    assert (await check_upload(source, _out(tmp_path), [Family.AUDIO])).media_type == "audio/mp4"


async def test_a_video_may_not_be_longer_than_its_own_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where a longer sound would be accepted."""
    monkeypatch.setattr(uploads, "LIMIT_SECONDS", {Family.VIDEO: 1.0, Family.AUDIO: 180.0})
    source = make_video(tmp_path / "upload.mp4")
    sentence = "That video is too long: at most 1 seconds. Shorten it."
    assert await _refusal(source, [Family.VIDEO]) == sentence
    assert await _refusal(source, ANY) == sentence


@pytest.mark.parametrize(("accepted", "limit"), [([Family.IMAGE], 25), ([Family.VIDEO], 90)])
async def test_a_file_may_not_be_larger_than_the_limit(
    tmp_path: Path, accepted: list[Family], limit: int
) -> None:
    """It is told before any of it is decoded."""
    source = tmp_path / "upload"
    head = _saved(_halves(), "PNG") if accepted == [Family.IMAGE] else b"\0\0\0\x18ftypisom"
    with source.open("wb") as file:
        file.write(head)
        file.truncate(limit * 2**20 + 1)
    assert await _refusal(source, accepted) == (
        f"That file is too large: at most {limit} MB. Send a smaller one."
    )


async def test_a_very_wide_video_is_refused(tmp_path: Path) -> None:
    """As a very wide picture is."""
    source = make_video(tmp_path / "upload.mkv", size=(1024, 16))
    assert await _refusal(source, [Family.VIDEO]) == (
        "That video is 1024 by 16: one side may be at most 50 times the other. Crop it."
    )


SAMPLES = [path for path in sorted(Path(__file__).with_name("samples").iterdir()) if path.suffix != ".latent"]


@pytest.mark.filterwarnings("ignore")  # Pillow's own, about what it reads; the answer is what counts
@settings(max_examples=300, deadline=None)
@given(
    sample=st.sampled_from(SAMPLES),
    edits=st.lists(st.tuples(st.integers(0, 4000), st.binary(min_size=1, max_size=4)), max_size=4),
    length=st.integers(0, 9000),
)
def test_damage_of_any_kind_is_told(sample: Path, edits: list[tuple[int, bytes]], length: int) -> None:
    """An answer or `MediaRejected`, whatever the bytes: a library's own errors never come through."""
    data = bytearray(sample.read_bytes())
    for where, new in edits:
        data[where : where + len(new)] = new
    with TemporaryDirectory() as folder:
        source = Path(folder, f"upload{sample.suffix}")
        source.write_bytes(data[:length])
        for work in (
            lambda: inspect(source, 600, 36_000),
            lambda: copy_clip(source, Path(folder)),
            lambda: read_texts(source, source.name),
            lambda: write_bare(source, Path(folder), source.name),
            lambda: write_still(source, Path(folder), "still.jpg", 32),
        ):
            with suppress(MediaRejected):
                work()
