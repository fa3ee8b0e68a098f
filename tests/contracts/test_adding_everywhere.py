"""The owner runs something in ComfyUI, and makes a command of it that everybody uses, on every platform."""

from __future__ import annotations

import json

import aiohttp
import pytest

from tests.asking import get
from tests.contracts.chats import Chat, File
from tests.contracts.owners_run import GRAPH, UI, run_once
from tests.processes import Program

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
async def test_a_file_becomes_a_draft_or_is_refused(chat: Chat) -> None:
    """A graph does; what ComfyUI draws, and what reaches files, do not: each is told what to do instead."""

    def file(name: str, value: object) -> File:
        return File(name=name, data=json.dumps(value).encode(), kind="application/json")

    card = await chat.card(
        await chat.ask("/workflow add", by="ruth", files=[file("oak.json", GRAPH)]), "Publish"
    )
    assert "/old-oak" in card.words
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
