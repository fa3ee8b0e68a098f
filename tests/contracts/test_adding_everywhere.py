"""The owner runs something in ComfyUI, and makes a command of it that everybody uses, on every platform."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import aiohttp
import pytest

from bot.workflow.infer.ui import read_interface
from bot.workflow.load import read_drafts
from tests.asking import get
from tests.contracts.chats import Chat, File, Shown
from tests.contracts.owners_run import FILM, GRAPH, UI, made_files, run_once
from tests.processes import Program

KINDS = {".png": "image/png", ".webp": "image/webp", ".mp4": "video/mp4"}
CHATS = ["discord", "telegram", "web"]

pytestmark = pytest.mark.timeout(300)


@pytest.mark.parametrize("chat", CHATS, indirect=True)
async def test_a_run_becomes_a_command(chat: Chat, simulated: Program, http: aiohttp.ClientSession) -> None:
    """Chosen, changed, tried, published and used at once; then changed again, gone back on, and switched off."""
    await run_once(http, simulated.url)
    refused = await chat.told(await chat.ask("/workflow add", by="bob")) if chat.name != "web" else ""
    assert refused == ("" if chat.name == "web" else "That is for admins. The owner names them in ADMINS.")

    card = await chat.card(await chat.ask("/workflow add", by="ruth"), "1. old-oak")
    assert "old-oak an old oak in fog" in card.words
    card = await chat.turned(card, await chat.press(card, "1. old-oak", by="ruth"), "It was not tried yet.")
    assert "/old-oak It serves /imagine" in card.words
    assert "strictness number 0 to 100" in card.words
    assert "can run it." in card.words

    tried = await chat.card(await chat.press(card, "Try it", by="ruth"), "Again")
    assert tried.picture.size == (64, 64)
    card = await chat.turned(
        card, await chat.press(card, "Look again", by="ruth"), "It was tried, and works."
    )
    card = await chat.turned(card, await chat.press(card, "Options", by="ruth"), "Options of /old-oak")
    card = await chat.turned(card, await chat.press(card, "strictness", by="ruth"), "Option strictness")
    card = await chat.turned(card, await chat.press(card, "Hide", by="ruth"), "Hidden: strictness")
    card = await chat.card(
        await chat.ask("/workflow set old-oak --parameter negative --name without", by="ruth"), "Publish"
    )
    card = await chat.card(await chat.ask("/workflow set old-oak --name oak", by="ruth"), "Publish")
    assert "/oak It serves /imagine" in card.words
    card = await chat.turned(card, await chat.press(card, "Publish", by="ruth"), "/oak is there, version 1")

    made = await chat.card(await chat.ask("/oak a young oak --without leaves --steps 3"), "Again")
    assert made.picture.size == (64, 64)
    told = await chat.told(await chat.ask("/oak a young oak --strictness 3"))
    assert told.startswith('/oak has no option "strictness".')

    card = await chat.card(await chat.ask("/workflow edit oak", by="ruth"), "Publish")
    card = await chat.card(
        await chat.ask("/workflow set oak --parameter without --name never", by="ruth"), "Publish"
    )
    card = await chat.turned(card, await chat.press(card, "Publish", by="ruth"), "/oak is there, version 2")
    assert "never" in await chat.told(await chat.ask("/workflow show oak", by="ruth"))
    again = await chat.card(await chat.press(made, "Again"), "Again")
    assert again.picture.size == (64, 64)
    (entry,) = (await get(http, f"{simulated.url}/history?max_items=1")).values()
    sent = entry["prompt"][2]
    assert (sent["6"]["inputs"]["text"], sent["7"]["inputs"]["text"]) == ("a young oak", "leaves")

    diff = await chat.told(await chat.ask("/workflow diff oak", by="ruth"))
    assert "-[parameters.without]" in diff
    assert "+[parameters.never]" in diff
    assert await chat.told(await chat.ask("/workflow rollback oak", by="ruth")) == "/oak is version 1 again"
    await chat.card(await chat.ask("/oak a young oak --without leaves --steps 2"), "Again")
    assert await chat.told(await chat.ask("/workflow disable oak", by="ruth")) == "/oak is switched off"
    assert (await chat.told(await chat.ask("/oak a young oak"))).startswith("There is no command /oak.")
    assert await chat.told(await chat.ask("/workflow enable oak", by="ruth")) == "/oak is switched on"


@pytest.mark.parametrize("chat", CHATS, indirect=True)
async def test_a_file_becomes_a_draft_or_is_refused(
    chat: Chat, simulated: Program, http: aiohttp.ClientSession, tmp_path: Path
) -> None:
    """A graph does, and what was made by one; what ComfyUI draws, and what reaches files, do not.

    Each is told what to do instead. What became a command goes back into files.
    """

    def file(name: str, value: object) -> File:
        return File(name=name, data=json.dumps(value).encode(), kind="application/json")

    card = await chat.card(
        await chat.ask("/workflow add", by="ruth", files=[file("oak.json", GRAPH)]), "Publish"
    )
    assert "/old-oak" in card.words
    for name, data in (await made_files(http, simulated.url)).items():
        sent = File(name=name, data=data, kind=KINDS[Path(name).suffix])
        card = await chat.card(await chat.ask("/workflow add", by="ruth", files=[sent]), "Publish")
        assert "strictness number 0 to 100" in card.words, name
    await _renamed_and_exported(chat, card, tmp_path)
    await _changed_over_a_file(chat)
    told = await chat.told(await chat.ask("/workflow add", by="ruth", files=[file("drawn.json", UI)]))
    assert told == (
        "That is the workflow as ComfyUI draws it, which no server runs. Export it with Workflow > Export (API) and "
        "send that file; or run it once in ComfyUI and choose it from /workflow add; or send a picture that it made, "
        "as a file."
    )
    reaching = {
        **GRAPH,
        "10": {
            "class_type": "VHS_LoadVideoPath",
            "inputs": {"video": "/etc/passwd"},
            "_meta": {"title": "My clip"},
        },
    }
    told = await chat.told(
        await chat.ask("/workflow add", by="ruth", files=[file("reaching.json", reaching)])
    )
    assert told == (
        'The node "My clip" (VHS_LoadVideoPath) reaches files by their path on the server, so whoever uses the '
        "workflow could, too. The owner can allow it with ALLOW_NODES=VHS_LoadVideoPath."
    )


async def _renamed_and_exported(chat: Chat, card: Shown, folder: Path) -> None:
    """By the form that the button opens; the archive that comes is a folder which says the same."""
    filled = await chat.fill(await chat.press(card, "Rename", by="ruth"), "elm", by="ruth")
    card = await chat.card(filled, "Publish")
    assert "/elm It serves" in card.words
    await chat.turned(card, await chat.press(card, "Publish", by="ruth"), "/elm is there, version 1")
    (data,) = await chat.files(await chat.ask("/workflow export elm", by="ruth"))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        archive.extractall(folder / "out")
    draft = read_drafts([folder / "out"])["elm"]
    assert (draft.graph, draft.interface) == ({**GRAPH, **FILM}, read_interface(UI))


async def _changed_over_a_file(chat: Chat) -> None:
    """A bundled workflow is changed here as one that was added; back before its first version is what came with it."""
    started = await chat.ask("/workflow set sdxl --parameter negative --name without", by="ruth")
    card = await chat.card(started, "Publish")
    assert "without text" in card.words
    card = await chat.turned(card, await chat.press(card, "Publish", by="ruth"), "/sdxl is there, version 1")
    assert "It is version 1, which stands before the bundled one." in card.words
    shown = await chat.told(await chat.ask("/workflow show sdxl", by="ruth"))
    assert "It is version 1, which stands before the bundled one." in shown
    made = await chat.card(
        await chat.ask("/sdxl a fox --without fog --width 64 --height 64 --steps 2"), "Again"
    )
    assert made.picture.size == (64, 64)
    told = await chat.told(await chat.ask("/workflow rollback sdxl", by="ruth"))
    assert told == "/sdxl is the file again"
    told = await chat.told(await chat.ask("/sdxl a fox --without fog"))
    assert told.startswith('/sdxl has no option "without".')
