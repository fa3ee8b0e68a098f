"""Bad inputs and what is said to them, alike on every platform; nothing is queued, charged or left half done."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field

import aiohttp
import pytest
import pytest_asyncio
from PIL import Image

from tests.asking import Json, get, runs
from tests.contracts.chats import SMALL, Chat, File, png
from tests.contracts.together import COUNTED, House, opened
from tests.web.seeding import clip, tune

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(600)]

SEEDS = "from 0 to 18446744073709551615"
MOST_SEED = "18446744073709551615"
ADDRESS = "Picture: addresses are not allowed. Attach the picture itself, or reply to one."
BUTTONS = ("discord", "telegram", "web")


def _jpeg() -> bytes:
    buffer = io.BytesIO()
    Image.effect_noise((64, 64), 50).save(buffer, "JPEG")
    return buffer.getvalue()


def _frames(count: int) -> bytes:
    buffer = io.BytesIO()
    frames = [Image.new("L", (1, 1), number % 256) for number in range(count)]
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:])
    return buffer.getvalue()


@dataclass(frozen=True, kw_only=True)
class Case:
    """A bad input: a line, perhaps with a file, and how what is said to it begins. `but`: what is said elsewhere."""

    line: str
    told: str
    file: File | None = None
    but: Mapping[str, str] = field(default_factory=dict)


CASES: tuple[Case, ...] = (
    # 1 empty, 2 overlong
    Case(line="/imagine", told="Write a prompt.", but={"telegram": "Prompt\nWhat the picture shows"}),
    Case(line="/imagine <lora:x:1>", told="Write a prompt."),
    Case(
        line=f"/imagine {'x' * 4001}",
        told="Prompt has 4,001 characters; at most 4,000 are allowed. Shorten it.",
    ),
    # 3, what nobody can see, is no refusal: see below
    # 4 seeds
    Case(line="/imagine a fox --seed abc", told=f"Seed must be a whole number {SEEDS}."),
    Case(line="/imagine a fox --seed -5", told=f"Seed must be a number {SEEDS}, not -5. The nearest is 0."),
    Case(
        line="/imagine a fox --seed 18446744073709551616",
        told=f"Seed must be a number {SEEDS}, not 18446744073709551616. The nearest is {MOST_SEED}.",
    ),
    # 5, 6, 7 sizes
    Case(
        line="/imagine a fox --width 0",
        told="Width must be a number from 64 to 2048, not 0. The nearest is 64.",
    ),
    Case(line="/imagine a fox --width NaN", told="Width must be a whole number from 64 to 2048."),
    Case(line="/imagine a fox --width 513", told="Width can be 512 or 520, but not 513."),
    Case(
        line="/imagine a fox --width 20000 --height 20000",
        told="Width must be a number from 64 to 2048, not 20000. The nearest is 2048.",
    ),
    # 8, 9, 10 other numbers
    Case(
        line="/imagine a fox --steps 1000000000",
        told="Steps must be a number from 1 to 100, not 1000000000. The nearest is 100.",
    ),
    Case(line="/imagine a fox --cfg 7,5", told="CFG: write the number with a point: 7.5."),
    Case(
        line="/imagine a fox --count 999",
        told="Count must be a number from 1 to 4, not 999. The nearest is 4.",
    ),
    # 11 model, 12 weight of a LoRA, 13 sampler, 14 ratio
    Case(
        line="/imagine a fox --model sd_xl_bas",
        told='Model "sd_xl_bas" is not offered. There is: sd_xl_base_1.0.safetensors, dreamshaper_8.safetensors.',
    ),
    Case(
        line="/imagine a fox <lora:oil:50>",
        told="The weight of the LoRA oil must be a number from -4 to 4, not 50.0. The nearest is 4.",
    ),
    Case(
        line="/imagine a fox <lora:oil:1>",
        told='ComfyUI has no LoRA "oil", nor any other. Leave it out.',
    ),
    Case(
        line="/imagine a fox --sampler eulr", told='Sampler "eulr" is not offered. The nearest: euler, '
    ),
    Case(line="/imagine a fox --ar 100:1", told="A picture can be at most 4:1 or 1:4, not 100:1."),
    # 15 no picture
    Case(
        line="/img2img a fox",
        told="Picture is missing: attach one, or reply to one.",
        but={"telegram": "Picture\nThe picture to start from"},
    ),
    Case(
        line="/film",
        told="Video is missing: attach one, or reply to one.",
        but={"telegram": "Video"},
    ),
    # 16, 17, 18, 19 files
    Case(
        line="/img2img a fox --steps 4",
        file=File(name="fox.png", data=b"%PDF-1.7\n%a fox\n" * 20),
        told="That file is not a picture that can be read. Send a PNG, JPEG, WebP or GIF.",
    ),
    Case(
        line="/img2img a fox --steps 4",
        file=File(name="cut.jpg", data=_jpeg()[:-900], kind="image/jpeg"),
        told="That picture is damaged. Send it again, or save it anew first.",
    ),
    Case(
        line="/img2img a fox --steps 4",
        file=File(name="big.png", data=png() + bytes(60 * 2**20)),
        told="big.png is too large: at most 25 MB. Send a smaller one.",
        but={"telegram": "big.png is too large: at most 20 MB. Send a smaller one."},
    ),
    Case(
        line="/img2img a fox --steps 4",
        file=File(name="long.gif", data=_frames(501), kind="image/gif"),
        told="That animation has 501 frames: at most 500. Shorten it.",
    ),
    Case(
        line="/img2img a fox --steps 4",
        file=File(name="clip.webm", data=clip().data, kind="video/webm"),
        told="That file is not a picture that can be read. Send a PNG, JPEG, WebP or GIF.",
    ),
    Case(
        line="/film",
        file=File(name="tune.wav", data=tune().data, kind="audio/wav"),
        told="That file is not a video that can be read. Send ",
    ),
    # 20 addresses; Telegram asks for the picture that is not there, and takes no address for one either
    Case(line="/img2img a fox --image file:///etc/passwd", told=ADDRESS, but={"telegram": "Picture\n"}),
    Case(
        line="/img2img a fox --image http://169.254.169.254/", told=ADDRESS, but={"telegram": "Picture\n"}
    ),
    # 21, a workflow in UI format, and 23, a wrong binding, are files of the owner's: `tests/workflow/test_load.py`
    # 22 nodes that are missing
    Case(line="/lacking a fox", told='ComfyUI lacks the node "NodeOfNobody".'),
    # 24 and 25, jobs and buttons, need a job first: see below
    Case(line="/imagine a fox --stpes 30", told='/imagine has no option "stpes". Did you mean "steps"?'),
    Case(line="/imagine a fox --private", told='/imagine has no option "private". '),
    Case(
        line="/imagin a fox",
        told="There is no command /imagin. Did you mean /imagine?",
    ),
)  # fmt: skip


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """One bot for all of this."""
    async with opened(tmp_path_factory.mktemp("together")) as house:
        yield house


async def _said(chat: Chat) -> dict[str, str]:
    """What is said to each, where it is not what was to be said."""
    wrong = {}
    for case in CASES:
        expected = case.but.get(chat.name, case.told)
        files = [] if case.file is None else [case.file]
        said = await chat.told(await chat.ask(case.line, files=files))
        if not said.startswith(expected):
            wrong[case.line[:60] + (f" [{case.file.name}]" if case.file else "")] = said
    return wrong


async def test_every_bad_input_is_refused_alike_and_leaves_nothing(house: House) -> None:
    """In the same words, wherever it is said: not a row is stored, and no server hears of it."""
    said = await asyncio.gather(*(_said(chat) for chat in house.chats.values()))
    assert dict(zip(house.chats, said, strict=True)) == {name: {} for name in house.chats}
    async with aiohttp.ClientSession() as http:
        assert await runs(http, house.comfyui.url) == []
        queue = await get(http, f"{house.bot.url}/api/v1/queue")
    assert (queue["waiting"], queue["running"]) == (0, 0)
    assert house.stored() == dict.fromkeys(COUNTED, 0)


async def _pressed(chat: Chat) -> list[str]:
    """What is told of letters that nobody sees, then of buttons that are no good."""
    card = await chat.card(await chat.ask(f"/imagine a\x07 red\u202e fox {SMALL}"), "Again")
    job = _job_of(card.handle, chat.name)
    told = [card.words.splitlines()[card.words.splitlines().index("a red fox") + 1]]
    for action in (
        f"m1:fly:{job}:0", f"m0:again:{job}:0", "m1:again:0:x", "nothing", f"m1:use:{job}:9",
        f"m1:info:{'0' * 32}:0", f"m1:cancel:{job}:0",
    ):  # fmt: skip
        told.append(await chat.told(await chat.forge(card, action)))
    told.append(await chat.told(await chat.forge(card, f"m1:delete:{job}:0", by="bob")))
    return told


def _job_of(handle: object, name: str) -> str:
    """The job that a card's buttons are about."""
    if name == "web":
        assert isinstance(handle, tuple)
        return str(handle[1]["media"][0]["job"])
    ids = getattr(handle, "buttons")  # noqa: B009 - of either double
    return str(ids["Again"].split("m1:again:")[1].split(":")[0])


async def test_buttons_that_are_forged_stale_or_of_others_do_nothing(house: House) -> None:
    """And letters that nobody can see are left out and told, of which the terminal says the same beside its file."""
    stale = "That has expired. Send the command again."
    none = "There is no such job of yours."
    expected = ["2 characters that nobody can see were left out.", *[stale] * 4]
    told = dict(zip(BUTTONS, await asyncio.gather(*(_pressed(house.chats[n]) for n in BUTTONS)), strict=True))
    assert {name: each[:5] for name, each in told.items()} == dict.fromkeys(BUTTONS, expected)
    assert {name: each[6:] for name, each in told.items()} == dict.fromkeys(BUTTONS, [none] * 3)
    async with aiohttp.ClientSession() as http:
        assert len(await runs(http, house.comfyui.url)) == len(BUTTONS)
    assert house.stored()["job"] == len(BUTTONS)


async def _copied(chat: Chat) -> None:
    """Send a video and a sound, each to its end."""
    film = File(name="clip.webm", data=clip().data, kind="video/webm")
    sound = File(name="tune.wav", data=tune().data, kind="audio/wav")
    for line, file in (("/film", film), ("/tune", sound)):
        await chat.card(await chat.ask(line, files=[file]), "Delete")


async def _loaded(house: House) -> list[tuple[str, bool]]:
    """Which files were loaded: the class that did, and whether it was what somebody sent."""
    found = []
    async with aiohttp.ClientSession() as http:
        for run in await runs(http, house.comfyui.url):
            history: Json = await get(http, f"{house.comfyui.url}/history/{run['prompt_id']}")
            graph = history[run["prompt_id"]]["prompt"][2]
            for node in graph.values():
                if node["class_type"] in ("LoadVideo", "LoadAudio"):
                    name = str(node["inputs"].get("file", node["inputs"].get("audio")))
                    found.append((node["class_type"], len(name) > 32))
    return sorted(found)


async def test_videos_and_sounds_are_inputs_too(house: House) -> None:
    """Sent along on every platform; on Telegram and Discord also those that a line is in reply to."""
    before = await _loaded(house)
    await asyncio.gather(*(_copied(chat) for chat in house.chats.values()))
    video = {"file_id": "clip", "file_unique_id": "uclip", "width": 96, "height": 64, "duration": 1}
    voice = {"file_id": "voice", "file_unique_id": "uvoice", "duration": 1, "mime_type": "audio/wav"}
    house.telegram.files |= {"clip": clip().data, "voice": tune().data}
    shown = await house.telegram.write(video={**video, "mime_type": "video/webm"})
    said = await house.telegram.write(voice=voice)
    for line, to in (("/film", shown), ("/tune", said)):
        await house.telegram.card(await house.telegram.write(line, reply=to), "Delete")
    huge = await house.telegram.write(video={**video, "file_size": 21 * 2**20, "file_name": "huge.mp4"})
    told = (await house.telegram.answer(await house.telegram.write("/film", reply=huge))).words.strip()
    assert told == "huge.mp4 is too large: at most 20 MB. Send a smaller one."
    many = len(house.chats) + 1
    expected = [("LoadAudio", True)] * many + [("LoadVideo", True)] * many
    assert (before, await _loaded(house)) == ([], expected)
