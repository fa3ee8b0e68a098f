"""Commands that belong to no workflow."""

from __future__ import annotations

from bot.cards.notes import note, queue_card
from bot.commands.admin import whole_queue
from bot.commands.registry import Context, Entry, command
from bot.contract.card import Code, Text
from bot.contract.levels import Level
from bot.contract.values import Answer, Invocation, Said

GENERAL: dict[str, Entry] = {}


@command(GENERAL, "queue", "How many pictures wait, and whether ComfyUI answers")
async def queue(context: Context, invocation: Invocation) -> Answer:
    """Says how the queue stands, to admins of everybody's jobs."""
    if context.level >= Level.ADMIN:
        return Said(card=await whole_queue(context, invocation))
    return Said(card=queue_card(await context.look.queue()))


@command(GENERAL, "help", "What can be asked for")
async def help_(context: Context, _invocation: Invocation) -> Answer:
    """Lists every command."""
    lines = [
        (Code(text=f"/{published.name}"), Text(text=f" {published.description}"))
        for published in context.commands()
    ]
    return Said(card=note("Commands", *lines))
