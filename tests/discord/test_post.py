"""Showing cards over sockets to a Discord with real limits: tokens that end, closed channels, sizes, rates."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.discord.adapter import DiscordAdapter
from adapters.discord.settings import DiscordSettings
from adapters.discord.where import Where
from bot.cards.together import Running, together
from bot.contract.card import Media, Preview
from bot.contract.values import Place
from bot.errors import AddressExpired, AddressGone, ConfigError, SlowDown
from tests.discord.double import Discord, serving
from tests.discord.payloads import CHANNEL, GUILD, TOKEN
from tests.discord.scripted import ScriptedCore
from tests.discord.shop import DONE, RUNNING, Shop

MIB = 2**20


def _media(folder: Path, size: int, index: int = 0, kind: str = "image/png") -> Media:
    path = folder / f"output-{index}"
    path.write_bytes(bytes(size))
    name = f"imagine-{index + 1}.{kind.split('/')[1]}"
    return Media(job="j", index=index, path=path, media_type=kind, name=name, size=size)


async def test_a_message_goes_on_when_its_token_has_ended(shop: Shop) -> None:
    """401 with 50027 is met once; the address that comes back asks with the bot's own token alone."""
    where = await shop.promised()
    shop.discord.token_seconds = 0.0
    moved = await shop.show(where)
    assert moved == where.without_token()
    assert await shop.show(moved, RUNNING) is None
    assert shop.discord.messages[where.message or 0].words.startswith("**half**")
    assert [status for _, _, status in shop.discord.requests if status >= 400] == [401]


async def test_a_token_is_not_tried_after_its_time(shop: Shop) -> None:
    """By the clock, before Discord has to say it."""
    where = await shop.promised()
    assert await shop.show(replace(where, until=time.time() - 1)) is None
    assert all("/webhooks/" not in path for _, path, _ in shop.discord.requests)
    assert shop.discord.messages[where.message or 0].words == "**/imagine**"


async def test_what_only_a_press_can_renew_is_said_to_be_that(shop: Shop) -> None:
    """An ephemeral card after its token's life; nothing is asked of Discord for it."""
    where = await shop.promised(lasting=False, until=0.0)
    before = len(shop.discord.requests)
    with pytest.raises(AddressExpired):
        await shop.show(where)
    assert len(shop.discord.requests) == before


async def test_a_deleted_message_is_gone(shop: Shop) -> None:
    """By either token, and also when it is to be removed."""
    where = await shop.promised()
    shop.discord.messages[where.message or 0].deleted = True
    for address in (where, where.without_token()):
        with pytest.raises(AddressGone, match="10008"):
            await shop.show(address)
        with pytest.raises(AddressGone, match="10008"):
            await shop.client.post.remove(address)


async def test_a_card_in_a_forums_post_goes_on_there(shop: Shop) -> None:
    """The post is a place of its own; the bot's own token edits in it as in a channel."""
    shop.discord.posts.add(71)
    await shop.discord.slash("imagine", channel=71, prompt="a red fox")
    await shop.discord.until(lambda: shop.core.invoked)
    (invocation,) = shop.core.invoked
    assert invocation.place == Place(platform="discord", external_id="71")
    where = Where.of(invocation.address).without_token()
    assert await shop.show(where) is None
    assert shop.discord.messages[where.message or 0].words == "**/imagine**"
    edits = [path for method, path, _ in shop.discord.requests if method == "PATCH"]
    assert edits == [f"/api/v10/channels/71/messages/{where.message}"]


async def test_a_vanished_channel_is_gone(shop: Shop) -> None:
    """Nothing is told anywhere else."""
    where = (await shop.promised()).without_token()
    shop.discord.gone.add(CHANNEL)
    with pytest.raises(AddressGone, match="10003"):
        await shop.show(where)
    assert len(shop.discord.messages) == 1


@pytest.mark.parametrize("code", [50001, 50013, 50083, 160005])
async def test_a_closed_channel_is_told_in_private(shop: Shop, code: int) -> None:
    """One refusal, then the conversation with whoever asked; if that is closed too, the message is gone.

    No sight of the channel, no right to write there, a thread that was archived or locked.
    """
    shop.discord.closed_by = code
    where = (await shop.promised()).without_token()
    shop.discord.closed.add(CHANNEL)
    moved = await shop.show(where)
    assert moved is not None
    assert (moved.channel, moved.guild) == (42_000, None)
    assert shop.discord.messages[moved.message or 0].words == "**/imagine**"
    assert await shop.show(moved, RUNNING) is None
    shop.discord.closed.add(42_000)
    with pytest.raises(AddressGone, match=str(code)):
        await shop.show(where)


async def test_a_token_that_was_reset_is_not_tried_again_and_again(shop: Shop) -> None:
    """One answer of 401 for all messages in a minute; none of them is given up for it."""
    where = (await shop.promised()).without_token()
    shop.discord.token_known = False
    before = len(shop.discord.requests)
    for address in (where, where, replace(where, message=None, reply=1)):
        with pytest.raises(SlowDown) as slow:
            await shop.show(address)
        assert 50 < slow.value.retry_after <= 60
    assert [status for _, _, status in shop.discord.requests[before:]] == [401]


async def test_a_token_that_was_reset_ends_the_adapter_with_what_to_do(discord: Discord) -> None:
    """The gateway says so; nobody knocks every five seconds."""
    running = asyncio.create_task(
        DiscordAdapter(DiscordSettings(discord_api_base=discord.api), TOKEN).run(ScriptedCore())
    )
    await discord.connected.wait()
    discord.token_known = False
    await discord.gateway.drop(4004)
    with pytest.raises(ConfigError, match="DISCORD_TOKEN: Discord does not know that token"):
        await running


async def test_an_old_message_waits(shop: Shop) -> None:
    """30046: later, not never, and not at once."""
    where = (await shop.promised()).without_token()
    shop.discord.stuck.add(where.message or 0)
    with pytest.raises(SlowDown) as slow:
        await shop.show(where)
    assert slow.value.retry_after == 60.0


async def test_one_budget_for_a_channel(shop: Shop) -> None:
    """All edits of the bot's own there count; those with an interaction's token count by themselves."""
    promised = await shop.promised()
    where, post = promised.without_token(), shop.client.post
    assert post.turn(where, final=False) == 0.0
    assert 0 < post.turn(where, final=False, left=30.0) <= 1.1
    assert [post.turn(where, final=True) for _ in range(4)] == [0.0] * 4
    assert 0 < post.turn(where, final=True) <= 5.05
    for other in (promised, replace(where, channel=7)):
        assert [post.turn(other, final=True) for _ in range(5)] == [0.0] * 5
        assert 0 < post.turn(other, final=True) <= 5.05


async def test_one_message_for_several_jobs_of_a_channel(shop: Shop) -> None:
    """Where messages share their edits: not while a token edits them, nor where one person alone sees them."""
    promised = await shop.promised()
    adapter = DiscordAdapter(DiscordSettings(), TOKEN)
    lasting = promised.without_token()
    found, other = (adapter.shared(where.address()) for where in (lasting, replace(lasting, user=9, reply=7)))
    assert found is not None
    assert found == other
    assert round(found.rate, 2) == 1.0
    for where in (
        promised,
        replace(lasting, private=True),
        replace(lasting, lasting=False),
        replace(lasting, guild=None),
        replace(lasting, message=None),
    ):
        assert adapter.shared(where.address()) is None

    jobs = [Running(name=name, prompt="@everyone a fox", fraction=0.5) for name in ("Ann", "Bob")]
    board = await shop.show(Where.of(found.address), together(jobs))
    assert board is not None
    assert (board.channel, board.reply) == (CHANNEL, None)
    assert await shop.show(board, together(jobs[:1])) is None
    shown = shop.discord.messages[board.message or 0]
    assert shown.words == "**1 in the making**\n▰▰▰▰▱▱▱▱ 50% **Ann**: \\@\u200beveryone a fox"
    await shop.client.post.remove(board)
    assert shown.deleted


async def test_pictures_videos_and_other_files(shop: Shop, tmp_path: Path) -> None:
    """What plays is shown, the rest is offered; hidden ones are."""
    where = await shop.promised()
    media = (
        _media(tmp_path, 3, 0),
        _media(tmp_path, 4, 1, "video/mp4"),
        _media(tmp_path, 5, 2, "model/gltf-binary"),
    )
    await shop.show(where, replace(DONE, media=media, alt="a red fox", spoiler=True))
    message = shop.discord.messages[where.message or 0]
    assert {name: len(data) for name, data in message.files.items()} == {
        "1-imagine-1.png": 3,
        "2-imagine-2.mp4": 4,
        "3-imagine-3.gltf-binary": 5,
    }
    gallery, file = message.payload["components"][0]["components"][1:3]
    assert [(item["description"], item["spoiler"]) for item in gallery["items"]] == [("a red fox", True)] * 2
    assert (file["file"]["url"], file["spoiler"]) == ("attachment://3-imagine-3.gltf-binary", True)


async def test_a_preview_gives_way_to_the_result(shop: Shop, tmp_path: Path) -> None:
    """Nothing of it stays attached."""
    where = await shop.promised()
    preview = Preview(data=b"jpeg", media_type="image/jpeg")
    await shop.show(where, replace(RUNNING, preview=preview))
    message = shop.discord.messages[where.message or 0]
    assert message.files == {"preview.jpg": b"jpeg"}
    await shop.show(where, RUNNING)
    assert message.files == {}
    await shop.show(where, replace(DONE, media=(_media(tmp_path, 3),)))
    assert message.files == {"1-imagine-1.png": bytes(3)}


async def test_more_than_ten_go_into_further_messages(shop: Shop, tmp_path: Path) -> None:
    """Ten in the card, the rest in a reply to it; showing it again sends nothing twice."""
    where = await shop.promised()
    card = replace(DONE, media=tuple(_media(tmp_path, 3, index) for index in range(13)))
    moved = await shop.show(where, card)
    assert moved is not None
    first, second = shop.discord.messages.values()
    assert (len(first.gallery), len(second.gallery), moved.parts) == (10, 3, (second.id,))
    assert second.payload["message_reference"]["message_id"] == first.id
    assert await shop.show(moved, card) is None
    await shop.client.post.remove(moved)
    assert [first.deleted, second.deleted] == [True, True]


async def test_a_crash_between_sending_and_noting_sends_no_second(shop: Shop, tmp_path: Path) -> None:
    """The same further message again is the same message."""
    where = await shop.promised()
    card = replace(DONE, media=tuple(_media(tmp_path, 3, index) for index in range(11)))
    assert await shop.show(where, card) == await shop.show(where, card)
    assert len(shop.discord.messages) == 2


async def test_a_message_has_at_most_25_mib(shop: Shop, tmp_path: Path) -> None:
    """Three of 9 MiB are two messages."""
    where = await shop.promised()
    media = tuple(_media(tmp_path, 9 * MIB, index) for index in range(3))
    await shop.show(where, replace(DONE, media=media))
    assert [len(message.gallery) for message in shop.discord.messages.values()] == [2, 1]


async def test_files_that_are_refused_as_too_large_are_made_smaller(shop: Shop, tmp_path: Path) -> None:
    """413 with 40005 halves what was sent until it is taken; the address keeps what the place takes."""
    shop.core.shrinks, shop.discord.file_bytes = True, MIB
    where = await shop.promised()
    media = tuple(_media(tmp_path, 3 * MIB, index) for index in range(2))
    moved = await shop.show(where, replace(DONE, media=media))
    assert moved is not None
    assert (moved.limit, moved.room) == (int(0.75 * MIB), int(0.75 * MIB))
    messages = list(shop.discord.messages.values())
    assert [[len(data) for data in message.files.values()] for message in messages] == [[moved.room]] * 2
    assert [status for _, _, status in shop.discord.requests if status >= 400] == [413] * 3
    assert await shop.show(moved, replace(DONE, media=media)) is None
    assert [status for _, _, status in shop.discord.requests if status >= 400] == [413] * 3


async def test_files_that_no_size_makes_welcome_are_named(shop: Shop, tmp_path: Path) -> None:
    """The card itself comes all the same."""
    shop.discord.file_bytes = 100
    where = await shop.promised()
    await shop.show(where, replace(DONE, media=(_media(tmp_path, 3 * MIB),)))
    message = shop.discord.messages[where.message or 0]
    assert message.files == {}
    assert message.words == "**/imagine**\n`imagine-1.png` \\(3.0 MB\\) is too large to be shown here."


async def test_what_cannot_be_made_to_fit_is_named(shop: Shop, tmp_path: Path) -> None:
    """The place's own limit counts, as it was told with the command."""
    where = await shop.promised()
    assert where.limit == 10 * MIB
    media = (_media(tmp_path, 11 * MIB), _media(tmp_path, 3, 1))
    await shop.show(where, replace(DONE, media=media))
    message = shop.discord.messages[where.message or 0]
    assert len(message.gallery) == 1
    assert message.words == "**/imagine**\n`imagine-1.png` \\(11.0 MB\\) is too large to be shown here."


async def test_a_long_text_is_cut_before_discord_refuses_it(shop: Shop) -> None:
    """All of a card's other parts stay."""
    where = await shop.promised()
    await shop.show(where, replace(DONE, title="*" * 1500, body=()))
    assert len(shop.discord.messages[where.message or 0].words) == 3004


async def test_a_message_of_another_server_is_led_to(shop: Shop) -> None:
    """The address people can open."""
    where = await shop.promised()
    assert where.url == f"https://discord.com/channels/{GUILD}/{CHANNEL}/{where.message}"


async def test_a_bot_that_somebody_carries_along_may_not_edit_later(shop: Shop) -> None:
    """In a server that it is not in only a press brings the right to change a card."""
    shop.discord.carried = True
    where = await shop.promised()
    assert (where.lasting, where.private) == (False, False)
    assert shop.core.invoked[-1].transient


async def test_as_many_shards_as_discord_asks_for() -> None:
    """With no more intents than are used."""
    discord = Discord(shards=2, guilds=2)
    async with serving(discord):
        core = ScriptedCore()
        adapter = DiscordAdapter(DiscordSettings(discord_api_base=discord.api), TOKEN)
        running = asyncio.create_task(adapter.run(core))
        await discord.until(lambda: len(discord.identified) == 2)
        await discord.slash("imagine", prompt="a red fox")
        await discord.until(lambda: core.invoked)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    guilds, guild_messages, direct_messages = 1 << 0, 1 << 9, 1 << 12
    assert [(said["shard"], said["intents"]) for said in discord.identified] == [
        ([0, 2], guilds | guild_messages | direct_messages),
        ([1, 2], guilds | guild_messages | direct_messages),
    ]


async def test_what_the_owner_has_to_put_right_is_said(discord: Discord) -> None:
    """A token that is not known, an intent that is not allowed."""
    settings = DiscordSettings(discord_api_base=discord.api, discord_message_content=True)
    with pytest.raises(ConfigError, match="DISCORD_TOKEN"):
        await DiscordAdapter(settings, "wrong").run(ScriptedCore())
    discord.refused_intents = 1 << 15
    with pytest.raises(ConfigError, match="Message Content Intent"):
        await DiscordAdapter(settings, TOKEN).run(ScriptedCore())


async def test_another_gateway_can_be_named(discord: Discord) -> None:
    """Then Discord is not asked where it is."""
    url = discord.url.replace("http", "ws") + "/gateway/"
    settings = DiscordSettings(discord_api_base=discord.api, discord_gateway_url=url)
    running = asyncio.create_task(DiscordAdapter(settings, TOKEN).run(ScriptedCore()))
    await discord.connected.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert [path for _, path, _ in discord.requests if "gateway" in path] in ([], ["/gateway/"])
